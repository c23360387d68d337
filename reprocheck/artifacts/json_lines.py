"""JSON Lines: one document per line; pointers begin with the line's index, `/0/loss`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from reprocheck.artifacts.json_document import parse, walk
from reprocheck.artifacts.lines import lines
from reprocheck.artifacts.reading import Leaf, Reading
from reprocheck.limits import Limits

name = "jsonl"
level = "L1"


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name."""
    return name.endswith((".jsonl", ".ndjson"))


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Read line by line, when asked for. Raises Unreadable, also later from the leaves."""

    def leaves() -> Iterator[Leaf]:
        index = 0
        for raw in lines(stream, size, limits=limits):
            if raw.strip():
                yield from walk(parse(raw, where=f"line {index + 1}", limits=limits), f"/{index}")
                index += 1

    return Reading(leaves=leaves)
