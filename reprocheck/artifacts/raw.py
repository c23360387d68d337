"""Any file: its bytes and nothing more."""

from __future__ import annotations

from typing import BinaryIO

from reprocheck.limits import Limits

name = "raw"
level = "L0"


def recognises(name: str, head: bytes) -> bool:
    """Every file is at least bytes."""
    return True


def read(stream: BinaryIO, size: int, *, limits: Limits) -> None:
    """Say that there is no content beyond the bytes."""
    return
