"""The measure of `gaps` with NumPy, for large arrays. Importing this module imports NumPy.

Every value is computed as there, in 64-bit floats and in integers, so that both give the same result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprocheck.artifacts.dtypes import DType, numbers
from reprocheck.artifacts.gaps import Gap, Place, part_size, unequal_pieces
from reprocheck.artifacts.reading import Array
from reprocheck.artifacts.tolerance import Bounds

PIECE = 32 * 1024
"""Elements or parts compared at once: what is computed from them fits into a core's cache."""

Codes = NDArray[Any]
"""Elements or their parts as unsigned integers: the bits."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(slots=True)
class _Tally:
    differing: int = 0
    beyond: int = 0
    first: Place | None = None
    over: Place | None = None
    largest: float = 0.0
    relative: float = 0.0
    ulp: int = 0
    last: int = -1

    def stretch(self, gaps: NDArray[Any], sizes: Floats) -> None:
        """Count absolute and relative differences; `sizes` are those of the recorded values."""
        self.largest = max(self.largest, _highest(gaps))
        shares = gaps / sizes
        top = shares.max(initial=0.0)
        if not top < math.inf:
            usable = (sizes > 0) & (sizes < math.inf)
            top = _highest(shares[usable])
        self.relative = max(self.relative, float(top))


def measure(recorded: Array, observed: Array, bounds: Bounds) -> Gap:
    """Compare two arrays of one type and shape. Raises Unreadable."""
    dtype = recorded.dtype
    compare = {"exact": _exact, "integer": _integers}.get(dtype.kind) or _Inexact(dtype, bounds).compare
    tally = _Tally()
    unit = np.dtype(f"<u{part_size(dtype)}")
    with np.errstate(all="ignore"):
        for offset, ours, theirs in unequal_pieces(recorded, observed, PIECE * unit.itemsize):
            compare(tally, dtype, offset, np.frombuffer(ours, unit), np.frombuffer(theirs, unit))
    return Gap(
        total=recorded.elements,
        differing=tally.differing,
        beyond=tally.beyond,
        first=tally.first,
        over=tally.over,
        largest=tally.largest,
        relative=tally.relative,
        ulp=tally.ulp,
    )


def _exact(tally: _Tally, dtype: DType, offset: int, left: Codes, right: Codes) -> None:
    at = np.flatnonzero(left != right)
    where = (offset + at) // max(1, dtype.bytes)
    count = np.unique(where).size - (int(where[0]) == tally.last)
    tally.last = int(where[-1])
    tally.differing += count
    tally.beyond += count
    if tally.first is None:
        place = _place(int(where[0]), int(left[at[0]]), int(right[at[0]]))
        tally.first = tally.over = place


def _integers(tally: _Tally, dtype: DType, offset: int, left: Codes, right: Codes) -> None:
    signed = "u" if dtype.name.startswith("u") else "i"
    at = np.flatnonzero(left != right)
    a, b = (codes[at].view(f"<{signed}{dtype.bytes}") for codes in (left, right))
    tally.differing += at.size
    tally.beyond += at.size
    if tally.first is None:
        place = _place(offset // dtype.bytes + int(at[0]), int(a[0]), int(b[0]))
        tally.first = tally.over = place
    tally.stretch(_distance(a, b), np.abs(a.astype(np.float64)))


class _Inexact:
    """Floats and complex numbers, the latter part by part."""

    def __init__(self, dtype: DType, bounds: Bounds) -> None:
        self._rtol, self._atol, self._max_ulp = float(bounds.rtol), float(bounds.atol), bounds.max_ulp
        self._parts = 2 if dtype.kind == "complex" else 1
        self._signed = dtype.name != "float8_e8m0fnu"
        self._decode = _decoder(dtype)

    def compare(self, tally: _Tally, dtype: DType, offset: int, left: Codes, right: Codes) -> None:
        """Take one piece, whole where most of it differs and all numbers are finite: that is faster."""
        unequal = left != right
        start = offset // dtype.bytes
        at: Indices | None = None
        if 2 * np.count_nonzero(unequal) < left.size:
            at = np.flatnonzero(unequal)
            left, right = left[at], right[at]
        a, b = self._decode(left), self._decode(right)
        gaps = np.abs(b - a)
        if at is None and not gaps.max() < math.inf:
            at = np.flatnonzero(unequal)
            left, right, a, b, gaps = left[at], right[at], a[at], b[at], gaps[at]
        sizes = np.abs(a)
        beyond = self._beyond(tally, left, right, (a, b), gaps, sizes)
        tally.stretch(gaps, sizes)
        tally.differing += self._elements(unequal)
        if tally.first is None:
            self._show(tally, "first", start, at, a, b, 0 if at is not None else int(unequal.argmax()))
        if beyond.any():
            tally.beyond += self._elements(beyond, at)
            if tally.over is None:
                self._show(tally, "over", start, at, a, b, int(beyond.argmax()))

    def _beyond(
        self,
        tally: _Tally,
        left: Codes,
        right: Codes,
        values: tuple[Floats, Floats],
        gaps: Floats,
        sizes: Floats,
    ) -> Flags:
        """Flag what is over the tolerance, and count ULP."""
        allowed = sizes * self._rtol
        allowed += self._atol
        beyond = ~(gaps <= allowed)
        finite = None
        steps = _steps(left, right, signed=self._signed)
        if not gaps.max() < math.inf:
            a, b = values
            beyond |= ~(gaps < math.inf)
            beyond &= ~((a == b) | (np.isnan(a) & np.isnan(b)))
            finite = np.isfinite(a) & np.isfinite(b)
            steps[~finite] = 0
        tally.ulp = max(tally.ulp, int(steps.max()))
        if self._max_ulp:
            near = steps <= self._max_ulp
            beyond &= ~near if finite is None else ~(near & finite)
        return beyond

    def _elements(self, flags: Flags, at: Indices | None = None) -> int:
        """Count flagged elements; of a complex number one part is enough."""
        if self._parts == 1:
            return int(np.count_nonzero(flags))
        if at is not None:
            return int(np.unique(at[flags] // 2).size)
        return int(np.count_nonzero(flags[0::2] | flags[1::2]))

    def _show(
        self, tally: _Tally, field: str, start: int, at: Indices | None, a: Floats, b: Floats, i: int
    ) -> None:
        index = start + (i if at is None else int(at[i])) // self._parts
        setattr(tally, field, _place(index, float(a[i]), float(b[i])))


def _place(index: int, a: float, b: float) -> Place:
    return Place(index=index, recorded=repr(a), observed=repr(b))


def _highest(values: NDArray[Any]) -> float:
    """Give the largest number as Python's own, NaN left out; 0 for none."""
    if not values.size:
        return 0.0
    top = values.max()
    if np.isnan(top):
        top = np.fmax.reduce(values, initial=0.0)
    highest: float = top.item()
    return highest


