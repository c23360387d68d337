"""Globs that name files as volatile (`--ignore-output`, `--ignore-key`), matched the same way in every room.

Here `*` crosses `/`, unlike in the patterns of declared outputs (`engine.patterns`), which decide what is
read and go component by component: ignoring `logs*` shall mean all of it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(name: str, glob: str) -> bool:
    """Whether a glob names this file: as a whole, or from any `/` on (`*.log`, `logs/*.txt`)."""
    return fnmatchcase(name, glob) or (not glob.startswith("/") and fnmatchcase(name, f"*/{glob}"))
