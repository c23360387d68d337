"""Layers of an image, merged into one file system as they go by: nothing is unpacked.

Rules: OCI image-spec 1.1 `layer.md`, "Applying Changesets"; where it is silent, what Docker's overlay2 store
does (moby `pkg/archive`). A whiteout removes what lower layers have, never what its own layer has, wherever
it stands in it. A layer is read into a tree of its own first, then laid over what is below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from reprocheck.engine.budget import over_limit
from reprocheck.engine.masks import image_tree
from reprocheck.engine.retained import Kept, Retained
from reprocheck.engine.tar import BinaryReader, Member, Read, read_members
from reprocheck.engine.view import View
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry
from reprocheck.ports import Interest

_WHITEOUT = ".wh."
_META = ".wh..wh."
_OPAQUE = ".wh..wh..opq"


class _Leaf(Frozen, frozen=True):
    """A file, link or device of which something is kept."""

    entry: Entry
    kept: Kept


@dataclass(slots=True)
class _Directory:
    """A directory; `entry` is None where only what lies below it testifies to it."""

    weight: int
    """Bytes of names that it was charged with."""
    entry: Entry | None = None
    children: dict[str, _Node] = field(default_factory=dict)
    opaque: bool = False
    """Hides what lower layers have below it; like `hidden`, looked at only while its layer is laid."""
    hidden: set[str] | None = None
    """Names in it that lower layers may have and this one removes."""


_Node = _Directory | _Leaf | Entry


class MergedLayers:
    """What the layers that were added so far amount to."""

    def __init__(self, interest: Interest, limits: Limits, where: str) -> None:
        """`where` begins messages about the image as a whole."""
        self._limits = limits
        self._where = where
        self._retained = Retained(interest, limits, where)
        self._root = _Directory(weight=0)
        self._members = 0

    def add(self, read: Read, where: str) -> None:
        """Lay a tar stream of one layer over those below, reading it to its end.

        `where` begins messages about the layer. Raises what `read_members` raises, CouldNotRun (E_LIMIT) for
        what all layers have together, and InputFault (E_TAR_HOSTILE) for hard links to nothing, paths below
        something that is no directory, and whiteouts of no name.
        """
        layer = _Layer(self._root, self._retained, where)
        for member, body in read_members(read, limits=self._limits, where=where):
            self._members += 1
            if self._members > self._limits.tar_members:
                raise over_limit("tar_members", self._limits.tar_members, self._where)
            layer.place(member, body)
        _lay(self._root, layer.top, self._retained)

    def view(self) -> View:
        """Give the merged files; nothing can be added afterwards."""
        entries: dict[str, Entry] = {}
        stack = [("", self._root)]
        while stack:
            path, directory = stack.pop()
            for name, node in directory.children.items():
                if isinstance(node, _Directory):
                    below = f"{path}/{name}"
                    # An engine makes what a layer does not list when it unpacks it, so its views have it.
                    entries[below] = node.entry or Entry(path=below, kind="directory", mode=0o755)
                    stack.append((below, node))
                elif isinstance(node, _Leaf):
                    entries[node.entry.path] = node.entry
                    self._retained.put(node.entry.path, node.kept)
                else:
                    entries[node.path] = node
            directory.children = {}
        return self._retained.view(image_tree(entries))


class _Layer:
    """One layer while it is read, above what is below it."""

    def __init__(self, below: _Directory, retained: Retained, where: str) -> None:
        self.top = _Directory(weight=0)
        self._below = below
        self._retained = retained
        self._where = where
        self._last = ("", self.top)

    def place(self, member: Member, body: BinaryReader) -> None:
        path = member.path
        parent, _, name = path.rpartition("/")
        if not name:
            self.top.entry = Entry(path="/", kind="directory", mode=member.mode)
            return
        if _WHITEOUT in path and self._is_mark(path, parent, name):
            return
        siblings = self._directory(parent).children
        old = siblings.get(name)
        if member.kind == "directory":
            entry = Entry(path=path, kind="directory", mode=member.mode)
            if isinstance(old, _Directory):
                old.entry = entry
                return
            new: _Node = _Directory(weight=len(path), entry=entry)
            self._retained.count(len(path))
        elif member.kind == "hardlink":
            new = self._linked(member)
        else:
            mode = 0o777 if member.kind == "link" else member.mode
            entry = Entry(path=path, kind=member.kind, size=member.size, mode=mode, target=member.target)
            self._retained.count(_weight(entry))
            kept = self._retained.hold(path, member.size, body) if member.kind == "file" else None
            new = _Leaf(entry, kept) if kept else entry
        if old is not None:
            _drop(old, self._retained)
            self._last = ("", self.top)  # it may lie in what has just gone
        siblings[name] = new

    def _is_mark(self, path: str, parent: str, name: str) -> bool:
        """Note a whiteout; False for an ordinary path, which merely has the letters somewhere in it."""
        above = f"{parent}/"
        if f"/{_META}" in above:  # what aufs kept for itself
            return True
        if f"/{_WHITEOUT}" in above:
            self._hostile(f"has {path[:200]!a}, a path below a whiteout")
        if not name.startswith(_WHITEOUT):
            return False
        if name == _OPAQUE:
            self._directory(parent).opaque = True
        elif not name.startswith(_META):
            hidden = name.removeprefix(_WHITEOUT)
            if hidden in ("", ".", ".."):
                self._hostile(f"has {path[:200]!a}, a whiteout of no name")
            directory = self._directory(parent)
            self._retained.count(len(hidden))
            directory.weight += len(hidden)
            directory.hidden = directory.hidden or set()
            directory.hidden.add(hidden)
        return True

    def _directory(self, path: str) -> _Directory:
        """Find or infer a directory of this layer."""
        if path == self._last[0]:
            return self._last[1]
        current = self.top
        length = 0
        for part in path.split("/")[1:]:
            length += len(part) + 1
            node = current.children.get(part)
            if node is None:
                self._retained.count(length)
                node = current.children[part] = _Directory(weight=length)
            elif not isinstance(node, _Directory):
                self._hostile("has a path below something that is not a directory")
            current = node
        self._last = (path, current)
        return current

    def _linked(self, member: Member) -> Entry | _Leaf:
        first = self._find(member.target) if member.target != member.path else None
        if first is None or isinstance(first, _Directory):
            self._hostile("has a hard link to a file that is not there")
        kept = first.kept if isinstance(first, _Leaf) else None
        of = first.entry if isinstance(first, _Leaf) else first
        entry = Entry(path=member.path, kind=of.kind, size=of.size, mode=of.mode, target=of.target)
        self._retained.count(_weight(entry))
        shared = self._retained.share(member.path, kept)
        return _Leaf(entry, shared) if shared else entry

    def _find(self, path: str) -> _Node | None:
        """Look a path up in this layer as far as it was read, else below; links are not followed."""
        upper: _Node | None = self.top
        lower: _Node | None = self._below
        for part in path.split("/")[1:]:
            if upper is not None and not isinstance(upper, _Directory):
                return None
            hides = upper is not None and (upper.opaque or part in (upper.hidden or ()))
            lower = lower.children.get(part) if isinstance(lower, _Directory) and not hides else None
            upper = upper.children.get(part) if upper is not None else None
        return lower if upper is None else upper

    def _hostile(self, what: str) -> NoReturn:
        raise InputFault(
            "E_TAR_HOSTILE",
            f"{self._where} {what}; nothing was kept of it",
            hint="Do not trust where this image came from.",
        )


def _lay(below: _Directory, layer: _Directory, retained: Retained) -> None:
    """Lay a finished layer over what is below, which becomes the whole; takes time for what it changes."""
    stack = [(below, layer)]
    while stack:
        low, high = stack.pop()
        removed = list(low.children) if high.opaque else [*(high.hidden or ())]
        for name in removed:
            gone = low.children.pop(name, None)
            if gone is not None:
                _drop(gone, retained)
        retained.count(-high.weight)
        if high.entry is not None:
            low.entry = high.entry
        for name, node in high.children.items():
            old = low.children.get(name)
            if isinstance(old, _Directory) and isinstance(node, _Directory):
                stack.append((old, node))
                continue
            if old is not None:
                _drop(old, retained)
            low.children[name] = node


def _drop(node: _Node, retained: Retained) -> None:
    """Give back what a path and all below it held."""
    stack: list[_Node] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, _Directory):
            retained.count(-one.weight)
            stack.extend(one.children.values())
            continue
        entry = one.entry if isinstance(one, _Leaf) else one
        retained.count(-_weight(entry))
        if isinstance(one, _Leaf):
            retained.release(one.kept)


def _weight(entry: Entry) -> int:
    return len(entry.path) + len(entry.target)
