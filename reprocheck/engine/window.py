"""The beginning and the end of a file, as every view shows them of a shared object."""

from __future__ import annotations

import os

from reprocheck.model.base import Frozen
from reprocheck.ports import SPANS_FROM, Spans, ViewError

_MOST_SPANS, _LONGEST_SPAN = 16, 64 * 1024


class StoredWindow(Frozen, frozen=True, kw_only=True):
    """Pieces of a file that has gone by in a stream (`ports.FileWindow`)."""

    size: int
    window: int
    """`limits.library_window`."""
    head: bytes
    """The whole file when it is no larger than two windows."""
    tail: bytes
    spans: tuple[tuple[int, bytes], ...] = ()
    """Pieces between the two, by offset."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes. Raises ViewError."""
        for start, piece in self.spans:
            if start <= offset and offset + length <= start + len(piece):
                return piece[offset - start : offset - start + length]
        if within(offset, length, size=self.size, window=self.window) == "head":
            return self.head[offset : offset + length]
        begin = offset - (self.size - len(self.tail))
        return self.tail[begin : begin + length]


class OpenWindow(Frozen, frozen=True, kw_only=True):
    """The same of a file that is open (`ports.FileWindow`)."""

    descriptor: int
    size: int
    window: int
    spans: tuple[tuple[int, int], ...] = ()
    """(offset, length) of what else may be read."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes. Raises ViewError."""
        if not any(start <= offset and offset + length <= start + size for start, size in self.spans):
            within(offset, length, size=self.size, window=self.window)
        pieces: list[bytes] = []
        while length:
            try:
                piece = os.pread(self.descriptor, min(length, 1 << 20), offset)
            except OSError as error:
                raise ViewError(
                    f"cannot be read: {os.strerror(error.errno).lower() if error.errno else 'unknown error'}"
                ) from None
            if not piece:
                raise ViewError("became shorter while it was read")
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def open_window(descriptor: int, size: int, *, window: int, spans: Spans) -> OpenWindow:
    """Look at an open file as a stream would have shown it. Raises ViewError."""
    plain = OpenWindow(descriptor=descriptor, size=size, window=window)
    if size <= 2 * window:
        return plain
    head = plain.read(0, min(SPANS_FROM, window, size))
    return OpenWindow(descriptor=descriptor, size=size, window=window, spans=bounded(spans(head, size), size))


def bounded(spans: tuple[tuple[int, int], ...], size: int) -> tuple[tuple[int, int], ...]:
    """Keep the spans that lie inside the file and are small, at most a few."""
    return tuple(
        (start, length)
        for start, length in spans[:_MOST_SPANS]
        if start >= 0 and 0 < length <= _LONGEST_SPAN and start + length <= size
    )


def within(offset: int, length: int, *, size: int, window: int) -> str:
    """Tell the window that holds these bytes, `head` or `tail`; raises ViewError when none does.

    A file of up to two windows is seen as a whole: its head reaches to where its tail begins.
    """
    end = offset + length
    if offset < 0 or length < 0 or end > size:
        raise ViewError("names bytes behind its end")
    if end <= window or size <= 2 * window:
        return "head"
    if offset >= size - window:
        return "tail"
    raise ViewError("is too large to be looked at there (see --limit-scale)")
