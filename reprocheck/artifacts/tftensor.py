"""TensorProto and HistogramProto as summaries hold them: scalars as numbers, the rest as places of elements.

Format: tensorflow/core/framework/{tensor,tensor_shape,types}.proto and tsl/protobuf/histogram.proto.
"""

from __future__ import annotations

import math
import struct

from reprocheck.artifacts.dtypes import DTYPES, DType, numbers
from reprocheck.artifacts.reading import Unreadable
from reprocheck.artifacts.wire import BYTES, FIXED64, VARINT, expect, fields, signed
from reprocheck.artifacts.wire import Field as WireField
from reprocheck.model.base import Frozen

_TYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
_PACKED = {5: "float32", 6: "float64"}
"""float_val and double_val lie in the message as the elements themselves."""
_VARINTS = {7, 10, 11, 16, 17}
"""int_val, int64_val, bool_val, uint32_val, uint64_val."""
_CONTENT = 4
_DIMENSIONS = 32
_EXACT = 2**53
_HISTOGRAM_NUMBERS = {1: "min", 2: "max", 3: "num", 4: "sum", 5: "sum_squares"}
_HISTOGRAM_LISTS = {6: "bucket_limit", 7: "bucket"}


class Tensor(Frozen, frozen=True, kw_only=True):
    """Elements from `start` to `end` of the message, or one `scalar`."""

    name: str = ""
    dtype: DType
    shape: tuple[int, ...]
    start: int = 0
    end: int = 0
    scalar: float | None = None


def read_tensor(raw: bytes, item: WireField) -> Tensor | None:
    """Read a TensorProto; None where its elements do not lie there as they are. Raises Unreadable."""
    parts = list(fields(raw, item.start, item.end))
    kind = next((expect(part, VARINT).value for part in reversed(parts) if part.number == 1), 0)
    shape: tuple[int, ...] = ()
    for part in parts:
        if part.number == 2:
            shape = _shape(raw, expect(part, BYTES))
    if kind not in _TYPES:
        return None
    dtype = DTYPES[_TYPES[kind]]
    held = [part for part in parts if part.number == _CONTENT or part.number in _PACKED]
    varints = [part for part in parts if part.number in _VARINTS]
    if len(held) == 1 and not varints:
        part = held[0]
        if part.number in _PACKED and _PACKED[part.number] != dtype.name:
            return None
        tensor = Tensor(dtype=dtype, shape=shape, start=part.start, end=part.end)
        # a packed list may be shorter than the shape: its last value then fills the rest
        if part.end - part.start != math.prod(shape) * dtype.bytes:
            return None
        return _scalar(raw, tensor) if not shape and dtype.kind in ("float", "integer") else tensor
    if not held and len(varints) == 1 and not shape and dtype.kind == "integer":
        value = _one(raw, varints[0])
        return None if value is None else Tensor(dtype=dtype, shape=(), scalar=value)
    return None


def read_histogram(
    raw: bytes, item: WireField
) -> tuple[tuple[tuple[str, float], ...], tuple[Tensor, ...]] | None:
    """Read a HistogramProto: its numbers, and its two lists; None where a list is not packed."""
    values: list[tuple[str, float]] = []
    lists: list[Tensor] = []
    for part in fields(raw, item.start, item.end):
        if part.number in _HISTOGRAM_NUMBERS:
            expect(part, FIXED64)
            values.append((_HISTOGRAM_NUMBERS[part.number], struct.unpack_from("<d", raw, part.start)[0]))
        elif part.number in _HISTOGRAM_LISTS:
            size = part.end - part.start
            if part.wire != BYTES or size % 8:
                return None
            name = _HISTOGRAM_LISTS[part.number]
            lists.append(
                Tensor(name=name, dtype=DTYPES["float64"], shape=(size // 8,), start=part.start, end=part.end)
            )
    names = [name for name, _ in values] + [tensor.name for tensor in lists]
    if len(set(names)) != len(names):
        return None
    return tuple(values), tuple(lists)


def _shape(raw: bytes, item: WireField) -> tuple[int, ...]:
    shape = []
    for part in fields(raw, item.start, item.end):
        if part.number == 2:
            extent = 0
            for inner in fields(raw, expect(part, BYTES).start, part.end):
                if inner.number == 1:
                    extent = signed(expect(inner, VARINT).value)
            shape.append(extent)
        elif part.number == 3 and part.value:
            raise Unreadable("a tensor has no rank")
    if len(shape) > _DIMENSIONS or any(extent < 0 for extent in shape):
        raise Unreadable("a tensor has a shape that no tensor has")
    return tuple(shape)


def _scalar(raw: bytes, tensor: Tensor) -> Tensor | None:
    value = numbers(tensor.dtype, raw[tensor.start : tensor.end])[0]
    if isinstance(value, int) and abs(value) > _EXACT:
        return tensor
    return Tensor(dtype=tensor.dtype, shape=(), scalar=float(value))


def _one(raw: bytes, part: WireField) -> float | None:
    """One varint, packed or not, when a double holds it."""
    value = part.value
    if part.wire == BYTES:
        # packed: the same bytes as a field whose key is left out
        framed = b"\x08" + raw[part.start : part.end]
        inner = list(fields(framed, 0, len(framed)))
        if len(inner) != 1:
            return None
        value = inner[0].value
    elif part.wire != VARINT:
        return None
    value = signed(value)
    return float(value) if abs(value) <= _EXACT else None
