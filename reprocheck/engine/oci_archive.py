"""A tar file that is read in place: its members by name, without unpacking it.

A plain file is gone through by its headers alone. A compressed one is decompressed from its start again when
something is asked for that lies before what was read last: slower, and nothing is written to disk.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from reprocheck.engine.budget import over_limit
from reprocheck.engine.oci_compression import Compression, decompressed, peek, told
from reprocheck.engine.tar import BinaryReader, Member, Read, read_members
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import MAX_LINK_HOPS

_CHUNK = 256 * 1024
_SMALL = 256 * 1024


class StoredBytes(Protocol):
    """Bytes of a file that can be read from any place."""

    @property
    def seeks(self) -> bool:
        """Whether going forward costs nothing."""
        ...

    def at(self, offset: int) -> Read:
        """Read from a place on; raises InputFault (E_ARCHIVE_DAMAGED) where the file ends too early."""
        ...


class _Plain(Frozen, frozen=True, kw_only=True):
    descriptor: int
    size: int
    where: str
    seeks: bool = True

    def at(self, offset: int) -> Read:
        place = offset

        def read(size: int) -> bytes:
            nonlocal place
            piece = _pread(self.descriptor, size, place, self.where)
            if not piece and place < self.size:
                raise damaged(f"{self.where} became shorter while it was read")
            place += len(piece)
            return piece

        return read


class _Unpacked:
    """A compressed file: one place is kept, and what lies before it means starting again."""

    seeks = False

    def __init__(self, plain: _Plain, compression: Compression, limits: Limits) -> None:
        self._plain = plain
        self._seconds = limits.snapshot_seconds
        self._deadline = time.monotonic() + limits.snapshot_seconds
        self._compression = compression
        self._read: Read = plain.at(0)
        self._place = -1  # before the first start

    def at(self, offset: int) -> Read:
        place = offset

        def read(size: int) -> bytes:
            nonlocal place
            piece = self._some(place, size)
            place += len(piece)
            return piece

        return read

    def _some(self, place: int, size: int) -> bytes:
        if self._place < 0 or place < self._place:
            # Few bytes may hold many, and a layer's list may lead back and forth through them.
            if self._place >= 0 and time.monotonic() > self._deadline:
                raise over_limit("snapshot_seconds", self._seconds, self._plain.where)
            self._read = decompressed(self._plain.at(0), self._compression, where=self._plain.where)
            self._place = 0
        while self._place < place:
            skipped = self._read(min(_CHUNK, place - self._place))
            if not skipped:
                return b""
            self._place += len(skipped)
        piece = self._read(size)
        self._place += len(piece)
        return piece


class Placed(Frozen, frozen=True, kw_only=True):
    """Where a member's bytes lie."""

    offset: int
    size: int
    content: bytes | None = None
    """The bytes themselves where they are few and going back for them would be slow."""


class Index(Frozen, frozen=True, kw_only=True):
    """Members by name, relative and normal (`blobs/sha256/...`)."""

    files: dict[str, Placed]
    links: dict[str, str]
    """Symbolic and hard links, as the name that they lead to; '' leads out of the archive."""

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted((*self.files, *self.links)))

    def find(self, name: str) -> Placed | str:
        """Give where a file lies, links followed inside the index only; else say what is wrong with it."""
        for _ in range(MAX_LINK_HOPS):
            if name in self.files:
                return self.files[name]
            if name not in self.links:
                return "is missing"
            name = self.links[name]
            if not name:
                return "is a link that leads out of the archive"
        return "is a link that leads in a circle"


def open_bytes(descriptor: int, *, where: str, unpack: Limits | None = None) -> StoredBytes:
    """Give the bytes of an open regular file, decompressed when it is compressed and `unpack` is given.

    Going back and forth in a compressed file ends with CouldNotRun (E_LIMIT) after `snapshot_seconds`.
    """
    plain = _Plain(descriptor=descriptor, size=os.fstat(descriptor).st_size, where=where)
    if unpack is None:
        return plain
    head, _ = peek(plain.at(0))
    compression = told(head)
    return _Unpacked(plain, compression, unpack) if compression else plain


def read_index(source: StoredBytes, *, where: str, limits: Limits) -> Index:
    """Go through a tar file once and note where its members lie.

    Raises InputFault: E_NOT_AN_ARCHIVE, E_ARCHIVE_DAMAGED, E_COMPRESSION, E_TAR_HOSTILE (also for a name that
    two files have); CouldNotRun (E_LIMIT).
    """
    index = Index(files={}, links={})
    place = 0
    at_place = source.at(0)

    def read(size: int) -> bytes:
        nonlocal place
        piece = at_place(size)
        place += len(piece)
        return piece

    def leap(size: int) -> None:
        nonlocal place, at_place
        place += size
        at_place = source.at(place)

    noted = 0
    room = limits.manifest_bytes
    try:
        with file_errors():
            for member, body in read_members(
                read, limits=limits, where=where, leap=leap if source.seeks else None
            ):
                content = None
                if not source.seeks and member.kind == "file" and member.size <= min(_SMALL, room):
                    content = _whole(body)
                    room -= len(content)
                _note(index, member, body.offset, content, where)
                noted += 1
    except InputFault as error:
        if error.code == "E_ARCHIVE_DAMAGED" and not noted:
            raise InputFault(
                "E_NOT_AN_ARCHIVE",
                f"{where} is no tar archive",
                hint="Name a file that `docker save`, `podman save` or `skopeo copy` wrote.",
            ) from None
        raise
    return index


def _whole(body: BinaryReader) -> bytes:
    pieces: list[bytes] = []
    while piece := body.read(_CHUNK):
        pieces.append(piece)
    return b"".join(pieces)


def _note(index: Index, member: Member, offset: int, content: bytes | None, where: str) -> None:
    name = member.path[1:]
    if member.kind in ("directory", "other"):
        return
    if name in index.files or name in index.links:
        raise InputFault(
            "E_TAR_HOSTILE",
            f"{where} holds {name[:200]!a} twice, so two readers would see two images",
            hint="Do not trust where this archive came from.",
        )
    if member.kind == "file":
        index.files[name] = Placed(offset=offset, size=member.size, content=content)
    elif member.kind == "hardlink":
        index.links[name] = member.target[1:]
    else:
        index.links[name] = _inside(name, member.target)


def _inside(name: str, target: str) -> str:
    """Follow a symbolic link by its letters; '' when it leaves the archive."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return "" if path.startswith(("/", "../")) or path in (".", "..") else path


@contextmanager
def file_errors() -> Iterator[None]:
    """Let damage in a file be an InputFault: unlike an engine's stream, it stays so at the next try."""
    try:
        yield
    except CouldNotRun as error:
        if error.code not in ("E_TAR_TRUNCATED", "E_TAR_DAMAGED"):
            raise
        raise damaged(error.message) from None


def damaged(message: str) -> InputFault:
    """Build the error for a file that does not hold what it must."""
    return InputFault(
        "E_ARCHIVE_DAMAGED", message, hint="Make the archive anew, or get it again; it is not complete."
    )


def _pread(descriptor: int, size: int, place: int, where: str) -> bytes:
    try:
        return os.pread(descriptor, size, place)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "unknown error"
        raise CouldNotRun(
            "E_ARCHIVE_READ",
            f"{where} cannot be read at byte {place}: {reason}",
            hint="See whether the disk or the network it lies on is in order, then try again.",
        ) from None
