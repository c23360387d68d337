"""What is kept of a stream of files while it goes by: it is read once, and nothing is written to a disk."""

from __future__ import annotations

import hashlib
from typing import Protocol

from reprocheck.engine.budget import over_limit
from reprocheck.engine.masks import masked
from reprocheck.engine.view import View
from reprocheck.engine.window import StoredWindow
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import Algorithm, Interest, ViewError

_CHUNK = 1 << 20
_NOT_KEPT = "was not kept while the image was read"


class Body(Protocol):
    """The bytes of one file of a stream."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, b'' at its end."""
        ...


class _Tee:
    """One file going by: its bytes, or its beginning and end, and its digests."""

    def __init__(self, size: int, hashed: bool, *, whole: bool, window: int) -> None:
        self._size = size
        self._window = window
        self._whole = whole or 0 < size <= 2 * window
        self._head, self._tail = bytearray(), bytearray()
        self._sums = (hashlib.sha256(), hashlib.md5(usedforsecurity=False)) if hashed else ()

    def add(self, chunk: bytes) -> None:
        for one in self._sums:
            one.update(chunk)
        if self._whole:
            self._head += chunk
        elif self._window:
            self._head += chunk[: self._window - len(self._head)]
            self._tail += chunk
            if len(self._tail) > 2 * self._window:
                del self._tail[: -self._window]

    def content(self) -> bytes:
        return bytes(self._head)

    def windows(self) -> StoredWindow:
        if self._size <= 2 * self._window:
            return StoredWindow(size=self._size, window=self._window, head=bytes(self._head), tail=b"")
        return StoredWindow(
            size=self._size,
            window=self._window,
            head=bytes(self._head[: self._window]),
            tail=bytes((self._head if self._whole else self._tail)[-self._window :]),
        )

    def digests(self) -> dict[str, str]:
        return {one.name: one.hexdigest() for one in self._sums}


class Retained:
    """Bytes, library facts, digests and names kept so far; bytes and names count against one budget."""

    def __init__(self, interest: Interest, limits: Limits, where: str) -> None:
        self._interest = interest
        self._limits = limits
        self._where = where
        self._total = 0
        self._files: dict[str, bytes | str] = {}
        self._libraries: dict[str, LibraryFacts | str] = {}
        self._digests: dict[str, dict[str, str]] = {}

    def count(self, size: int) -> None:
        """Add to what is kept. Raises CouldNotRun (E_LIMIT)."""
        self._total += size
        if self._total > self._limits.retained_total:
            raise over_limit("retained_total", self._limits.retained_total, self._where)

    def take(self, path: str, size: int, body: Body) -> None:
        """Keep of a regular file what the interest names; reads nothing when that is nothing."""
        if masked(path):
            return
        keep = self._interest.keep(path)
        if keep and size > self._limits.retained_file:
            keep = False
            self._files[path] = (
                f"has {size} bytes, more than the limit retained_file "
                f"({self._limits.retained_file}; see --limit-scale)"
            )
        elif keep:
            self.count(size)
        library = self._interest.library(path)
        if not (keep or library or self._interest.digests):
            return
        seen = _Tee(
            size, self._interest.digests, whole=keep, window=self._limits.library_window if library else 0
        )
        while chunk := body.read(_CHUNK):
            seen.add(chunk)
        if keep:
            self._files[path] = seen.content()
        if library:
            try:
                self._libraries[path] = self._interest.read_library(path, seen.windows())
            except ViewError as error:
                self._libraries[path] = str(error)
        if self._interest.digests:
            self._digests[path] = seen.digests()

    def forget(self, path: str) -> None:
        """Drop what is kept of a path: a later member replaces it."""
        self._files.pop(path, None)
        self._libraries.pop(path, None)
        self._digests.pop(path, None)

    def alias(self, path: str, of: str) -> None:
        """Give a hard link what its first name has."""
        if masked(path):
            return
        if self._interest.keep(path):
            self._files[path] = self._files.get(of, "is a hard link to a file whose bytes were not kept")
        if self._interest.library(path):
            self._libraries[path] = self._libraries.get(of, "is a hard link to a file that was not looked at")
        if of in self._digests:
            self._digests[path] = self._digests[of]

    def view(self, tree: FileTree) -> View:
        """Give the kept files as a view."""
        files, libraries, sums = self._files, self._libraries, self._digests

        def load(entry: Entry, limit: int) -> bytes:
            content = files.get(entry.path, _NOT_KEPT)
            if isinstance(content, str):
                raise ViewError(content)
            if len(content) > limit:
                raise ViewError(f"has {len(content)} bytes, more than the limit of {limit}")
            return content

        def inspect(entry: Entry) -> LibraryFacts:
            facts = libraries.get(entry.path, _NOT_KEPT)
            if isinstance(facts, str):
                raise ViewError(facts)
            return facts

        def digest(entry: Entry, algorithm: Algorithm) -> str:
            known = sums.get(entry.path)
            if known is None:
                raise ViewError("was not hashed while the image was read")
            return known[algorithm]

        return View(tree=tree, load=load, inspect=inspect, digest=digest)
