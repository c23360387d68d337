"""Pickle, joblib and PyTorch's format before 1.6: compared by bytes only, never opened.

Loading them means running them. The zip checkpoints of today are read by `torch_zip`.
"""

from __future__ import annotations

from typing import BinaryIO, NoReturn

from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import Limits

name = "pickle"
level = "L0"

LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The magic number 0x1950a86a20f9469cfc6c as torch.save pickled it (torch/serialization.py)."""


def recognises(name: str, head: bytes) -> bool:
    """`.pkl`, `.pickle`, `.joblib`, or the magic number of a legacy checkpoint."""
    return name.endswith((".pkl", ".pickle", ".joblib")) or head.startswith(LEGACY_TORCH)


def read(stream: BinaryIO, size: int, *, limits: Limits) -> NoReturn:
    """Refuse, with the reason."""
    stream.seek(0)
    if stream.read(len(LEGACY_TORCH)) == LEGACY_TORCH:
        raise Unreadable("legacy checkpoint: bytes only; torch.save writes a readable zip by default")
    raise Unreadable("pickle: bytes only, since reading one means running it")
