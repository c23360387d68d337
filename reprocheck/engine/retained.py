"""What is kept of a stream of files while it goes by: it is read once, and nothing is written to a disk."""

from __future__ import annotations

import hashlib
from typing import Protocol

from reprocheck.engine.budget import over_limit
from reprocheck.engine.masks import masked
from reprocheck.engine.view import View
from reprocheck.engine.window import StoredWindow, bounded
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import SPANS_FROM, Algorithm, Interest, Spans, ViewError, no_spans

_CHUNK = 1 << 20
_NOT_KEPT = "was not kept while the image was read"


class Body(Protocol):
    """The bytes of one file of a stream."""

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, b'' at its end."""
        ...


class _Tee:
    """One file going by: its bytes, or its beginning and end, and its digests."""

    def __init__(self, size: int, hashed: bool, *, whole: bool, window: int, spans: Spans = no_spans) -> None:
        self._size = size
        self._place = 0
        self._find: Spans | None = spans if window and size > 2 * window else None
        self._pieces: list[tuple[int, int, bytearray]] = []
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
            self._cut(chunk)
            self._tail += chunk
            if len(self._tail) > 2 * self._window:
                del self._tail[: -self._window]

    def _cut(self, chunk: bytes) -> None:
        """Keep the spans' part of a chunk; where they lie is told by the head."""
        border = min(SPANS_FROM, self._window, self._size)
        if self._find is not None and len(self._head) >= border:
            found = bounded(self._find(bytes(self._head[:border]), self._size), self._size)
            self._pieces = [(start, length, bytearray()) for start, length in found]
            self._find = None
        for start, length, kept in self._pieces:
            missing = start + len(kept) - self._place
            if 0 <= missing < len(chunk) and len(kept) < length:
                kept.extend(chunk[missing : missing + length - len(kept)])
        self._place += len(chunk)

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
            spans=self._spans(),
        )

    def _spans(self) -> tuple[tuple[int, bytes], ...]:
        if self._whole and self._find is not None:
            head = bytes(self._head[: min(SPANS_FROM, self._window)])
            found = bounded(self._find(head, self._size), self._size)
            return tuple((start, bytes(self._head[start : start + length])) for start, length in found)
        return tuple((start, bytes(kept)) for start, length, kept in self._pieces if len(kept) == length)

    def digests(self) -> dict[str, str]:
        return {one.name: one.hexdigest() for one in self._sums}


class Kept(Frozen, frozen=True, kw_only=True):
    """What is kept of one file; a text says why it is not. None is what nobody asked for."""

    content: bytes | str | None = None
    library: LibraryFacts | str | None = None
    sums: dict[str, str] | None = None


class Retained:
    """Bytes, library facts, digests and names kept so far; bytes and names count against one budget."""

    def __init__(self, interest: Interest, limits: Limits, where: str) -> None:
        self._interest = interest
        self._limits = limits
        self._where = where
        self._total = 0
        self._kept: dict[str, Kept] = {}

    def count(self, size: int) -> None:
        """Add to what is kept, or give back. Raises CouldNotRun (E_LIMIT)."""
        self._total += size
        if self._total > self._limits.retained_total:
            raise over_limit("retained_total", self._limits.retained_total, self._where)

    def hold(self, path: str, size: int, body: Body) -> Kept | None:
        """Read of a regular file what the interest names; when that is nothing, read nothing and give None.

        What comes back counts as kept until it is released. Raises CouldNotRun (E_LIMIT), and what `body`
        raises.
        """
        if masked(path):
            return None
        content: bytes | str | None = None
        keep = self._interest.keep(path)
        if keep and size > self._limits.retained_file:
            keep = False
            content = (
                f"has {size} bytes, more than the limit retained_file "
                f"({self._limits.retained_file}; see --limit-scale)"
            )
        elif keep:
            self.count(size)
        library = self._interest.library(path)
        hashed = self._interest.digests
        if not (keep or library or hashed):
            return None if content is None else Kept(content=content)
        seen = _Tee(
            size,
            hashed,
            whole=keep,
            window=self._limits.library_window if library else 0,
            spans=self._interest.library_spans,
        )
        while chunk := body.read(_CHUNK):
            seen.add(chunk)
        return Kept(
            content=seen.content() if keep else content,
            library=self._look(path, seen.windows()) if library else None,
            sums=seen.digests() if hashed else None,
        )

    def _look(self, path: str, window: StoredWindow) -> LibraryFacts | str:
        try:
            return self._interest.read_library(path, window)
        except ViewError as error:
            return str(error)

    def share(self, path: str, first: Kept | None) -> Kept | None:
        """Give a hard link `path` what its first name has; it counts by itself, whichever goes first."""
        if masked(path):
            return None
        content: bytes | str | None = None
        library: LibraryFacts | str | None = None
        if self._interest.keep(path):
            content = first.content if first else None
            content = "is a hard link to a file whose bytes were not kept" if content is None else content
            if isinstance(content, bytes):
                self.count(len(content))
        if self._interest.library(path):
            library = first.library if first else None
            library = "is a hard link to a file that was not looked at" if library is None else library
        sums = first.sums if first else None
        if content is None and library is None and sums is None:
            return None
        return Kept(content=content, library=library, sums=sums)

    def release(self, kept: Kept | None) -> None:
        """Give back what was held: a later file replaces it, or a later layer removes it."""
        if kept is not None and isinstance(kept.content, bytes):
            self._total -= len(kept.content)

    def put(self, path: str, kept: Kept | None) -> None:
        """Say what the finished view has at a path."""
        if kept is not None:
            self._kept[path] = kept

    def take(self, path: str, size: int, body: Body) -> None:
        """Keep of a regular file what the interest names, at its path."""
        self.put(path, self.hold(path, size, body))

    def forget(self, path: str) -> None:
        """Drop what is kept of a path: a later member replaces it."""
        self.release(self._kept.pop(path, None))

    def alias(self, path: str, of: str) -> None:
        """Give a hard link what its first name has."""
        self.put(path, self.share(path, self._kept.get(of)))

    def view(self, tree: FileTree) -> View:
        """Give the kept files as a view."""
        known = self._kept
        nothing = Kept()

        def load(entry: Entry, limit: int) -> bytes:
            content = known.get(entry.path, nothing).content
            if not isinstance(content, bytes):
                raise ViewError(content or _NOT_KEPT)
            if len(content) > limit:
                raise ViewError(f"has {len(content)} bytes, more than the limit of {limit}")
            return content

        def inspect(entry: Entry) -> LibraryFacts:
            facts = known.get(entry.path, nothing).library
            if facts is None or isinstance(facts, str):
                raise ViewError(facts or _NOT_KEPT)
            return facts

        def digest(entry: Entry, algorithm: Algorithm) -> str:
            sums = known.get(entry.path, nothing).sums
            if sums is None:
                raise ViewError("was not hashed while the image was read")
            return sums[algorithm]

        return View(tree=tree, load=load, inspect=inspect, digest=digest)
