"""A view made of a dictionary, as strict as a stream: what no collector wants cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reprocheck.collect import library_reader, wanted, wanted_library
from reprocheck.engine.window import StoredWindow
from reprocheck.limits import DEFAULT
from reprocheck.model.filetree import Entry, EntryKind, FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import Algorithm, ViewError


@dataclass(frozen=True, kw_only=True)
class Link:
    """A symbolic link."""

    target: str


Content = bytes | str | Link | Callable[[], bytes]


@dataclass
class FakeView:
    """Paths to contents: text, bytes, a link, or a function that gives the bytes."""

    files: Mapping[str, Content]
    directories: tuple[str, ...] = ()
    broken: frozenset[str] = frozenset()
    """These raise ViewError when they are read."""
    tree: FileTree = field(init=False)

    def __post_init__(self) -> None:
        entries: dict[str, Entry] = {}
        for path in (*self.directories, *(path.rpartition("/")[0] for path in self.files)):
            parent = path
            while parent and parent not in entries:
                entries[parent] = Entry(path=parent, kind="directory")
                parent = parent.rpartition("/")[0]
        for path, content in self.files.items():
            kind: EntryKind = "link" if isinstance(content, Link) else "file"
            target = content.target if isinstance(content, Link) else ""
            entries[path] = Entry(path=path, kind=kind, target=target, mode=0o755)
        self.tree = FileTree(entries)

    def read(self, path: str, limit: int) -> bytes:
        entry = self.tree.resolve(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.kind == "directory":
            raise IsADirectoryError(path)
        if entry.path in self.broken:
            raise ViewError("lies on a bad sector")
        if not wanted(path) and not wanted(entry.path):
            raise ViewError("was not retained")
        raw = self._bytes(entry)
        if len(raw) > limit:
            raise ViewError(f"has {len(raw)} bytes, more than {limit}")
        return raw

    def library(self, path: str) -> LibraryFacts:
        """As a stream does: only what `wanted_library` names was looked at."""
        entry = self.tree.resolve(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.kind == "directory":
            raise IsADirectoryError(path)
        if entry.path in self.broken or not wanted_library(entry.path):
            raise ViewError("was not looked at")
        raw, window = self._bytes(entry), DEFAULT.library_window
        whole = len(raw) <= 2 * window
        seen = StoredWindow(
            size=len(raw),
            window=window,
            head=raw if whole else raw[:window],
            tail=b"" if whole else raw[-window:],
        )
        return library_reader(DEFAULT)(entry.path, seen)

    def digests(self, wanted: Sequence[tuple[str, Algorithm]]) -> Iterator[str | ViewError]:
        for path, algorithm in wanted:
            entry = self.tree.resolve(path)
            if entry is None or entry.kind != "file" or entry.path in self.broken:
                yield ViewError("cannot be hashed")
            else:
                yield hashlib.new(algorithm, self._bytes(entry)).hexdigest()

    def _bytes(self, entry: Entry) -> bytes:
        content = self.files[entry.path]
        assert not isinstance(content, Link)
        if isinstance(content, bytes):
            return content
        return content.encode() if isinstance(content, str) else content()


def real_view(root: Path, mounted_at: str) -> FakeView:
    """Show a directory of this machine at a path of the view, links as links."""
    files: dict[str, Content] = {}
    directories: list[str] = [mounted_at]
    for path in sorted(root.rglob("*")):
        inside = f"{mounted_at}/{path.relative_to(root).as_posix()}"
        if path.is_symlink():
            files[inside] = Link(target=str(path.readlink()))
        elif path.is_dir():
            directories.append(inside)
        elif path.is_file():
            files[inside] = path.read_bytes
    return FakeView(files, directories=tuple(directories))


def metadata(name: str, version: str, *more: str) -> str:
    """A METADATA file."""
    return "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more, "", "The text.", ""]
    )
