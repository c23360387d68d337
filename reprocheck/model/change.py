"""What differs between two manifests, before anybody says what matters."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Stamped, Value
from reprocheck.model.unknown import Unknown

ChangeKind = Literal["added", "removed", "changed"]
Severity = Literal["high", "medium", "low", "info"]
Effect = Literal["result", "break", "bytes", "symptom", "none"]
"""Can change results > can break > bytes only; `symptom` is an output, the effect and not a cause."""


class Difference(Value, frozen=True, kw_only=True):
    """One difference, structured. `before` and `after` are display values, None where the side has none."""

    section: Literal[
        "inputs",
        "code",
        "environment",
        "packages",
        "libraries",
        "pythons",
        "os",
        "image",
        "host",
        "run",
        "outputs",
    ]
    kind: ChangeKind
    name: str
    """Package name, variable name, path, or a dotted attribute such as `cpu.model`."""
    attribute: str
    """What of it: `version`, `value`, `files`, `build`, `presence`, `sha256`, ..."""
    before: str | None
    after: str | None
    type: str = ""
    """Package type for packages (`pypi`, `deb`), '' elsewhere."""
    where: str = ""
    """Environment or location that tells two equal names apart."""
    direction: Literal["upgrade", "downgrade", ""] = ""
    """For versions that can be ordered."""


class Delta(Value, frozen=True, kw_only=True):
    """All differences of two manifests, in a stable order, and what could not be compared."""

    differences: tuple[Difference, ...]
    not_compared: tuple[Unknown, ...]
    """Unknowns of either side, variables without value, sections that one side lacks."""


class Finding(Value, frozen=True, kw_only=True):
    """A ranked difference, with why it can change results and one command that undoes it."""

    code: str
    section: str
    name: str
    before: str | None
    after: str | None
    severity: Severity
    effect: Effect
    title: str
    why: str
    fix: str
    """One command or action that turns B's side into A's; '' when there is none."""
    type: str = ""
    where: str = ""
    attribute: str = ""
    folded: tuple[str, ...] = ()
    """Names that moved only because this one's pins moved."""


class DiffReport(Stamped, frozen=True, kw_only=True):
    """The result of `diff`."""

    verdict: Literal["identical", "differs"]
    findings: tuple[Finding, ...]
    """In rank order; the first is the first suspect."""
    explained: bool
    """False: nothing found can explain a difference in results."""
    not_compared: tuple[Unknown, ...]
