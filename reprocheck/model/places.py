"""Paths of a container that keep their content: no declared output and no mount may hide them."""

from __future__ import annotations

import re

_KERNEL = frozenset({"dev", "proc", "sys"})
_SYSTEM = frozenset({"bin", "boot", "etc", "sbin"})
_LIBRARIES = re.compile(r"lib(32|64|x32)?")
_BELOW_USR = frozenset({"bin", "include", "libexec", "sbin", "share"})
_WILD = re.compile(r"[*?\[]")


def is_kernel_place(path: str) -> bool:
    """Whether an absolute path is served by the kernel (CVE-2024-21626 was a working directory there)."""
    parts = _parts(path)
    return bool(parts) and parts[0] in _KERNEL


def is_system_place(path: str) -> bool:
    """Whether an empty directory at this absolute path would hide a part of the image's system.

    `/usr/src/app` and `/var/lib/x` are ordinary places, `/usr` and `/usr/local/lib/x` are not.
    """
    parts = _parts(path)
    if is_kernel_place(path) or parts in ([], ["usr"], ["usr", "local"], ["var"], ["var", "lib"]):
        return True
    if parts[0] in _SYSTEM or _LIBRARIES.fullmatch(parts[0]):
        return True
    below = parts[2:3] if parts[:2] == ["usr", "local"] else parts[1:2] if parts[0] == "usr" else []
    return any(name in _BELOW_USR or _LIBRARIES.fullmatch(name) is not None for name in below)


def can_hold(directory: str, patterns: tuple[str, ...]) -> bool:
    """Whether what a declared output means can lie in this directory, or the directory in an output."""
    place = _parts(directory)
    for pattern in patterns:
        fixed = _parts(pattern)
        for index, part in enumerate(fixed):
            if _WILD.search(part):
                fixed = fixed[:index]
                break
        shared = min(len(fixed), len(place))
        if fixed[:shared] == place[:shared]:
            return True
    return False


def is_wild(path: str) -> bool:
    """Whether a path holds a wildcard, so that it names no single place."""
    return _WILD.search(path) is not None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
