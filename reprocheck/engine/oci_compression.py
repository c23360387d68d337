"""Compressed streams, told by their first bytes: what a media type says of a layer is often wrong.

Formats: gzip from RFC 1952, zstd from RFC 8878. Both may be several members or frames in a row, which is how
eStargz and zstd:chunked make layers.
"""

from __future__ import annotations

import sys
import zlib
from typing import Literal, NoReturn

from reprocheck.engine.tar import Read
from reprocheck.errors import InputFault

Compression = Literal["", "gzip", "zstd", "xz", "bzip2"]

_CHUNK = 256 * 1024
_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
)
_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte 0x50 to 0x5f
_LONGEST_MAGIC = 6
_SLICE = 16 * 1024
"""Handed to a decoder at a time: it copies what lies behind its member, and members may be tiny."""


def told(head: bytes) -> Compression:
    """Tell the compression from the first six bytes of a stream, '' for none that is known."""
    if len(head) >= 4 and head[0] & 0xF0 == 0x50 and head[1:4] == _SKIPPABLE:
        return "zstd"
    if head.startswith(b"BZh") and head[4:6] == b"1A":
        return "bzip2"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def peek(read: Read) -> tuple[bytes, Read]:
    """Return the first bytes of a stream (six where it has them), and the stream from its beginning."""
    head = b""
    while len(head) < _LONGEST_MAGIC and (piece := read(_CHUNK)):
        head += piece
    left = head

    def again(size: int) -> bytes:
        nonlocal left
        if left:
            piece, left = left[:size], left[size:]
            return piece
        return read(size)

    return head, again


def decompressed(read: Read, compression: Compression, *, where: str) -> Read:
    """Give the plain bytes of a compressed stream, at most as many at a time as are asked for.

    Raises InputFault (E_COMPRESSION) when the stream is damaged, cut short, followed by other bytes, or of a
    compression that images do not use.
    """
    if compression == "":
        return read
    if compression not in ("gzip", "zstd"):
        raise InputFault(
            "E_COMPRESSION",
            f"{where} is compressed with {compression}, which reprocheck does not read",
            hint="Make it anew with gzip, zstd or no compression.",
        )
    return _Frames(read, compression, where).read


class _Frames:
    """Members or frames, one after the other."""

    def __init__(self, read: Read, compression: Literal["gzip", "zstd"], where: str) -> None:
        self._read = read
        self._where = where
        self._compression = compression
        self._frame: _Gzip | _Zstd | None = None
        self._buffer = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        while True:
            frame = self._frame or self._begin()
            if frame is None:
                return b""
            given = self._some() if frame.hungry else b""
            try:
                piece, left = frame.decode(given, size)
            except _Damaged:
                self._fail(f"holds a damaged {self._compression} stream")
            self._at += len(given) - left
            self._frame = None if frame.ended else frame
            if piece:
                return piece

    def _begin(self) -> _Gzip | _Zstd | None:
        """Begin the next member or frame; None at the end of the stream."""
        while len(self._buffer) - self._at < _LONGEST_MAGIC and (piece := self._read(_CHUNK)):
            self._buffer = self._buffer[self._at :] + piece
            self._at = 0
        head = self._buffer[self._at : self._at + _LONGEST_MAGIC]
        if not head:
            return None
        if told(head) != self._compression:
            self._fail("has other bytes behind its compressed ones")
        self._frame = _Gzip() if self._compression == "gzip" else _Zstd()
        return self._frame

    def _some(self) -> bytes:
        if self._at >= len(self._buffer):
            self._buffer, self._at = self._read(_CHUNK), 0
            if not self._buffer:
                self._fail(f"ends in the middle of its {self._compression} stream")
        return self._buffer[self._at : self._at + _SLICE]

    def _fail(self, what: str) -> NoReturn:
        raise InputFault(
            "E_COMPRESSION",
            f"{self._where} {what}; nothing was kept of it",
            hint="Get the file again, and check where it came from.",
        )


class _Damaged(Exception):
    """What zlib or zstd refuses."""


class _Gzip:
    """One gzip member."""

    hungry = True

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._inner.eof

    def decode(self, data: bytes, size: int) -> tuple[bytes, int]:
        """Give at most `size` bytes, and how many bytes at the end of `data` were not used."""
        try:
            piece = self._inner.decompress(data, size)
        except zlib.error:
            raise _Damaged from None
        # At the end of the member CPython may say the same bytes in both.
        return piece, len(self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail)


class _Zstd:
    """One zstd frame; a window of more than 128 MiB is refused, which is the library's own default."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdDecompressor, ZstdError
        else:
            from backports.zstd import ZstdDecompressor, ZstdError
        self._inner = ZstdDecompressor()
        self._error = ZstdError

    @property
    def hungry(self) -> bool:
        return self._inner.needs_input

    @property
    def ended(self) -> bool:
        return self._inner.eof

    def decode(self, data: bytes, size: int) -> tuple[bytes, int]:
        """Give at most `size` bytes, and how many bytes at the end of `data` were not used."""
        try:
            piece = self._inner.decompress(data, size)
        except self._error:
            raise _Damaged from None
        return piece, len(self._inner.unused_data) if self._inner.eof else 0
