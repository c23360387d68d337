"""TFRecord: length, checksum of the length, bytes, checksum of the bytes; one after the other.

Format: tensorflow/core/lib/io/record_writer.h. The checksum is CRC32C (RFC 3720, appendix B.4), rotated and
shifted so that a checksum of checksums is none.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO

from reprocheck.artifacts.elements import BLOCK
from reprocheck.artifacts.reading import Unreadable

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_LENGTH = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")


class _Ahead:
    """Sequential reads through one buffer: most records are smaller than a system call is worth."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end."""
        if len(self._buffer) - self._at < count:
            parts = [self._buffer[self._at :]]
            missing = count - len(parts[0])
            while missing > 0 and (part := self._stream.read(max(missing, BLOCK))):
                parts.append(part)
                missing -= len(part)
            self._buffer, self._at = b"".join(parts), 0
        piece = self._buffer[self._at : self._at + count]
        self._at += count
        return piece


def records(stream: BinaryIO, size: int, *, longest: int) -> Iterator[tuple[int, bytes]]:
    """Yield each record with the place of its first byte. Raises Unreadable with the record's number."""
    stream.seek(0)
    ahead = _Ahead(stream)
    place = index = 0
    while place < size:
        head = ahead.take(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise Unreadable(f"it ends inside the record {index}")
        length, claimed = _LENGTH.unpack(head)
        if masked_crc32c(head[:8]) != claimed:
            raise Unreadable(f"the length of the record {index} has a wrong checksum")
        if length > longest:
            raise Unreadable(f"the record {index} claims {length} bytes, more than the limit of {longest}")
        data = ahead.take(length)
        foot = ahead.take(_CHECKSUM.size)
        if len(foot) < _CHECKSUM.size:
            raise Unreadable(f"it ends inside the record {index}")
        if masked_crc32c(data) != _CHECKSUM.unpack(foot)[0]:
            raise Unreadable(f"the record {index} has a wrong checksum")
        yield place + _LENGTH.size, data
        place += _LENGTH.size + length + _CHECKSUM.size
        index += 1


def masked_crc32c(data: bytes) -> int:
    """Return the checksum as TFRecord writes it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFF_FFFF


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum; four bytes a step, about 30 MB/s."""
    single, low, high = _tables()
    crc = 0xFFFF_FFFF
    whole = len(data) - len(data) % 4
    for (word,) in struct.iter_unpack("<I", memoryview(data)[:whole]):
        crc ^= word
        crc = low[crc & 0xFFFF] ^ high[crc >> 16]
    for byte in data[whole:]:
        crc = single[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFF_FFFF


@cache
def _tables() -> tuple[list[int], array[int], array[int]]:
    """For one byte, and for the lower and upper halves of four bytes."""
    single = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        single.append(crc)
    lanes = [single]
    for _ in range(3):
        lanes.append([single[crc & 0xFF] ^ crc >> 8 for crc in lanes[-1]])
    low = array("I", (lanes[3][half & 0xFF] ^ lanes[2][half >> 8] for half in range(0x10000)))
    high = array("I", (lanes[1][half & 0xFF] ^ lanes[0][half >> 8] for half in range(0x10000)))
    return single, low, high
