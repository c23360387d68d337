"""JSON documents: one leaf per scalar, named by its JSON Pointer (RFC 6901).

As in RFC 8785, key order, white space and the spelling of a number are not content: 1.0 and 1 are one number.
Negative zero stays apart from zero, which RFC 8785 does not do. NaN and Infinity, which Python writes for a
loss that diverged, are numbers here: each is equal to itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import BinaryIO

from reprocheck import strictjson
from reprocheck.artifacts.reading import NUMBER, Leaf, Reading, Unreadable
from reprocheck.errors import InputFault
from reprocheck.limits import Limits

name = "json"
level = "L1"

VALUES = 2_000_000
"""Values of one document: `[[],[],...` takes thirty times its own size in memory."""

_EXACT = 2**53


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name."""
    return name.endswith(".json")


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Parse the whole document. Raises Unreadable."""
    if size > limits.document_bytes:
        raise Unreadable(f"it has {size} bytes, more than the limit of {limits.document_bytes} for documents")
    stream.seek(0)
    document = parse(stream.read(size), where="it", limits=limits)
    return Reading(leaves=lambda: walk(document, ""))


def parse(raw: bytes, *, where: str, limits: Limits) -> object:
    """Parse JSON text strictly. Raises Unreadable."""
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > VALUES:
        raise Unreadable(f"{where} may hold more than {VALUES} values")
    try:
        return strictjson.loads(
            raw,
            where=where,
            limits=limits,
            max_bytes=limits.document_bytes,
            bounded_strings=False,
            allow_constants=True,
        )
    except InputFault as fault:
        raise Unreadable(fault.message) from None


def walk(document: object, pointer: str) -> Iterator[Leaf]:
    """Yield the leaves in the order of sorted keys; an empty object or array is a leaf."""
    stack = [(pointer, document)]
    while stack:
        path, item = stack.pop()
        if isinstance(item, dict) and item:
            keys = sorted(item, reverse=True)
            stack.extend((f"{path}/{key.replace('~', '~0').replace('/', '~1')}", item[key]) for key in keys)
        elif isinstance(item, list) and item:
            stack.extend((f"{path}/{i}", item[i]) for i in range(len(item) - 1, -1, -1))
        else:
            tag, text = _scalar(item)
            yield Leaf(key=path, tag=tag, text=text)


def _scalar(item: object) -> tuple[str, str]:
    match item:
        case None:
            return "null", ""
        case bool():
            return "bool", str(item).lower()
        case int():
            return NUMBER, str(item)
        case float():
            negative_zero = item == 0 and math.copysign(1, item) < 0
            whole = item.is_integer() and abs(item) < _EXACT and not negative_zero
            return NUMBER, str(int(item)) if whole else repr(item)
        case str():
            return "string", item
        case dict():
            return "object", ""
        case _:
            return "array", ""
