"""Files of a view that lie on this machine's disk: opened one by one, without following a link."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable

from reprocheck.engine.beneath import RefusedPath, open_beneath
from reprocheck.engine.view import View
from reprocheck.engine.window import open_window
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import Algorithm, Interest, ViewError, nothing

NOTHING = Interest(keep=nothing)
"""Of a disk every file can be read at any time, so nothing need be told beforehand."""


def disk_view(
    tree: FileTree,
    root_of: Callable[[Entry], str],
    *,
    interest: Interest,
    limits: Limits,
    unreadable: tuple[tuple[str, str], ...] = (),
) -> View:
    """Make a view of files that lie below directories; `root_of` names the one that holds an entry.

    `root_of` raises ViewError when none does.
    """

    def load(entry: Entry, limit: int) -> bytes:
        return load_beneath(root_of(entry), entry.path, limit)

    def inspect(entry: Entry) -> LibraryFacts:
        descriptor = _opened(root_of(entry), entry.path)
        try:
            size = os.fstat(descriptor).st_size
            window = open_window(descriptor, size, window=limits.library_window, spans=interest.library_spans)
            return interest.read_library(entry.path, window)
        finally:
            os.close(descriptor)

    def digest(entry: Entry, algorithm: Algorithm) -> str:
        with os.fdopen(_opened(root_of(entry), entry.path), "rb", buffering=0) as file:
            try:
                return hashlib.file_digest(
                    file, lambda: hashlib.new(algorithm, usedforsecurity=False)
                ).hexdigest()
            except OSError as error:
                raise ViewError(f"cannot be read: {_reason(error)}") from None

    return View(tree=tree, load=load, inspect=inspect, digest=digest, unreadable=unreadable)


def load_beneath(root: str, path: str, limit: int) -> bytes:
    """Read the regular file at the absolute in-root `path`, at most `limit` bytes; raises ViewError."""
    descriptor = _opened(root, path)
    chunks: list[bytes] = []
    left = limit + 1
    try:
        # What a read may take is allocated beforehand, so most files are better read in their own size.
        step = min(os.fstat(descriptor).st_size + 1, 1 << 20)
        while left > 0 and (chunk := os.read(descriptor, min(left, step))):
            chunks.append(chunk)
            left -= len(chunk)
    except OSError as error:
        raise ViewError(f"cannot be read: {_reason(error)}") from None
    finally:
        os.close(descriptor)
    if left <= 0:
        raise ViewError(f"has more than the limit of {limit} bytes")
    return b"".join(chunks)


def _opened(root: str, path: str) -> int:
    try:
        return open_beneath(root, path.lstrip("/"))
    except RefusedPath as refused:
        raise ViewError(refused.reason) from None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO).lower()
