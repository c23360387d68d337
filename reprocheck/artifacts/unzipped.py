"""Streams out of gzip files, counted: what they unpack to is bounded by their own size.

Format: RFC 1952. Several gzip members in a row are one stream, as pigz and bgzip write it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.elements import BLOCK
from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import Limits

MAGIC = b"\x1f\x8b"
_CHUNK = 64 * 1024
_WBITS = 31
"""zlib's number for a gzip wrapper whose checksum and length are proved at its end."""


def gunzipped(stream: BinaryIO, size: int, *, limits: Limits) -> Iterator[bytes]:
    """Yield the bytes in blocks. Raises Unreadable for damage, an early end, and bombs."""
    stream.seek(0)
    allowed = min(limits.output_bytes, max(limits.document_bytes, size * limits.zip_ratio))
    given = parts = 0
    inflater = zlib.decompressobj(_WBITS)
    started = False
    while pending := stream.read(_CHUNK):
        while pending:
            started = True
            try:
                block = inflater.decompress(pending, BLOCK)
            except zlib.error as fault:
                raise Unreadable(f"its compression is damaged: {str(fault)[:80]}") from None
            given += len(block)
            if given > allowed:
                raise Unreadable(f"it unpacks to more than {allowed} bytes")
            if block:
                yield block
            pending = inflater.unconsumed_tail
            if inflater.eof:
                pending = inflater.unused_data
                inflater = zlib.decompressobj(_WBITS)
                started = False
                parts += 1
                # each end copies what is left of the chunk
                if parts > 64 + size // 1024:
                    raise Unreadable("it has more gzip members than any tool writes")
    if started or not parts:
        raise Unreadable("its compressed stream ends early")
