"""ABI and platform of an interpreter, from the names of files that its own build made.

CPython writes its SOABI into the name of each extension module (`_bz2.cpython-311-x86_64-linux-gnu.so`), and
its flags and platform into that of its build settings (`_sysconfigdata__linux_x86_64-linux-gnu.py`). PyPy
does the first (`_ssl.pypy310-pp73-x86_64-linux-gnu.so`). PEP 425 derives the tag of wheels from the SOABI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.model.base import Frozen
from reprocheck.model.filetree import FileTree

_PLATFORM = r"([a-z0-9_]+(?:-[A-Za-z0-9_]+){1,3})"
_EXTENSION = re.compile(
    rf"[^.]+\.(?:cpython-([23][0-9]+)([a-z]{{0,3}})|pypy([23][0-9]+)-pp([0-9]+))-{_PLATFORM}\.so"
)
_SETTINGS = re.compile(rf"_sysconfigdata_([a-z]{{0,3}})_(?:linux_)?{_PLATFORM}\.py")
_LIBRARY = re.compile(r"python([23])\.([0-9]+)(t?)")


class Build(Frozen, frozen=True, kw_only=True, order=True):
    """What one build of an interpreter says of itself."""

    flags: str
    """ABI flags: `d` (debug), `t` (free-threaded), `m`, `u`; '' for the usual build."""
    abi: str
    platform: str


def builds_in(tree: FileTree, libraries: tuple[str, ...]) -> tuple[Build, ...]:
    """Return the builds whose files lie in these standard libraries, sorted; a debug build shares them."""
    found: set[Build] = set()
    for library in libraries:
        series = _LIBRARY.fullmatch(library.rpartition("/")[2])
        found.update(_from_extensions(tree, library))
        if series is not None and not found:
            found.update(_from_settings(tree, library, series[1] + series[2]))
    return tuple(sorted(found))


def _from_extensions(tree: FileTree, library: str) -> Iterator[Build]:
    for directory in (f"{library}/lib-dynload", library):
        for label in tree.names(directory):
            match = _EXTENSION.fullmatch(label) if label.endswith(".so") and len(label) < 256 else None
            if match is None:
                continue
            if match[1]:
                yield Build(flags=match[2], abi=f"cp{match[1]}{match[2]}", platform=match[5])
            else:
                yield Build(flags="", abi=f"pypy{match[3]}_pp{match[4]}", platform=match[5])


def _from_settings(tree: FileTree, library: str, digits: str) -> Iterator[Build]:
    for label in tree.names(library):
        match = _SETTINGS.fullmatch(label) if label.startswith("_sysconfigdata_") else None
        # conda adds its compilers' settings, whose names have no platform of ours in this place.
        if match is not None and "conda" not in label:
            yield Build(flags=match[1], abi=f"cp{digits}{match[1]}", platform=match[2])


def build_of(builds: tuple[Build, ...], flags: str, library: str) -> Build:
    """Choose the build that an executable with these flags in its name belongs to.

    Where no file tells, the name of the library directory does, from Python 3.8 on: before that, builds with
    and without pymalloc had one name.
    """
    exact = [build for build in builds if flags and build.flags == flags]
    usual = [build for build in builds if "d" not in build.flags]
    if exact or usual or builds:
        return (exact or usual or list(builds))[0]
    match = _LIBRARY.fullmatch(library)
    if match is None or (int(match[1]), int(match[2])) < (3, 8):
        return Build(flags=flags, abi="", platform="")
    debug = "d" if "d" in flags else ""
    return Build(flags=flags, abi=f"cp{match[1]}{match[2]}{match[3]}{debug}", platform="")
