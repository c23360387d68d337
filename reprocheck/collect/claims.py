"""Which paths of a package's file list matter to the joins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reprocheck.collect.native_names import kind_of

INTERPRETER = re.compile(r"(python|pypy)([23]\.[0-9]{1,3})([dmtu]{0,3})")
"""A versioned interpreter's file name; `t` marks the free-threaded build (PEP 703), `d` a debug build,
`m` and `u` what was the default up to Python 3.7."""

METADATA_ENDINGS = (".dist-info", ".egg-info")


def claimable(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths that a join will ask for.

    These are metadata directories, interpreters, native libraries, and shared objects in site directories.

    A file directly inside a metadata directory stands for the directory (conda lists files only).
    """
    for path in paths:
        if "-info" in path:
            parent, _, last = path.rpartition("/")
            if last.endswith(METADATA_ENDINGS):
                yield path
            elif parent.endswith(METADATA_ENDINGS) and last in ("METADATA", "PKG-INFO"):
                yield parent
        elif ".so" in path:
            if "-packages/" in path or kind_of(path.rpartition("/")[2]):
                yield path
        elif "/bin/py" in path and INTERPRETER.fullmatch(path.rpartition("/")[2]):
            yield path
