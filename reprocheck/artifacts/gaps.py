"""How far two arrays are apart, measured element by element in bounded memory.

With NumPy (the extra `arrays`) large arrays take `vectors`; the result is the same to the bit. What agrees is
said in `tolerance`.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Iterator
from itertools import zip_longest

from reprocheck.artifacts.dtypes import DType, numbers
from reprocheck.artifacts.reading import Array, Unreadable
from reprocheck.artifacts.tolerance import Bounds, ordinal
from reprocheck.model.base import Frozen

BLOCK = 1024 * 1024
"""Bytes of which it is asked first whether they are equal."""
PIECE = 64 * 1024
"""Bytes compared at once; a divisor of `BLOCK`, a multiple of every element size that is decoded."""

WORTHWHILE = 1024 * 1024
"""Bytes to compare from which the import of NumPy (0.1 s) pays."""

_UNITS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Place(Frozen, frozen=True, kw_only=True):
    """One element: flat index in C order, and both values as text.

    Of a complex number it is the part that differs, of exact types the first byte that differs.
    """

    index: int
    recorded: str
    observed: str


class Gap(Frozen, frozen=True, kw_only=True):
    """How far two arrays are apart."""

    total: int
    differing: int
    """Elements whose bits differ."""
    beyond: int
    """Elements over the tolerance; of integers and exact types all that differ."""
    first: Place | None
    """The first element whose bits differ; None when there is none."""
    over: Place | None
    """The first element over the tolerance."""
    largest: float
    """Largest absolute difference, infinite where one side alone is an infinity; 0 for exact types.

    NaN on one side alone is not counted here but in `beyond`.
    """
    relative: float
    """Largest difference relative to the recorded value, where that is neither 0 nor infinite nor NaN."""
    ulp: int
    """Largest distance in units in the last place, where both sides are finite floats."""


Measure = Callable[[Array, Array, Bounds], Gap]


def measure_for(size: int) -> Measure:
    """Choose the way to compare arrays of `size` bytes in all."""
    if size >= WORTHWHILE:
        try:
            from reprocheck.artifacts import vectors
        except ImportError:  # the extra `arrays` is not installed
            return measure
        return vectors.measure
    return measure


def measure(recorded: Array, observed: Array, bounds: Bounds) -> Gap:
    """Compare two arrays of one type and shape with the standard library alone. Raises Unreadable."""
    dtype = recorded.dtype
    rtol, atol = float(bounds.rtol), float(bounds.atol)
    differing = beyond = ulp = 0
    first = over = None
    last = last_beyond = -1
    largest = relative = 0.0
    for index, a, b, steps in _differences(recorded, observed):
        differing += index != last
        last = index
        first = first or _place(index, a, b)
        agrees = False
        if dtype.kind != "exact":
            gap, size = abs(b - a), abs(a)
            largest = gap if gap > largest else largest
            share = float(gap) / float(size) if 0 < size < math.inf else 0.0
            relative = share if share > relative else relative
            if dtype.kind != "integer":
                ulp = max(ulp, steps)
                agrees = a == b or (math.isnan(a) and math.isnan(b)) or 0 < steps <= bounds.max_ulp
                agrees = agrees or (gap < math.inf and gap <= rtol * size + atol)
        if not agrees:
            over = over or _place(index, a, b)
            beyond += index != last_beyond
            last_beyond = index
    return Gap(
        total=recorded.elements,
        differing=differing,
        beyond=beyond,
        first=first,
        over=over,
        largest=largest,
        relative=relative,
        ulp=ulp,
    )


def _place(index: int, a: float, b: float) -> Place:
    return Place(index=index, recorded=repr(a), observed=repr(b))


def part_size(dtype: DType) -> int:
    """Bytes of what is compared as one: an element, a part of a complex number, a byte of an exact type."""
    return 1 if dtype.kind == "exact" else dtype.bytes // 2 if dtype.kind == "complex" else dtype.bytes


def _differences(recorded: Array, observed: Array) -> Iterator[tuple[int, float, float, int]]:
    """Yield index, both values and ULP (0 unless finite floats) wherever bits differ.

    A complex element may come twice, once per part; an element of an exact type once per byte.
    """
    dtype = recorded.dtype
    part = part_size(dtype)
    exact, inexact = dtype.kind == "exact", dtype.kind in ("float", "complex")
    signed = dtype.name != "float8_e8m0fnu"
    for offset, ours, theirs in unequal_pieces(recorded, observed, PIECE):
        left, right = _codes(part, ours), _codes(part, theirs)
        values = (ours, theirs) if exact else (numbers(dtype, ours), numbers(dtype, theirs))
        for i, (x, y) in enumerate(zip(left, right, strict=True)):
            if x == y:
                continue
            a, b = values[0][i], values[1][i]
            steps = 0
            if inexact and math.isfinite(a) and math.isfinite(b):
                steps = abs(ordinal(x, 8 * part) - ordinal(y, 8 * part)) if signed else abs(x - y)
            yield (offset + i * part) // max(1, dtype.bytes), a, b, steps


def _codes(size: int, raw: bytes) -> array[int]:
    values = array(_UNITS[size], raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def unequal_pieces(recorded: Array, observed: Array, size: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield offset and bytes of pieces that differ, of `size` bytes, which divides `BLOCK`.

    Raises Unreadable.
    """
    offset = 0
    for ours, theirs in zip_longest(_even(recorded.blocks()), _even(observed.blocks()), fillvalue=b""):
        if len(ours) != len(theirs):
            raise Unreadable("two arrays of one shape have different sizes")
        if ours != theirs:
            for start in range(0, len(ours), size):
                left, right = ours[start : start + size], theirs[start : start + size]
                if left != right:
                    yield offset + start, left, right
        offset += len(ours)


def _even(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut blocks of any size into those of `BLOCK` bytes."""
    rest = b""
    for block in blocks:
        joined = rest + block if rest else block
        if len(joined) == BLOCK:
            yield joined
            rest = b""
            continue
        whole = len(joined) - len(joined) % BLOCK
        for start in range(0, whole, BLOCK):
            yield joined[start : start + BLOCK]
        rest = joined[whole:]
    if rest:
        yield rest
