"""The one implementation of `ports.ContainerView`: a tree, and a way to get a file's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reprocheck.model.filetree import Entry, FileTree
from reprocheck.ports import ViewError


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A readable file system (`ports.ContainerView`)."""

    tree: FileTree
    load: Callable[[Entry, int], bytes]
    """Give the bytes of a regular file of the tree, at most the given number; raises ViewError."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Directories and files that could not be listed, as (path, reason), sorted."""

    def read(self, path: str, limit: int) -> bytes:
        """Return a regular file's bytes; links are resolved inside the tree.

        Raises FileNotFoundError, IsADirectoryError, or ViewError (larger than `limit`, not a regular file,
        not retained, not readable).
        """
        entry = self.tree.resolve(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.kind == "directory":
            raise IsADirectoryError(path)
        if entry.kind != "file":
            raise ViewError("not a regular file")
        if entry.size > limit:
            raise ViewError(f"has {entry.size} bytes, more than the limit of {limit}")
        return self.load(entry, limit)
