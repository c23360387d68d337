"""Zip archives from strangers: nothing is extracted, every size is counted, doubtful ones are refused.

Read through the standard library's directory reader; what it is allowed to ask the file for is bounded.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from reprocheck.artifacts.elements import BLOCK, Source
from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen

MAGIC = b"PK\x03\x04"
DIRECTORY_BYTES = 8 * 1024 * 1024
"""The largest single read that the directory reader may make: 10,000 entries take about 1 MiB."""

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_FAULTS = (
    zipfile.BadZipFile,
    NotImplementedError,
    ValueError,
    struct.error,
    OverflowError,
    EOFError,
    zlib.error,
    RuntimeError,
    KeyError,
    OSError,
)


class _Bounded:
    """A stream that refuses large reads: zipfile believes the directory size that the file claims."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, count: int = -1) -> bytes:
        if count > DIRECTORY_BYTES:
            raise Unreadable(f"its directory claims more than {DIRECTORY_BYTES} bytes")
        data = self._stream.read(DIRECTORY_BYTES + 1 if count < 0 else count)
        if len(data) > DIRECTORY_BYTES:
            raise Unreadable(f"its directory claims more than {DIRECTORY_BYTES} bytes")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


class Archive(Frozen, frozen=True):
    """The checked members of one archive."""

    source: Source
    members: dict[str, zipfile.ZipInfo]
    _zip: zipfile.ZipFile

    def stored(self, name: str) -> tuple[int, int]:
        """Give the first byte and the size of an uncompressed member. Raises Unreadable."""
        member = self.members[name]
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise Unreadable(f"the member {name[:80]!r} is compressed")
        fields = _LOCAL_HEADER.unpack(self.source.at(member.header_offset, _LOCAL_HEADER.size))
        if fields[0] != MAGIC:
            raise Unreadable(f"the member {name[:80]!r} has no header of its own")
        start = member.header_offset + _LOCAL_HEADER.size + fields[9] + fields[10]
        if start + member.file_size > self.source.size:
            raise Unreadable(f"the member {name[:80]!r} reaches beyond the end of the file")
        return start, member.file_size

    def blocks(self, name: str, skip: int = 0) -> Iterator[bytes]:
        """Yield a member's bytes after the first `skip`, decompressed; its checksum is proved at the end."""
        try:
            with self._zip.open(self.members[name]) as stream:
                _skip(stream, skip)
                while block := stream.read(BLOCK):
                    yield block
        except _FAULTS as fault:
            raise Unreadable(f"the member {name[:80]!r} cannot be read: {_reason(fault)}") from None

    def read(self, name: str, limit: int) -> bytes:
        """Return a whole member. Raises Unreadable when it has more than `limit` bytes."""
        if self.members[name].file_size > limit:
            raise Unreadable(f"the member {name[:80]!r} has more than {limit} bytes")
        return b"".join(self.blocks(name))


def open_archive(stream: BinaryIO, size: int, *, limits: Limits) -> Archive:
    """Read the directory and check every entry of it before any member is opened. Raises Unreadable."""
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", _Bounded(stream)))
    except _FAULTS as fault:
        raise Unreadable(f"it is not a whole zip archive: {_reason(fault)}") from None
    entries = archive.infolist()
    if len(entries) > limits.zip_entries:
        raise Unreadable(f"it has {len(entries)} members, more than the limit of {limits.zip_entries}")
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        _check(entry)
        if entry.filename in members:
            raise Unreadable(f"the member {entry.filename[:80]!r} comes twice")
        members[entry.filename] = entry
    total = sum(entry.file_size for entry in entries)
    if total > limits.output_bytes:
        raise Unreadable(f"its members claim {total} bytes, more than the limit of {limits.output_bytes}")
    if total > max(limits.document_bytes, size * limits.zip_ratio):
        raise Unreadable(f"its members claim {total} bytes, more than {limits.zip_ratio} times its own size")
    _check_apart(entries, size)
    return Archive(Source(stream, size), members, archive)


def first_member(head: bytes) -> str:
    """Name of the first member as the first bytes of an archive give it; '' when they are none."""
    if not head.startswith(MAGIC) or len(head) < _LOCAL_HEADER.size:
        return ""
    length = int.from_bytes(head[26:28], "little")
    return head[_LOCAL_HEADER.size : _LOCAL_HEADER.size + length].decode("utf-8", "replace")


def _check(entry: zipfile.ZipInfo) -> None:
    shown = repr(entry.filename[:80])
    if entry.flag_bits & _ENCRYPTED:
        raise Unreadable(f"the member {shown} is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(f"the member {shown} is compressed by method {entry.compress_type}")


def _check_apart(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse members that share bytes: the trick of the zip bombs that need no nesting."""
    end = 0
    for entry in sorted(entries, key=lambda member: member.header_offset):
        if entry.header_offset < end:
            raise Unreadable(f"the member {entry.filename[:80]!r} overlaps another one")
        end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size
    if end > size:
        raise Unreadable("its members reach beyond the end of the file")


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0:
        part = stream.read(min(BLOCK, count))
        if not part:
            return
        count -= len(part)


def _reason(fault: BaseException) -> str:
    return str(fault)[:120] or type(fault).__name__
