"""The end of what a program says."""

from __future__ import annotations

from collections.abc import Callable

TAIL_BYTES = 16 * 1024
"""Well below the longest string of a document, whatever the redaction adds."""


class LogTail:
    """The last 16 KiB of a program's output."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._cut = False

    def add(self, chunk: bytes) -> None:
        """Append, forgetting the oldest bytes."""
        self._kept += chunk[-TAIL_BYTES:]
        self._cut = self._cut or len(chunk) > TAIL_BYTES or len(self._kept) > TAIL_BYTES
        del self._kept[:-TAIL_BYTES]

    def text(self) -> str:
        """Return it as text, from the first whole line when its beginning was cut off.

        Bytes that are no UTF-8 become U+FFFD.
        """
        kept = bytes(self._kept)
        if self._cut:
            kept = kept[kept.find(b"\n") + 1 :]
        return kept.decode("utf-8", "replace")


class FirstLine:
    """Passes output on, but for one that may yet turn out to be a single line with a known beginning.

    Such a line waits until something follows it, or until `release` is called.
    """

    def __init__(self, beginnings: tuple[bytes, ...], sink: Callable[[bytes], None]) -> None:
        self._beginnings = beginnings
        self._sink = sink
        self._waiting: bytearray | None = bytearray()

    def __call__(self, chunk: bytes) -> None:
        """Take the next part of the output."""
        if self._waiting is None:
            self._sink(chunk)
            return
        self._waiting += chunk
        seen = bytes(self._waiting)
        told = all(seen[: len(known)] != known[: len(seen)] for known in self._beginnings)
        if told or len(seen) > TAIL_BYTES or b"\n" in seen[:-1]:
            self.release()

    def release(self) -> None:
        """Pass on what waits, and everything from now on."""
        waiting, self._waiting = self._waiting, None
        if waiting:
            self._sink(bytes(waiting))
