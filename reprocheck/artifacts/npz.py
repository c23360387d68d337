"""NumPy archives: a zip of `.npy` members. Member order, times and compression are not content."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.elements import Source, swapped
from reprocheck.artifacts.npy import HEADER_BYTES, Header, array_of, parse_header
from reprocheck.artifacts.reading import Array, Reading, Unreadable
from reprocheck.artifacts.zipped import MAGIC, Archive, first_member, open_archive
from reprocheck.limits import MIB, Limits

name = "npz"
level = "L2"

TURNED_BYTES = 64 * MIB
"""A compressed column-major array must be held in memory to be turned; larger ones are not read."""


def recognises(name: str, head: bytes) -> bool:
    """Tell by the name, or by a first member that is an array."""
    return name.endswith(".npz") or first_member(head).endswith(".npy")


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Give every member as an array, named without `.npy`. Raises Unreadable."""
    stream.seek(0)
    if stream.read(4) not in (MAGIC, b"PK\x05\x06"):
        raise Unreadable("it is not a zip archive")
    archive = open_archive(stream, size, limits=limits)
    return Reading(arrays=tuple(_member(archive, name) for name in sorted(archive.members)))


def _member(archive: Archive, member: str) -> Array:
    if not member.endswith(".npy"):
        raise Unreadable(f"the member {member[:80]!r} is not an array")
    name = member.removesuffix(".npy")
    size = archive.members[member].file_size
    try:
        header = _header(archive, member, size)
    except Unreadable as fault:
        raise Unreadable(f"the member {member[:80]!r} cannot be read: {fault}") from None
    if not header.fortran:

        def blocks() -> Iterator[bytes]:
            plain = archive.blocks(member, skip=header.start)
            return swapped(_even(plain), header.swap) if header.swap else plain

        return Array(name=name, dtype=header.dtype, shape=header.shape, blocks=blocks)
    if archive.members[member].compress_type == 0:
        start, _ = archive.stored(member)
        return array_of(name, archive.source, start, header)
    if size > TURNED_BYTES:
        raise Unreadable(f"the member {member[:80]!r} is compressed, column-major and too large to turn")

    def turned() -> Iterator[bytes]:
        raw = archive.read(member, TURNED_BYTES)
        return array_of(name, Source(io.BytesIO(raw), len(raw)), 0, header).blocks()

    return Array(name=name, dtype=header.dtype, shape=header.shape, blocks=turned)


def _header(archive: Archive, member: str, size: int) -> Header:
    lead = b""
    for block in archive.blocks(member):
        lead += block
        if len(lead) > HEADER_BYTES + 12:
            break
    return parse_header(lambda start, count: lead[start : start + count], size)


def _even(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut blocks at multiples of 8 bytes: skipping the header leaves the first read short."""
    rest = b""
    for block in blocks:
        joined = rest + block
        whole = len(joined) - len(joined) % 8
        rest = joined[whole:]
        yield joined[:whole]
    yield rest
