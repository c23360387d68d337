"""safetensors: an 8-byte length, a JSON header, and the elements without gaps.

Format: github.com/huggingface/safetensors, README "Format". The library writes metadata keys in an order
that changes from save to save (safetensors#584); the digest takes them sorted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import BinaryIO

from reprocheck import strictjson
from reprocheck.artifacts.dtypes import DTYPES, DType
from reprocheck.artifacts.elements import Source
from reprocheck.artifacts.reading import Array, Leaf, Reading, Unreadable
from reprocheck.errors import InputFault
from reprocheck.limits import Limits

name = "safetensors"
level = "L2"

MAX_DIMENSIONS = 32

_TYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "F4": "float4",
    "F6_E2M3": "float6_e2m3",
    "F6_E3M2": "float6_e3m2",
}


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name."""
    return name.endswith(".safetensors")


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Check the whole header, then give every tensor as a stream. Raises Unreadable."""
    source = Source(stream, size)
    header, start = _header(source, limits)
    metadata = header.pop("__metadata__", {})
    if len(header) > limits.tensors:
        raise Unreadable(f"it names {len(header)} tensors, more than the limit of {limits.tensors}")
    found = [_tensor(source, start, name, entry) for name, entry in header.items()]
    position = 0
    for first, end, array in sorted(found, key=lambda item: (item[0], item[1], item[2].name)):
        if first != position:
            raise Unreadable(f"{array.name[:80]!r} starts at {first} where {position} was expected")
        position = end
    if start + position != size:
        raise Unreadable(f"its tensors end at byte {start + position} and the file at {size}")
    leaves = _metadata(metadata)
    return Reading(arrays=tuple(array for _, _, array in found), leaves=lambda: iter(leaves))


def _header(source: Source, limits: Limits) -> tuple[dict[str, object], int]:
    length = int.from_bytes(source.at(0, 8), "little")
    if length > limits.tensor_header:
        raise Unreadable(f"its header claims {length} bytes, more than the limit of {limits.tensor_header}")
    try:
        header = strictjson.loads(
            source.at(8, length), where="its header", limits=limits, max_bytes=limits.tensor_header
        )
    except InputFault as fault:
        raise Unreadable(fault.message) from None
    if not isinstance(header, dict):
        raise Unreadable("its header is not an object")
    return header, 8 + length


def _tensor(source: Source, start: int, name: str, entry: object) -> tuple[int, int, Array]:
    """Give first byte, end and array of one header entry; every number in it is checked."""
    shown = repr(name[:80])
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise Unreadable(f"the entry {shown} is not dtype, shape and data_offsets")
    kind = entry["dtype"]
    if not isinstance(kind, str) or kind not in _TYPES:
        raise Unreadable(f"{shown} has the element type {str(kind)[:20]!r}, which is not known")
    shape = _naturals(entry["shape"], f"the shape of {shown}")
    offsets = _naturals(entry["data_offsets"], f"the offsets of {shown}")
    if len(shape) > MAX_DIMENSIONS:
        raise Unreadable(f"{shown} has {len(shape)} dimensions")
    dtype: DType = DTYPES[_TYPES[kind]]
    bits = math.prod(shape) * dtype.bits
    if len(offsets) != 2 or bits % 8 or offsets[1] - offsets[0] != bits // 8:
        raise Unreadable(f"{shown} claims the bytes {list(offsets)} and its shape needs {bits // 8}")
    first, end = offsets
    if start + end > source.size:
        raise Unreadable(f"{shown} ends at byte {start + end} and the file at {source.size}")

    def blocks() -> Iterator[bytes]:
        return source.run(start + first, end - first)

    return first, end, Array(name=name, dtype=dtype, shape=shape, blocks=blocks)


def _naturals(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise Unreadable(f"{where} is not a list")
    for item in value:
        if not isinstance(item, int) or isinstance(item, bool) or item < 0:
            raise Unreadable(f"{where} holds {str(item)[:20]!r}")
    return tuple(value)


def _metadata(metadata: object) -> list[Leaf]:
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise Unreadable("its metadata is not a table of strings")
    return [Leaf(key=f"__metadata__.{key}", tag="string", text=metadata[key]) for key in sorted(metadata)]
