"""Lines of a text file from a stranger: bounded in length and in all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.reading import Unreadable
from reprocheck.limits import MIB, Limits

LINE_BYTES = 8 * MIB


def lines(stream: BinaryIO, size: int, *, limits: Limits) -> Iterator[bytes]:
    """Yield lines with their ends from the start of a stream. Raises Unreadable."""
    if size > limits.document_bytes:
        raise Unreadable(f"it has {size} bytes, more than the limit of {limits.document_bytes} for documents")
    stream.seek(0)
    while line := stream.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES:
            raise Unreadable(f"it has a line of more than {LINE_BYTES} bytes")
        yield line
