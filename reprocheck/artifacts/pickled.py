"""Pickle, joblib and PyTorch's format before 1.6: compared by bytes only, never opened.

Loading them means running them. The zip checkpoints of today are read by `torch_zip`. Compressed ones are not
unpacked either: what comes out would be a pickle. The notes say what the file is and what to write instead.
"""

from __future__ import annotations

from typing import BinaryIO, NoReturn

from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import Limits

name = "pickle"
level = "L0"

_PLAIN = (".pkl", ".pickle", ".joblib", ".dill")
_PACKED = ("", ".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4")
ENDINGS = tuple(plain + packed for plain in _PLAIN for packed in _PACKED)

LEGACY_TORCH = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
"""The magic number 0x1950a86a20f9469cfc6c as a pickle holds it (torch/serialization.py)."""
_LEGACY_WITHIN = 16
"""Before it: two bytes of protocol, and from protocol 4 on nine bytes of frame."""

_COMPRESSIONS = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
"""What joblib and others compress with (joblib/compressor.py); zlib has no fixed magic and is told apart."""


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name (`.pkl`, `.joblib`, ...), or by the magic number of a legacy checkpoint."""
    return name.endswith(ENDINGS) or _is_legacy(head)


def read(stream: BinaryIO, size: int, *, limits: Limits) -> NoReturn:
    """Refuse, with the reason."""
    stream.seek(0)
    head = stream.read(_LEGACY_WITHIN + len(LEGACY_TORCH))
    if _is_legacy(head):
        raise Unreadable("legacy checkpoint: bytes only; torch.save writes a readable zip by default")
    packing = _compression(head)
    if packing:
        raise Unreadable(f"pickle in {packing}: bytes only, since reading one means running it")
    raise Unreadable("pickle: bytes only, since reading one means running it")


def _is_legacy(head: bytes) -> bool:
    return head[:1] == b"\x80" and LEGACY_TORCH in head[: _LEGACY_WITHIN + len(LEGACY_TORCH)]


def _compression(head: bytes) -> str:
    for magic, packing in _COMPRESSIONS:
        if head.startswith(magic):
            return packing
    # RFC 1950: deflate with a window of 32 KiB, and the two bytes are a multiple of 31
    return "zlib" if head[:1] == b"x" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0 else ""
