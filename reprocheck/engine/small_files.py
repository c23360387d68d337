"""Reading the small ones among many files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from reprocheck.engine.beneath import RefusedPath, open_beneath
from reprocheck.engine.directory import encode


def read_small(
    root: str, paths: Iterable[str], *, smallest: int, largest: int
) -> Iterator[tuple[str, bytes]]:
    """Give path and bytes of each regular file below `root` whose size lies in these bounds.

    Files that are missing, cannot be read, or are links are passed over.
    """
    base = os.fsencode(root).rstrip(b"/") + b"/"
    for path in paths:
        try:
            status = os.lstat(base + encode(path))
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(status.st_mode) or not smallest <= status.st_size <= largest:
            continue
        try:
            descriptor = open_beneath(root, path)
        except RefusedPath:
            continue
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            try:
                content = file.read(largest + 1)
            except OSError:
                continue
        yield path, content or b""
