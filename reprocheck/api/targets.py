"""What a snapshot can be taken of."""

from __future__ import annotations

from typing import Literal, get_args

from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen

Scheme = Literal[
    "docker", "podman", "docker-archive", "oci-archive", "oci", "rootfs", "env", "probe", "local"
]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


class Target(Frozen, frozen=True, kw_only=True):
    """A parsed target."""

    scheme: Scheme
    reference: str
    kind: Literal["image", "container", ""] = ""
    """What `docker:image:REF` or `docker:container:REF` says it is; '' leaves it to the engine to tell."""


def parse_target(text: str | None) -> Target:
    """Parse `SCHEME:REFERENCE`, `local`, a bare image or container, or nothing (local).

    Only after an explicit `docker:` or `podman:` does `image:` or `container:` say what REF is: a bare
    `image:latest` is the name of an image.

    Raises UsageFault (E_TARGET).
    """
    if text is None or text in ("local", "local:"):
        return Target(scheme="local", reference="")
    scheme, colon, rest = text.partition(":")
    if colon and scheme in SCHEMES:
        kind, reference = split_kind(rest) if scheme in ("docker", "podman") else ("", rest)
        if not reference:
            raise UsageFault(
                "E_TARGET",
                f"target {text!r} names nothing",
                hint=f"Write {scheme}:..., for example {_EXAMPLE[_scheme(scheme)]}.",
            )
        return Target(scheme=_scheme(scheme), reference=reference, kind=kind)
    if not text.strip():
        raise UsageFault("E_TARGET", "the target is empty", hint="Leave it out for this machine.")
    return Target(scheme="docker", reference=text)


_EXAMPLE: dict[Scheme, str] = {
    "docker": "docker:python:3.11",
    "podman": "podman:localhost/train:latest",
    "docker-archive": "docker-archive:saved.tar",
    "oci-archive": "oci-archive:image.tar",
    "oci": "oci:./layout",
    "rootfs": "rootfs:./unpacked",
    "env": "env:.venv",
    "probe": "probe:result.json",
    "local": "local",
}


def _scheme(text: str) -> Scheme:
    for scheme in SCHEMES:
        if text == scheme:
            return scheme
    raise AssertionError(text)


def split_kind(reference: str) -> tuple[Literal["image", "container", ""], str]:
    """Split `image:NAME` and `container:NAME`, as they may stand after `docker:`; '' when neither is said."""
    if reference.startswith("image:"):
        return "image", reference.removeprefix("image:")
    if reference.startswith("container:"):
        return "container", reference.removeprefix("container:")
    return "", reference
