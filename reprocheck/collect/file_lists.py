"""What package managers say of their files: one row per file, at the place where it really lies."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reprocheck.limits import Limits
from reprocheck.model.filetree import FileTree
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView


class Listed(NamedTuple):
    """A package says that this file is its own."""

    path: str
    """Absolute, links in its directory resolved."""
    owner: str
    """purl of the package; the one that owns it where one component is listed by two managers."""
    algorithm: Literal["sha256", "md5", ""] = ""
    digest: str = ""
    """Hexadecimal, '' where the package gives none that can be compared."""
    configuration: bool = False
    optional: bool = False
    """It may be missing without a fault (see `Integrity.left_out`)."""


@dataclass(slots=True)
class Lists:
    """What the lists of one kind of package say, beside their rows."""

    unknowns: list[Unknown] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    """purls of packages that have no list."""
    unjudged: set[str] = field(default_factory=set)
    """What may belong to a package without a list: `DIR/NAME` for that path and all below it, `DIR/NAME.`
    for modules of that name."""
    places: Callable[[str], str] = field(default=lambda path: path)


class Places:
    """Where a listed path really lies: a list may name /lib/x where the tree has /usr/lib/x (merged /usr).

    The last part is not followed: a link is a file of its own. Directories that lead nowhere stay as written.
    """

    def __init__(self, tree: FileTree) -> None:
        self._tree = tree
        self._known: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """Return the path with the links of its directory followed."""
        directory, _, name = path.rpartition("/")
        known = self._known.get(directory)
        if known is None:
            entry = self._tree.resolve(directory or "/")
            known = posixpath.normpath("/" + directory.lstrip("/")) if entry is None else entry.path
            known = known.rstrip("/")
            self._known[directory] = known
        return f"{known}/{name}"


Reader = Callable[[ContainerView, tuple[Package, ...], Limits, Lists], Iterator[Listed]]
"""Gives the rows of one kind of package; what cannot be read goes to `Lists.unknowns`."""
