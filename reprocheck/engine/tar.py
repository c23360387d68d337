"""A strict streaming tar reader: it gives every member or raises, and keeps nothing.

Python's `tarfile` in stream mode takes a truncated or damaged archive for a short one, and hangs on a header
that declares 2^62 bytes. Formats: ustar and pax from POSIX.1-2017 (pax, "ustar Interchange Format" and "pax
Header Block"), long names and base-256 numbers from the GNU tar manual ("Basic Tar Format").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from reprocheck.engine.budget import over_limit
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen

BLOCK = 512
_CHAIN = 4
_PATH_BYTES = 4096  # PATH_MAX and NAME_MAX of Linux: no file system holds more
_NAME_BYTES = 255
_CHUNK = 256 * 1024
_ZEROS = bytes(BLOCK)
_POSIX = b"ustar\x0000"
_MAGICS = (_POSIX, b"ustar  \x00", bytes(8))
_OCTAL = frozenset(b"01234567")

Read = Callable[[int], bytes]
Leap = Callable[[int], None]
MemberKind = Literal["file", "directory", "link", "hardlink", "other"]
_KINDS: dict[bytes, MemberKind] = {
    b"\0": "file",
    b"0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "link",
    b"5": "directory",
    b"3": "other",
    b"4": "other",
    b"6": "other",
}


class Member(Frozen, frozen=True, kw_only=True):
    """One member. `path` is absolute; so is `target` of a hard link; a link's target is as stored."""

    path: str
    kind: MemberKind
    size: int
    mode: int
    target: str


class _Source:
    """Buffered bytes of the stream, counted against the budget."""

    def __init__(self, read: Read, leap: Leap | None, *, budget: str, allowed: int, where: str) -> None:
        self._read = read
        self._leap = leap
        self._chunk = b""
        self._at = 0
        self._budget = budget
        self._allowed = allowed
        self.where = where
        self.consumed = 0

    def some(self, size: int) -> bytes:
        """Give at most `size` bytes and at least one, or b'' at the end of the stream."""
        if self._at >= len(self._chunk):
            self._chunk = self._read(_CHUNK)
            self._at = 0
            if not self._chunk:
                return b""
        piece = self._chunk[self._at : self._at + size]
        self._at += len(piece)
        self.consumed += len(piece)
        if self.consumed > self._allowed:
            raise over_limit(self._budget, self._allowed, self.where)
        return piece

    def exactly(self, size: int, what: str) -> bytes:
        at = self._at
        if at + size <= len(self._chunk) and self.consumed + size <= self._allowed:
            self._at = at + size
            self.consumed += size
            return self._chunk[at : at + size]
        pieces: list[bytes] = []
        left = size
        while left:
            piece = self.some(left)
            if not piece:
                self.truncated(what)
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int, what: str) -> None:
        ahead = size - (len(self._chunk) - self._at)
        if self._leap is not None and ahead > 0:
            self.afford(size)
            self._chunk, self._at = b"", 0
            self.consumed += size
            self._leap(ahead)
            return
        while size:
            piece = self.some(size)
            if not piece:
                self.truncated(what)
            size -= len(piece)

    def afford(self, size: int) -> None:
        if size > self._allowed - self.consumed:
            raise over_limit(self._budget, self._allowed, self.where)

    def truncated(self, what: str) -> NoReturn:
        raise CouldNotRun(
            "E_TAR_TRUNCATED",
            f"{self.where} ended {what} after {self.consumed} bytes, incomplete; nothing was kept of it",
            hint="Try again; the engine may have restarted or the connection broken.",
        )

    def damaged(self, what: str) -> NoReturn:
        raise CouldNotRun(
            "E_TAR_DAMAGED",
            f"{self.where} {what} at byte {self.consumed}, so its rest is lost; nothing was kept of it",
            hint="Try again; if it stays so, the engine or the archive is at fault.",
        )

    def hostile(self, what: str) -> NoReturn:
        raise InputFault(
            "E_TAR_HOSTILE",
            f"{self.where} {what} at byte {self.consumed}, which no engine writes; nothing was kept of it",
            hint="Do not trust where this archive came from.",
        )


