"""Where the dynamic loader would find a library, told without loading it.

The cache (/etc/ld.so.cache, glibc's `struct cache_file_new`) ends in a table of strings; the paths in it are
all that is needed here, so nothing else of it is read.
"""

from __future__ import annotations

import os
from pathlib import Path

from reprocheck.engine.pseudo_file import read_if_there

_CACHE = "etc/ld.so.cache"
_USUAL = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/run/opengl-driver/lib",
    "/usr/lib",
)
"""Where drivers put their libraries: Debian, Red Hat, WSL, GKE, Jetson, NixOS, others."""


def library_file(base: Path, soname: str, limit: int) -> str:
    """Return the file name that `soname` leads to (`libcuda.so.580.65.06`), '' where there is no such file.

    64-bit libraries go first.
    """
    cache = read_if_there(base / _CACHE, limit) or b""
    ending = f"/{soname}".encode()
    listed = {
        os.fsdecode(piece[piece.index(b"/") :]) for piece in cache.split(b"\0") if piece.endswith(ending)
    }
    for path in (*sorted(listed, key=_narrow_last), *(f"{place}/{soname}" for place in _USUAL)):
        real = os.path.realpath(base / path.lstrip("/"))
        if os.path.isfile(real):
            return os.path.basename(real)
    return ""


def _narrow_last(path: str) -> tuple[bool, str]:
    directory = path.rpartition("/")[0]
    narrow = "/i386-" in path or "/lib32" in path or directory in ("/lib", "/usr/lib")
    return narrow, path
