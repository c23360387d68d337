"""The user's content-addressed store: outputs that numbers are compared with, and marks of our own manifests.

ROOT/objects/<2 digits>/<62 digits>   written once, verified on every read
ROOT/manifests/<64 digits>            "this user wrote this manifest", with the digests of its outputs
ROOT/inputs/<64 digits>               where that manifest's inputs lay on this machine, for nobody else
"""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO

from reprocheck.engine.named_by_digest import NamedByDigest, check_digest
from reprocheck.engine.writing import (
    check_writable,
    failure,
    make_private_directory,
    publish_new,
    write_all,
    write_atomic,
)
from reprocheck.errors import CouldNotRun
from reprocheck.model.base import Frozen

_CHUNK = 1 << 20


class StoredObject(Frozen, frozen=True, kw_only=True):
    """One kept file: digest, bytes, and when it was last kept (nanoseconds since the epoch)."""

    sha256: str
    size: int
    modified_ns: int


class Store:
    """The store below the directory `root`, which is made (0700) when the first thing is kept."""

    def __init__(self, root: str) -> None:
        self._objects = NamedByDigest(root, "objects")
        self._root = self._objects.root

    def keep(self, source: BinaryIO, sha256: str) -> None:
        """Keep the rest of `source`, whose SHA-256 must be `sha256` (64 digits).

        Raises CouldNotRun (E_STORE_DIGEST, E_STATE_UNSAFE, E_DISK_FULL, E_NOT_WRITABLE).
        """
        path = self._objects.path(sha256)

        def fill(descriptor: int) -> None:
            digest = hashlib.sha256()
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                write_all(descriptor, chunk)
            if digest.hexdigest() != sha256:
                raise CouldNotRun(
                    "E_STORE_DIGEST",
                    f"an output changed while it was kept (recorded as {sha256}); it was not kept",
                    hint="Check that nothing else writes to the outputs.",
                )

        self._make(path.rpartition("/")[0])
        try:
            if not publish_new(path, fill, mode=0o400):
                os.utime(path)  # kept again, so it is young again for `prune`
        except OSError as error:
            raise failure(path, error) from None

    def check(self) -> None:
        """Find out before the work that nothing could be kept after it.

        Raises CouldNotRun (E_STATE_UNSAFE, E_DISK_FULL, E_NOT_WRITABLE).
        """
        for name in ("manifests", "objects"):
            self._make(f"{self._root}/{name}")
            check_writable(f"{self._root}/{name}/new")

    def fetch(self, sha256: str) -> AbstractContextManager[BinaryIO] | None:
        """Open a kept file for reading after verifying it; None when it is not there.

        A file whose bytes no longer have their digest is removed and counts as absent.
        """
        path = self._objects.path(sha256)
        descriptor = self._objects.open(path)
        if descriptor is None:
            return None
        file = os.fdopen(descriptor, "rb")
        try:
            sound = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            file.seek(0)
        except OSError:
            sound = False
        if sound:
            return file
        file.close()
        with suppress(OSError):
            os.unlink(path)
        return None

    def entries(self) -> tuple[StoredObject, ...]:
        """Everything that is kept, sorted by digest. Raises CouldNotRun (E_STATE_UNREADABLE)."""
        try:
            found = [
                StoredObject(sha256=digest, size=status.st_size, modified_ns=status.st_mtime_ns)
                for digest, status in self._objects.files()
            ]
        except OSError as error:
            raise CouldNotRun(
                "E_STATE_UNREADABLE",
                f"the state directory {self._root!a} cannot be read: {os.strerror(error.errno or 0).lower()}",
                hint="Check its owner and mode, or set REPROCHECK_STATE to another directory.",
            ) from None
        return tuple(sorted(found, key=lambda item: item.sha256))

    def prune(self, *, keep: frozenset[str] = frozenset(), older_than_ns: int | None) -> tuple[int, int]:
        """Remove kept files but those in `keep`; return their number and bytes.

        `older_than_ns` is a moment (nanoseconds since the epoch): what was kept at or after it stays; None
        spares nothing. Files that a killed process left half-written go as well, uncounted, once they are a
        day old. Raises CouldNotRun (E_STATE_UNREADABLE, E_NOT_WRITABLE).
        """
        removed = freed = 0
        for item in self.entries():
            if item.sha256 in keep or (older_than_ns is not None and item.modified_ns >= older_than_ns):
                continue
            path = self._objects.path(item.sha256)
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise failure(path, error) from None
            removed += 1
            freed += item.size
        with suppress(OSError):  # they have just been listed
            self._objects.sweep()
        return removed, freed

    def remember(self, manifest_digest: str, outputs: tuple[str, ...]) -> None:
        """Note that this user wrote the manifest with this digest (`sha256:...`), and its outputs' digests.

        Raises CouldNotRun (E_STATE_UNSAFE, E_DISK_FULL, E_NOT_WRITABLE).
        """
        path = self._marker(manifest_digest)
        lines = "".join(f"{output}\n" for output in sorted(set(outputs)))
        self._make(path.rpartition("/")[0])
        try:
            publish_new(path, lambda fd: write_all(fd, lines.encode("ascii")), mode=0o400)
        except OSError as error:
            raise failure(path, error) from None

    def wrote(self, manifest_digest: str) -> bool:
        """Whether this user's store remembers the manifest; one that others can write to proves nothing."""
        path = self._marker(manifest_digest)
        if not self._objects.is_private():
            return False
        descriptor = self._objects.open(path)
        if descriptor is None:
            return False
        try:
            return os.fstat(descriptor).st_uid == os.geteuid()
        finally:
            os.close(descriptor)

    def place_inputs(self, manifest_digest: str, places: tuple[tuple[str, str], ...]) -> None:
        """Note where a manifest's inputs lie: (path for the program, absolute path here); the newest counts.

        Raises CouldNotRun (E_STATE_UNSAFE, E_DISK_FULL, E_NOT_WRITABLE).
        """
        path = self._marker(manifest_digest, kind="inputs")
        self._make(path.rpartition("/")[0])
        words = [word for pair in places for word in pair]
        write_atomic(path, b"".join(os.fsencode(word) + b"\0" for word in words), force=True)

    def inputs_of(self, manifest_digest: str) -> tuple[tuple[str, str], ...]:
        """Where the inputs of a manifest lay when this user recorded it; () when that is not known."""
        path = self._marker(manifest_digest, kind="inputs")
        if not self._objects.is_private():
            return ()
        descriptor = self._objects.open(path)
        if descriptor is None:
            return ()
        with os.fdopen(descriptor, "rb") as file:
            words = [os.fsdecode(word) for word in file.read(_CHUNK).split(b"\0")[:-1]]
        return tuple(zip(words[::2], words[1::2], strict=False))

    def _marker(self, manifest_digest: str, *, kind: str = "manifests") -> str:
        return f"{self._root}/{kind}/{check_digest(manifest_digest.removeprefix('sha256:'))}"

    def _make(self, directory: str) -> None:
        try:
            make_private_directory(directory)
        except OSError as error:
            raise failure(directory, error) from None
        if not self._objects.is_private():
            raise CouldNotRun(
                "E_STATE_UNSAFE",
                f"other users can write to the state directory {self._root!a}, or own it; nothing was kept",
                hint="Make it yours with mode 0700, or set REPROCHECK_STATE to another directory.",
            )


def state_directory(environ: Mapping[str, str]) -> str:
    """Where this user's state lies: $REPROCHECK_STATE, else `reprocheck` below the XDG state directory.

    XDG Base Directory Specification 0.8: relative values are invalid and ignored. Raises CouldNotRun
    (E_NO_HOME).
    """
    chosen = environ.get("REPROCHECK_STATE", "")
    if chosen:
        return os.path.abspath(chosen)
    base = environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return f"{base.rstrip('/')}/reprocheck"
    home = environ.get("HOME", "")
    if not home.startswith("/"):
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            raise CouldNotRun(
                "E_NO_HOME",
                "this user has no home directory, so there is no place for outputs to be kept",
                hint="Set REPROCHECK_STATE to a directory of this user.",
            ) from None
    return f"{home.rstrip('/')}/.local/state/reprocheck"
