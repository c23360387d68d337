"""Writes TensorBoard event files with the standard library: a wire writer and a record writer of its own."""

from __future__ import annotations

import struct


def crc32c(data: bytes) -> int:
    """The checksum bit by bit, as its definition says."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<f", value)


def scalar(tag: str, value: float) -> bytes:
    return part(1, part(1, tag.encode()) + single(2, value))


def tensor(tag: str, dtype: int, shape: tuple[int, ...], held: bytes) -> bytes:
    extents = b"".join(part(2, number(1, extent)) for extent in shape)
    return part(1, part(1, tag.encode()) + part(8, number(1, dtype) + part(2, extents) + held))


def event(step: int, summary: bytes, *, wall: float = 0.0, before: bytes = b"") -> bytes:
    return record(double(1, wall) + before + number(2, step) + part(5, summary))


def version(wall: float = 0.0) -> bytes:
    return record(double(1, wall) + part(3, b"brain.Event:2"))
