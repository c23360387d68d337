"""The user's cache: results that can be had again at any time, by what they were made from.

    ROOT/entries/<2 digits>/<62 digits>   one line of header, then the value

The name is the SHA-256 of everything that the value depends on. The header holds who made it and a SHA-256
over name and value, which is checked at every read: what is damaged, cut off, of another user or in another
entry's place is removed and counts as absent. Nothing here ever fails a command: without a cache everything
is only read again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress

from reprocheck.engine.named_by_digest import NamedByDigest
from reprocheck.engine.writing import make_private_directory, publish_new, write_all
from reprocheck.errors import CouldNotRun
from reprocheck.model.base import Frozen

_HEADER = re.compile(rb"reprocheck-cache 1 ([0-9a-f]{64}) ([0-9a-f]{64})\n")
_HEADER_BYTES = len(b"reprocheck-cache 1 ") + 64 + 1 + 64 + 1
_CHUNK = 1 << 20


class CacheEntry(Frozen, frozen=True, kw_only=True):
    """One entry: its name, its size on disk, when it was last used (nanoseconds since the epoch)."""

    key: str
    size: int
    used_ns: int


class Cache:
    """The cache below the directory `root`, made (0700) when the first thing is kept.

    `maker` (64 hexadecimal digits) stands for the program that makes the values; `limit` bounds all bytes.
    """

    def __init__(self, root: str, *, maker: str, limit: int) -> None:
        self._files = NamedByDigest(root, "entries")
        self._maker = maker
        self._limit = limit

    @property
    def place(self) -> str:
        """Its directory."""
        return self._files.root

    @property
    def maker(self) -> str:
        """What stands for the program that makes the values."""
        return self._maker

    def get(self, key: str) -> bytes | None:
        """Return the value kept under `key`, None when there is none that is sound."""
        if not self._files.is_private():
            return None
        path = self._files.path(key)
        descriptor = self._files.open(path)
        if descriptor is None:
            self._discard(path)
            return None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            value = self._sound(key, file.fileno())
            if value is None:
                self._discard(path)
            else:
                with suppress(OSError):
                    os.utime(file.fileno())  # used now: the last to be pruned
        return value

    def put(self, key: str, value: bytes) -> bool:
        """Keep a value, and prune what was not used for longest; False when it could not be kept."""
        header = f"reprocheck-cache 1 {self._maker} {_digest(key, value)}\n".encode("ascii")
        if len(header) + len(value) > self._limit:
            return False
        path = self._files.path(key)
        try:
            make_private_directory(path.rpartition("/")[0])
            if not self._files.is_private():
                return False
            publish_new(path, lambda descriptor: write_all(descriptor, header + value), mode=0o600)
        except OSError:
            return False
        self._shrink()
        return True

    def entries(self) -> tuple[CacheEntry, ...]:
        """Everything that is kept, the longest unused first. Raises CouldNotRun (E_CACHE_UNREADABLE)."""
        try:
            return self._entries()
        except OSError as error:
            raise CouldNotRun(
                "E_CACHE_UNREADABLE",
                f"the cache {self.place!a} cannot be read: {os.strerror(error.errno or 0).lower()}",
                hint="Check its owner and mode, or set XDG_CACHE_HOME to another directory.",
            ) from None

    def prune(self, *, everything: bool, older_than_ns: int) -> tuple[int, int]:
        """Remove entries of other makers and those last used before a moment; return number and bytes.

        `everything` removes all. Files that a killed process left half-written go as well, uncounted, once
        they are a day old. Raises CouldNotRun (E_CACHE_UNREADABLE).
        """
        removed = freed = 0
        for entry in self.entries():
            outdated = entry.used_ns < older_than_ns or self._maker_of(entry.key) != self._maker
            if (everything or outdated) and self._discard(self._files.path(entry.key)):
                removed += 1
                freed += entry.size
        with suppress(OSError):
            self._files.sweep()
        return removed, freed

    def _sound(self, key: str, descriptor: int) -> bytes | None:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022 or status.st_size > self._limit:
            return None
        try:
            raw = _read(descriptor, self._limit)
        except OSError:
            return None
        header = _HEADER.match(raw)
        if header is None:
            return None
        value = raw[header.end() :]
        return value if _digest(key, value) == header[2].decode("ascii") else None

    def _maker_of(self, key: str) -> str:
        descriptor = self._files.open(self._files.path(key))
        if descriptor is None:
            return ""
        try:
            header = _HEADER.fullmatch(os.pread(descriptor, _HEADER_BYTES, 0))
        except OSError:
            return ""
        finally:
            os.close(descriptor)
        return header[1].decode("ascii") if header is not None else ""

    def _shrink(self) -> None:
        """Remove the longest unused until all is within the limit."""
        try:
            entries = self._entries()
        except OSError:
            return
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= self._limit:
                break
            self._discard(self._files.path(entry.key))
            total -= entry.size

    def _entries(self) -> tuple[CacheEntry, ...]:
        found = (
            CacheEntry(key=key, size=status.st_size, used_ns=status.st_mtime_ns)
            for key, status in self._files.files()
        )
        return tuple(sorted(found, key=lambda entry: (entry.used_ns, entry.key)))

    def _discard(self, path: str) -> bool:
        try:
            os.unlink(path)
        except OSError:
            return False
        return True


def cache_directory(environ: Mapping[str, str]) -> str | None:
    """Where this user's cache lies: `reprocheck` below the XDG cache directory; None without a home.

    XDG Base Directory Specification 0.8: relative values are invalid and ignored.
    """
    base = environ.get("XDG_CACHE_HOME", "")
    if base.startswith("/"):
        return f"{base.rstrip('/')}/reprocheck"
    home = environ.get("HOME", "")
    return f"{home.rstrip('/')}/.cache/reprocheck" if home.startswith("/") else None


def _digest(key: str, value: bytes) -> str:
    digest = hashlib.sha256(key.encode("ascii"))
    digest.update(value)
    return digest.hexdigest()


def _read(descriptor: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    left = limit + 1
    while left > 0 and (piece := os.read(descriptor, min(left, _CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