class BinaryReader:
    """The bytes of the current member; valid until the next member is asked for."""

    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % BLOCK
        self.offset = source.consumed
        """Where the member's bytes begin in the stream."""

    def read(self, size: int) -> bytes:
        """Give at most `size` bytes, b'' at the member's end.

        Raises CouldNotRun (E_TAR_TRUNCATED, E_LIMIT).
        """
        if size <= 0 or not self._left:
            return b""
        piece = self._source.some(min(size, self._left))
        if not piece:
            self._source.truncated("inside a file")
        self._left -= len(piece)
        return piece

    def finish(self) -> None:
        """Go past what was not read and past the padding."""
        left, self._left = self._left + self._padding, 0
        self._padding = 0
        self._source.skip(left, "inside a file")


@dataclass(slots=True)
class _Overrides:
    """What extended headers say about the next member."""

    path: bytes | None = None
    target: bytes | None = None
    size: int | None = None


def read_members(
    read: Read, *, limits: Limits, where: str, budget: str = "image_stream", leap: Leap | None = None
) -> Iterator[tuple[Member, BinaryReader]]:
    """Give every member of a tar stream with its bytes; bytes that are not read are skipped.

    `read(n)` gives some bytes, b'' at the end; `leap(n)` goes that far forward where the stream is one that
    can seek, also beyond its end. `where` begins messages. `budget` names the field of `limits` that bounds
    the whole stream. A path may come twice; the last one counts, as when unpacking. Raises CouldNotRun
    (E_TAR_TRUNCATED, E_TAR_DAMAGED, E_LIMIT) and InputFault (E_TAR_HOSTILE). The archive is complete only
    when the iteration has ended without an error.
    """
    source = _Source(read, leap, budget=budget, allowed=getattr(limits, budget), where=where)
    common = _Overrides()
    nearby = _Overrides()
    chain = 0
    members = 0
    while True:
        header = source.exactly(BLOCK, "before its end marker")
        if header == _ZEROS:
            _finish(source, dangling=chain > 0)
            return
        flag, size = _check(header, source)
        if flag in b"LKxg":
            chain += 1
            if chain > _CHAIN:
                source.hostile(f"chains more than {_CHAIN} extended headers")
            if size > limits.tar_header:
                raise over_limit("tar_header", limits.tar_header, where)
            payload = source.exactly(size, "inside an extended header")
            source.skip(-size % BLOCK, "inside an extended header")
            _extend(flag, payload, common if flag == b"g" else nearby, source)
            continue
        members += 1
        if members > limits.tar_members:
            raise over_limit("tar_members", limits.tar_members, where)
        member = _member(header, flag=flag, size=size, nearby=nearby, common=common, source=source)
        source.afford(member.size)
        body = BinaryReader(source, member.size)
        yield member, body
        body.finish()
        nearby = _Overrides()
        chain = 0


def _finish(source: _Source, *, dangling: bool) -> None:
    if dangling:
        source.damaged("has an extended header without a member")
    if source.exactly(BLOCK, "inside its end marker") != _ZEROS:
        source.truncated("with half an end marker")
    while piece := source.some(_CHUNK):
        if piece.count(0) != len(piece):
            source.truncated("with other bytes behind its end marker")


def _check(header: bytes, source: _Source) -> tuple[bytes, int]:
    """Verify magic and checksum; return type flag and declared size."""
    if header[257:265] not in _MAGICS:
        source.damaged("has no tar header where one must be")
    total = sum(header) - sum(header[148:156]) + 8 * 0x20
    if _number(header[148:156], source) != total:
        source.damaged("has a header with a wrong checksum")
    return header[156:157], _number(header[124:136], source)


