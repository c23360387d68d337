"""Protocol buffers without a schema: the fields of one message that lies in memory.

Format: protobuf.dev/programming-guides/encoding. Groups, which proto3 does not have, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck.artifacts.reading import Unreadable
from reprocheck.model.base import Frozen

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10


class Field(Frozen, frozen=True):
    """One field: `value` is the number of a varint; the others are the bytes from `start` to `end`."""

    number: int
    wire: int
    value: int
    start: int
    end: int


def fields(raw: bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in `raw[start:end]` in their order. Raises Unreadable."""
    while start < end:
        key, start = _varint(raw, start, end)
        number, wire = key >> 3, key & 7
        value, stop = 0, start
        if wire == VARINT:
            value, stop = _varint(raw, start, end)
        elif wire in _WIDTHS:
            stop = start + _WIDTHS[wire]
        elif wire == BYTES:
            length, start = _varint(raw, start, end)
            stop = start + length
        else:
            raise Unreadable(f"a field has the wire type {wire}")
        if number == 0 or stop > end:
            raise Unreadable("a field reaches beyond its message" if number else "a field has the number 0")
        yield Field(number, wire, value, start, stop)
        start = stop


def expect(item: Field, wire: int) -> Field:
    """Return the field if it has this wire type. Raises Unreadable."""
    if item.wire != wire:
        raise Unreadable(f"the field {item.number} has the wire type {item.wire} where {wire} is meant")
    return item


def text(raw: bytes, item: Field) -> str:
    """Decode a string. Raises Unreadable."""
    expect(item, BYTES)
    try:
        return raw[item.start : item.end].decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(f"the field {item.number} is not UTF-8 text") from None


def signed(value: int) -> int:
    """Read a varint as the two's complement of an int64."""
    return value - 2**64 if value >= 2**63 else value


def _varint(raw: bytes, start: int, end: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        if start + index >= end:
            break
        byte = raw[start + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, start + index + 1
    raise Unreadable("a number in it does not end")
