"""Environment variables and how much of them may be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from reprocheck.model.base import Name, Value

IN_FORCE = ("run", "container", "host", "image")
"""Origins in the order that decides where several set one name: `docker run -e` overrides the image's ENV."""


class Variable(Value, frozen=True, kw_only=True):
    """An environment variable; its value only where policy allows it to be recorded."""

    name: Name
    value: str | None
    """None when the value is not recorded (see `state`)."""
    origin: Literal["image", "run", "container", "host"]
    """Who set it: the image's ENV, `run --env`, `docker run -e`, or the machine."""
    state: Literal["recorded", "withheld", "secret", "unset"] = "recorded"
    """`withheld`: not on the allowlist. `secret`: the scan of name and value hit. `unset`: a container took
    away what its image declares (`docker run -e NAME`)."""


def in_force(variables: Iterable[Variable]) -> dict[str, list[Variable]]:
    """Return the variables by name, what is in force first; a name that is unset is none at all."""
    names: dict[str, list[Variable]] = {}
    for variable in sorted(variables, key=lambda v: (IN_FORCE.index(v.origin), v.state, v.value or "")):
        names.setdefault(variable.name, []).append(variable)
    return {name: found for name, found in names.items() if found[0].state != "unset"}
