"""A private directory of files that are named by a SHA-256: what the store and the cache lie in.

    ROOT/KIND/<2 digits>/<62 digits>

Any number of processes may use it at once: a file appears whole, by a link, or not at all; one that a killed
process left half-written keeps the name of a temporary file.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress

from reprocheck.engine.beneath import RefusedPath, open_beneath
from reprocheck.engine.writing import is_temporary

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STALE_SECONDS = 24 * 3600
"""Age from which a temporary file belongs to a process that was killed."""


def check_digest(digits: str) -> str:
    """Return the 64 digits of a SHA-256. Raises ValueError for anything else."""
    if not _SHA256.fullmatch(digits):
        raise ValueError("not a SHA-256 in lower-case hexadecimal")
    return digits


class NamedByDigest:
    """The files of one kind below the directory `root`; nothing is made until a file is."""

    def __init__(self, root: str, kind: str) -> None:
        self.root = root.rstrip("/") or "/"
        self._kind = kind

    def path(self, sha256: str) -> str:
        """Where the file of this name lies. Raises ValueError."""
        check_digest(sha256)
        return f"{self.root}/{self._kind}/{sha256[:2]}/{sha256[2:]}"

    def open(self, path: str) -> int | None:
        """Open a file below `root` for reading, following no link; None when there is none to be read."""
        try:
            return open_beneath(self.root, path[len(self.root) + 1 :])
        except RefusedPath:
            return None

    def is_private(self) -> bool:
        """Whether `root` is this user's and nobody else can write to it."""
        try:
            status = os.stat(self.root)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Name and status of every file that has the name of one. Raises OSError."""
        for place, name in self._listed():
            digits = place.rpartition("/")[2] + name
            if _SHA256.fullmatch(digits):
                with suppress(FileNotFoundError):
                    yield digits, os.lstat(f"{place}/{name}")

    def sweep(self) -> None:
        """Remove temporary files that are a day old. Raises OSError when the directories cannot be listed."""
        oldest = time.time() - _STALE_SECONDS
        for place, name in self._listed():
            path = f"{place}/{name}"
            with suppress(OSError):
                if is_temporary(name) and os.lstat(path).st_mtime < oldest:
                    os.unlink(path)

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Directory and name of every file. Raises OSError."""
        try:
            with os.scandir(f"{self.root}/{self._kind}") as folders:
                places = [folder.path for folder in folders if folder.is_dir(follow_symlinks=False)]
            for place in places:
                with os.scandir(place) as items:
                    yield from ((place, item.name) for item in items if item.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return
