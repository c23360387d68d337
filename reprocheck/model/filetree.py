"""A file system as data: entries, and links resolved in memory only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

EntryKind = Literal["file", "directory", "link", "other"]

MAX_LINK_HOPS = 40


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One path of a container's file system. Paths are absolute POSIX, undecodable bytes as surrogates."""

    path: str
    kind: EntryKind
    size: int = 0
    mode: int = 0
    target: str = ""
    """Link target as stored."""


@dataclass(frozen=True, slots=True)
class FileTree:
    """An immutable listing with in-memory link resolution; nothing here touches a disk."""

    entries: Mapping[str, Entry]
    _children: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index names by directory, sorted, so that every walk has one order.

        An archive or a layer need not list the directories above a file, so they are inferred.
        """
        inferred: set[str] = set()
        children = self._children
        for entry in self.entries:
            parent, _, name = entry.rpartition("/")
            siblings = children.get(parent or "/")
            if siblings is not None and entry != "/":  # nearly always
                siblings.append(name)
                continue
            path = entry
            while path != "/":
                parent, _, name = path.rpartition("/")
                parent = parent or "/"
                known = parent in self._children
                self._children.setdefault(parent, []).append(name)
                if known or parent == "/" or parent in self.entries or parent in inferred:
                    break
                inferred.add(parent)
                path = parent
        for names in self._children.values():
            names.sort()

    def names(self, directory: str) -> tuple[str, ...]:
        """Sorted names in `directory` (exact path, links not followed)."""
        return tuple(self._children.get(directory, ()))

    def under(self, directory: str) -> Iterator[Entry]:
        """Entries at and below `directory` in sorted depth-first order, links not followed."""
        stack = [directory]
        while stack:
            path = stack.pop()
            entry = self.entries.get(path)
            if entry is not None:
                yield entry
            base = path.rstrip("/")
            stack.extend(f"{base}/{name}" for name in reversed(self._children.get(path, ())))

    def resolve(self, path: str) -> Entry | None:
        """Follow links (also in parent directories) inside the tree; None when dangling or a cycle.

        `..` never climbs above the root, as in a chroot.
        """
        hops = 0
        todo = [part for part in path.split("/") if part not in ("", ".")]
        todo.reverse()
        current = "/"
        while todo:
            part = todo.pop()
            if part == "..":
                current = posixpath.dirname(current)
                continue
            candidate = f"{current.rstrip('/')}/{part}"
            entry = self.entries.get(candidate)
            if entry is None:
                if candidate in self._children:  # a directory that only its children testify to
                    current = candidate
                    continue
                return None
            if entry.kind == "link":
                hops += 1
                if hops > MAX_LINK_HOPS:
                    return None
                if entry.target.startswith("/"):
                    current = "/"
                todo.extend(reversed([p for p in entry.target.split("/") if p not in ("", ".")]))
                continue
            current = candidate
        if current in self.entries:
            return self.entries[current]
        return Entry(path=current, kind="directory") if current == "/" or current in self._children else None

    def exists(self, path: str) -> bool:
        """Whether `path` leads to something, links followed."""
        return self.resolve(path) is not None


def portable(path: str) -> str:
    """Make a path valid Unicode for a document: undecodable bytes become `\\xNN`, and `\\` doubles then."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "surrogateescape")
        return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    return path