def _distance(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Distances of integers, exact: as unsigned ones of the same width."""
    gaps: NDArray[Any] = (np.maximum(a, b) - np.minimum(a, b)).view(f"<u{a.dtype.itemsize}")
    return gaps


def _steps(left: Codes, right: Codes, *, signed: bool) -> Codes:
    """Units in the last place between two floats, by their bits (see `tolerance.ordinal`)."""
    if not signed:
        return _distance(left, right)
    return _distance(_ordinals(left), _ordinals(right))


def _ordinals(codes: Codes) -> NDArray[Any]:
    """Sign and magnitude to two's complement: both zeros are 0, neighbours are one apart."""
    bits = 8 * codes.dtype.itemsize
    values = codes.view(f"<i{codes.dtype.itemsize}")
    signs = values >> (bits - 1)
    ordinals = values & ((1 << (bits - 1)) - 1)
    ordinals ^= signs
    ordinals -= signs
    return ordinals


def _decoder(dtype: DType) -> Callable[[Codes], Floats]:
    """Choose how bits become 64-bit floats, as `dtypes.numbers` makes them."""
    width = part_size(dtype)
    if dtype.name == "bfloat16":
        # bfloat16 is the upper half of a float32
        return lambda codes: np.left_shift(codes, 16, dtype="<u4").view("<f4").astype(np.float64)
    if width == 1:
        table = np.array(numbers(dtype, bytes(range(256))))
        return lambda codes: table[codes]
    return lambda codes: codes.view(f"<f{width}").astype(np.float64)
