"""What a snapshot can be taken of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reprocheck.errors import UsageFault

SCHEMES = ("docker", "rootfs", "env", "local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A parsed target."""

    scheme: Literal["docker", "rootfs", "env", "local"]
    reference: str


def parse_target(text: str | None) -> Target:
    """Parse `docker:REF`, `rootfs:DIR`, `env:PREFIX`, `local`, a bare image or container, or nothing (local).

    Raises UsageFault (E_TARGET).
    """
    if text is None or text in ("local", "local:"):
        return Target(scheme="local", reference="")
    scheme, colon, rest = text.partition(":")
    if colon and scheme in SCHEMES:
        if not rest:
            raise UsageFault(
                "E_TARGET",
                f"target {text!r} names nothing",
                hint=f"Write {scheme}:NAME, for example {_EXAMPLE[scheme]}.",
            )
        return Target(scheme=_scheme(scheme), reference=rest)
    if not text.strip():
        raise UsageFault("E_TARGET", "the target is empty", hint="Leave it out for this machine.")
    return Target(scheme="docker", reference=text)


_EXAMPLE = {
    "docker": "docker:python:3.11",
    "rootfs": "rootfs:./unpacked",
    "env": "env:.venv",
    "local": "local",
}


def _scheme(text: str) -> Literal["docker", "rootfs", "env", "local"]:
    match text:
        case "docker" | "rootfs" | "env" | "local":
            return text
    raise AssertionError(text)
