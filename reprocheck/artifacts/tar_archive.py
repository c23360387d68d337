"""Tar archives, plain or in gzip: order, times, owners and compression are not content.

Format: POSIX ustar and pax (pubs.opengroup.org, pax), GNU long names. Strict: what readers disagree on is
refused, and so are links and special files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.elements import Source
from reprocheck.artifacts.members import Members
from reprocheck.artifacts.reading import Reading, Unreadable
from reprocheck.artifacts.unzipped import MAGIC, gunzipped
from reprocheck.limits import Limits

name = "tar"
level = "L2"
"""Not L1: members of known formats are compared by what they hold, not by their bytes."""

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAGICS = (b"ustar\x0000", b"ustar  \x00")
_LONGEST_EXTENSION = 64 * 1024
_EXTENSIONS_IN_A_ROW = 8
_DIGITS = frozenset(b"01234567")


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name."""
    return name.endswith((".tar", ".tar.gz", ".tgz"))


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Give every member by name. Raises Unreadable."""
    stream.seek(0)
    packed = stream.read(2) == MAGIC
    blocks = gunzipped(stream, size, limits=limits) if packed else Source(stream, size).run(0, size)
    tape = _Tape(blocks)
    members = Members(limits)
    extended: dict[str, bytes] = {}
    chain = 0
    while (header := tape.exactly(_BLOCK)) != _ZEROS:
        kind, length = _check(header)
        if kind in b"LKxg":
            chain += 1
            if length > _LONGEST_EXTENSION or chain > _EXTENSIONS_IN_A_ROW:
                raise Unreadable("it has a longer extended header than any tool writes")
            payload = tape.exactly(length)
            tape.exactly(-length % _BLOCK)
            _extend(kind, payload, extended)
            continue
        _member(header, kind, length, extended, tape, members)
        extended, chain = {}, 0
    if chain:
        raise Unreadable("it ends with an extended header")
    tape.close()
    return members.reading()


class _Tape:
    """The bytes of the archive from the front to the back."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def run(self, count: int) -> Iterator[bytes]:
        """Yield the next `count` bytes. Raises Unreadable when there are fewer."""
        while count:
            if not self._rest:
                self._rest = memoryview(next(self._blocks, b""))
                if not self._rest:
                    raise Unreadable("it is truncated")
            piece = bytes(self._rest[:count])
            self._rest = self._rest[len(piece) :]
            count -= len(piece)
            yield piece

    def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes; only for small counts."""
        return b"".join(self.run(count))

    def close(self) -> None:
        """Prove that after the first zero block there is a second one, and nothing else."""
        if self.exactly(_BLOCK) != _ZEROS:
            raise Unreadable("its end marker is damaged")
        rest = bytes(self._rest)
        while rest:
            if rest.count(0) != len(rest):
                raise Unreadable("it has other bytes behind its end")
            rest = next(self._blocks, b"")


def _check(header: bytes) -> tuple[bytes, int]:
    if header[257:265] not in _MAGICS:
        raise Unreadable("it has no tar header where one must be")
    if _number(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * 0x20:
        raise Unreadable("it has a header with a wrong checksum")
    return header[156:157], _number(header[124:136])


def _number(raw: bytes) -> int:
    """Read an octal number, or one in base 256 as GNU tar writes large sizes."""
    if raw[0] == 0x80:
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b" \0")
    if not _DIGITS.issuperset(digits):
        raise Unreadable("it has a header with a malformed number")
    return int(digits, 8) if digits else 0


def _extend(kind: bytes, payload: bytes, extended: dict[str, bytes]) -> None:
    if kind in b"LK":
        extended["path" if kind == b"L" else "linkpath"] = payload.rstrip(b"\0")
        return
    at = 0
    while at < len(payload):
        space = payload.find(b" ", at, at + 9)
        length = payload[at:space] if space > at else b""
        end = at + int(length) if length.isdigit() else 0
        equals = payload.find(b"=", space, end)
        if not space < equals < end <= len(payload) or payload[end - 1] != 0x0A:
            raise Unreadable("it has a malformed extended header")
        key = payload[space + 1 : equals].decode("utf-8", "replace")
        if key.startswith("GNU.sparse."):
            raise Unreadable("it has a sparse member")
        if key in ("path", "size", "linkpath"):
            if kind == b"g":
                raise Unreadable(f"it gives one {key} to all members")
            extended[key] = payload[equals + 1 : end - 1]
        at = end


def _member(
    header: bytes, kind: bytes, length: int, extended: dict[str, bytes], tape: _Tape, members: Members
) -> None:
    try:
        name = (extended.get("path") or _stored_name(header)).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("a member has a name that is not UTF-8") from None
    if "size" in extended:
        digits = extended["size"]
        if not digits.isdigit() or len(digits) > 20:
            raise Unreadable("it has a malformed size")
        length = int(digits)
    if kind in b"12":
        raise Unreadable(f"the member {name[:80]!r} is a link")
    if kind == b"5" or (kind in b"0\0" and name.endswith("/")):
        if length:
            raise Unreadable(f"the member {name[:80]!r} is a directory with bytes")
        members.folder(name)
    elif kind in (b"0", b"\0"):
        executable = bool(_number(header[100:108]) & 0o100)
        members.file(name, length, tape.run(length), executable=executable)
        tape.exactly(-length % _BLOCK)
    else:
        raise Unreadable(f"the member {name[:80]!r} is of the type {kind!r}: a special file")


def _stored_name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:265] == _MAGICS[0] else b""
    return prefix + b"/" + name if prefix else name
