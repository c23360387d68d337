"""Where the parts of a stored image lie: in a directory, or in a tar file that is read in place."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from reprocheck.engine.beneath import RefusedPath, open_beneath
from reprocheck.engine.oci_archive import Index, Placed, StoredBytes, open_bytes, read_index
from reprocheck.engine.oci_manifests import DIGEST, Descriptor
from reprocheck.engine.tar import Read
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen


class Store(Protocol):
    """Named parts of a stored image."""

    @property
    def where(self) -> str:
        """What to call it in messages."""
        ...

    def names(self) -> tuple[str, ...]:
        """Names at its top, sorted: enough to tell what kind of store it is."""
        ...

    def has(self, name: str) -> bool:
        """Whether a part is there and can be opened."""
        ...

    def open(self, name: str) -> AbstractContextManager[tuple[Read, int]]:
        """Give a part's bytes from its beginning, and its size. Raises InputFault (E_BLOB_MISSING)."""
        ...


class DirectoryStore(Frozen, frozen=True, kw_only=True):
    """An OCI layout directory; no link in it is followed."""

    where: str
    root: str

    def names(self) -> tuple[str, ...]:
        """Names at its top, sorted."""
        return tuple(sorted(os.listdir(self.root)))

    def has(self, name: str) -> bool:
        """Whether a part is there and can be opened."""
        try:
            os.close(open_beneath(self.root, name))
        except RefusedPath:
            return False
        return True

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[Read, int]]:
        """Give a part's bytes, and its size. Raises InputFault (E_BLOB_MISSING)."""
        try:
            descriptor = open_beneath(self.root, name)
        except RefusedPath as refused:
            raise missing(self.where, name, refused.reason) from None
        try:
            size = os.fstat(descriptor).st_size
            source = open_bytes(descriptor, where=f"{name} of {self.where}")
            yield source.at(0), size
        finally:
            os.close(descriptor)


class ArchiveStore(Frozen, frozen=True, kw_only=True):
    """A tar file, itself compressed or not; what it holds is found through its index."""

    where: str
    source: StoredBytes
    index: Index

    def names(self) -> tuple[str, ...]:
        """Names at its top, sorted."""
        return tuple(sorted({name.partition("/")[0] for name in self.index.names()}))

    def has(self, name: str) -> bool:
        """Whether a part is there."""
        return isinstance(self.index.find(name), Placed)

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[Read, int]]:
        """Give a part's bytes, and its size. Raises InputFault (E_BLOB_MISSING)."""
        place = self.index.find(name)
        if isinstance(place, str):
            raise missing(self.where, name, place)
        if place.content is not None:
            yield io.BytesIO(place.content).read, place.size
            return
        yield _bounded(self.source.at(place.offset), place.size), place.size


@contextmanager
def open_archive(path: str, *, where: str, limits: Limits) -> Iterator[ArchiveStore]:
    """Open a tar file that holds a stored image, and find its members.

    Raises OSError when it cannot be opened, InputFault (E_NOT_AN_ARCHIVE, E_ARCHIVE_DAMAGED, E_COMPRESSION,
    E_TAR_HOSTILE), CouldNotRun (E_LIMIT).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputFault(
                "E_NOT_AN_ARCHIVE",
                f"{where} is no regular file, and an archive is read more than once",
                hint="Write the archive to a file first.",
            )
        source = open_bytes(descriptor, where=where, unpack=limits)
        yield ArchiveStore(where=where, source=source, index=read_index(source, where=where, limits=limits))
    finally:
        os.close(descriptor)


def read_part(store: Store, name: str, *, limits: Limits) -> bytes:
    """Read a JSON document of a store. Raises InputFault (E_BLOB_MISSING, E_TOO_LARGE)."""
    with store.open(name) as (read, size):
        if size > limits.manifest_bytes:
            raise InputFault(
                "E_TOO_LARGE",
                f"{name} of {store.where} has {size} bytes, more than the limit of {limits.manifest_bytes}",
                hint="Raise it with --limit-scale if you trust the file.",
            )
        pieces: list[bytes] = []
        while piece := read(1 << 20):
            pieces.append(piece)
    return b"".join(pieces)


def read_blob(store: Store, descriptor: Descriptor, *, limits: Limits) -> bytes:
    """Read a JSON blob, and hold it against its descriptor. Raises InputFault (E_BLOB_DIGEST and others)."""
    name = blob_name(descriptor.digest)
    raw = read_part(store, name, limits=limits)
    check_blob(
        store.where,
        name,
        size=len(raw),
        digest=digest_of(raw),
        claimed=descriptor.digest,
        stated=descriptor.size,
    )
    return raw


def check_blob(where: str, name: str, *, size: int, digest: str, claimed: str, stated: int) -> None:
    """Hold a blob's size and digest against what is said of it. Raises InputFault (E_BLOB_DIGEST)."""
    if size != stated:
        problem = f"has {size} bytes instead of {stated}"
    elif digest != claimed:
        problem = f"has the digest {digest} instead of {claimed}"
    else:
        return
    raise InputFault(
        "E_BLOB_DIGEST",
        f"{name} of {where} {problem}, so it is damaged or was changed; nothing was kept of it",
        hint="Get the archive again, and check where it came from.",
    )


def blob_name(digest: str) -> str:
    """Say where a layout keeps a blob; the digest must be one of ours."""
    assert DIGEST.fullmatch(digest)
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def digest_of(raw: bytes) -> str:
    """Return the OCI digest of some bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def missing(where: str, name: str, reason: str) -> InputFault:
    """Build the error for a part that is named and not there."""
    return InputFault(
        "E_BLOB_MISSING",
        f"{name[:200]!a} of {where} {reason}",
        hint="Make the archive anew; a layout that shares its blobs with another is not complete by itself.",
    )


def _bounded(read: Read, size: int) -> Read:
    left = size

    def some(wanted: int) -> bytes:
        nonlocal left
        piece = read(min(wanted, left)) if left else b""
        left -= len(piece)
        return piece

    return some
