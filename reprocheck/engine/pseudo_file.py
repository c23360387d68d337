"""Reading the small files of /proc and /sys, whose size is only known by reading them."""

from __future__ import annotations

from pathlib import Path


def read_pieces(path: Path, limit: int) -> bytes:
    """Read at most one byte more than `limit`; raises OSError.

    For /proc/sys the kernel allocates what one read asks for, so it is asked in pieces.
    """
    pieces: list[bytes] = []
    left = limit + 1
    with path.open("rb", buffering=0) as file:
        while left > 0 and (piece := file.read(min(left, 65536))):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)


def read_if_there(path: Path, limit: int) -> bytes | None:
    """Read a file that need not be there; None when it is not, cannot be read or is longer than `limit`."""
    try:
        raw = read_pieces(path, limit)
    except OSError:
        return None
    return raw if len(raw) <= limit else None