def _number(raw: bytes, source: _Source) -> int:
    """Read an octal or base-256 number; negative ones are refused."""
    if raw[0] & 0x80:
        if raw[0] & 0x40:
            source.hostile("declares a negative number")
        return int.from_bytes(bytes((raw[0] & 0x3F,)) + raw[1:], "big")
    digits = raw.strip(b" \0")
    if not _OCTAL.issuperset(digits):
        if digits.startswith(b"-"):
            source.hostile("declares a negative number")
        source.damaged("has a header with a malformed number")
    return int(digits, 8) if digits else 0


def _extend(flag: bytes, payload: bytes, into: _Overrides, source: _Source) -> None:
    if flag in b"LK":
        text = payload.rstrip(b"\0")
        if b"\0" in text:
            source.hostile("has a NUL in a name")
        if flag == b"L":
            into.path = text
        else:
            into.target = text
        return
    at = 0
    while at < len(payload):
        keyword, value, at = _record(payload, at, source)
        if keyword.startswith(b"GNU.sparse."):
            source.damaged("has a sparse member, which reprocheck does not read,")
        if keyword == b"path":
            into.path = value or None
        elif keyword == b"linkpath":
            into.target = value or None
        elif keyword == b"size":
            if value.startswith(b"-"):
                source.hostile("declares a negative size")
            if value and (not value.isdigit() or len(value) > 20):
                source.damaged("has a malformed pax size")
            into.size = int(value) if value else None


def _record(payload: bytes, at: int, source: _Source) -> tuple[bytes, bytes, int]:
    """Take one pax record, `LENGTH KEYWORD=VALUE\\n`; return keyword, value, and where the next starts."""
    space = payload.find(b" ", at, at + 9)
    length = payload[at:space] if space > at else b""
    if not length.isdigit():
        source.damaged("has a malformed pax header")
    end = at + int(length)
    equals = payload.find(b"=", space, end)
    if end > len(payload) or end <= space + 1 or equals < 0 or payload[end - 1 : end] != b"\n":
        source.damaged("has a malformed pax header")
    return payload[space + 1 : equals], payload[equals + 1 : end - 1], end


def _member(
    header: bytes, *, flag: bytes, size: int, nearby: _Overrides, common: _Overrides, source: _Source
) -> Member:
    raw = nearby.path or common.path or _stored_path(header)
    target = nearby.target or common.target or _text(header[157:257])
    for candidate in (nearby.size, common.size):
        if candidate is not None:
            size = candidate
            break
    kind = _KINDS.get(flag)
    if flag == b"\0" and raw.endswith(b"/"):  # Unix v7 has no flag for directories
        kind = "directory"
    if kind is None:
        source.damaged(f"has a member of the unknown type {flag!r}")
    if kind != "file" and size:
        # Readers disagree on whether such bytes are there, so two readers would see two archives.
        source.hostile("has bytes in a member that holds none")
    path = _normal(raw, source)
    if path == "/" and kind != "directory":
        source.hostile("has no name for a member")
    if kind == "hardlink":
        target_text = _normal(target, source)
    elif kind == "link":
        if b"\0" in target or len(target) > _PATH_BYTES:
            source.hostile("has a link target that no file system holds")
        target_text = target.decode("utf-8", "surrogateescape")
    else:
        target_text = ""
    mode = _number(header[100:108], source) & 0o7777
    return Member(path=path, kind=kind, size=size, mode=mode, target=target_text)


def _stored_path(header: bytes) -> bytes:
    name = _text(header[0:100])
    prefix = _text(header[345:500]) if header[257:265] == _POSIX else b""
    return prefix + b"/" + name if prefix else name


def _text(raw: bytes) -> bytes:
    return raw.partition(b"\0")[0]


def _normal(raw: bytes, source: _Source) -> str:
    """Make a member's name absolute: `./a`, `a`, `a/` and `/a` are `/a`."""
    if b"\0" in raw:
        source.hostile("has a NUL in a name")
    parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        source.hostile("has a name that climbs with '..'")
    if len(raw) > _PATH_BYTES or any(len(part) > _NAME_BYTES for part in parts):
        source.hostile("has a name that is longer than any file system holds")
    return "/" + b"/".join(parts).decode("utf-8", "surrogateescape")
