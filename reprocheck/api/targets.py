"""What a snapshot can be taken of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reprocheck.engine.docker_inspect import split_kind
from reprocheck.errors import UsageFault

SCHEMES = ("docker", "rootfs", "env", "local")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A parsed target."""

    scheme: Literal["docker", "rootfs", "env", "local"]
    reference: str
    kind: Literal["image", "container", ""] = ""
    """What `docker:image:REF` or `docker:container:REF` says it is; '' leaves it to the engine to tell."""


def parse_target(text: str | None) -> Target:
    """Parse `docker:REF`, `rootfs:DIR`, `env:PREFIX`, `local`, a bare image or container, or nothing (local).

    Only after an explicit `docker:` does `image:` or `container:` say what REF is: a bare `image:latest` is
    the name of an image.

    Raises UsageFault (E_TARGET).
    """
    if text is None or text in ("local", "local:"):
        return Target(scheme="local", reference="")
    scheme, colon, rest = text.partition(":")
    if colon and scheme in SCHEMES:
        kind, reference = split_kind(rest) if scheme == "docker" else ("", rest)
        if not reference:
            raise UsageFault(
                "E_TARGET",
                f"target {text!r} names nothing",
                hint=f"Write {scheme}:NAME, for example {_EXAMPLE[scheme]}.",
            )
        return Target(scheme=_scheme(scheme), reference=reference, kind=kind)
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
