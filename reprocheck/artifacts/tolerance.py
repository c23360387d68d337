"""Agreement within a tolerance: |observed - recorded| <= atol + rtol * |recorded|.

NaN agrees with NaN whatever its bits, zeros agree whatever their sign, and an infinity agrees with itself
alone.
"""

from __future__ import annotations

import decimal
import math
from array import array
from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest

from reprocheck.artifacts.dtypes import numbers
from reprocheck.artifacts.reading import Array, Unreadable
from reprocheck.errors import InputFault
from reprocheck.model.base import Frozen
from reprocheck.model.run import Tolerance

PIECE = 64 * 1024
"""Bytes compared at once; a multiple of every element size that is decoded."""

_PRECISION = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])
_LONGEST_NUMBER = 400
_LEAST, _MOST = -400, 308
"""Decimal exponents of a tolerance that means something: those of a 64-bit float, and a little below."""
_UNITS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Bounds(Frozen, frozen=True, kw_only=True):
    """A checked tolerance, exact."""

    rtol: Decimal
    atol: Decimal


class Gap(Frozen, frozen=True, kw_only=True):
    """How far two arrays are apart. `first` is the flat index of the first element that differs, C order."""

    total: int
    differing: int
    beyond: int
    """Elements over the tolerance; exact types count every difference."""
    first: int
    recorded: str
    observed: str
    largest: float
    """Largest absolute difference; NaN where one side alone is NaN is not counted here but in `beyond`."""


def bounds_of(tolerance: Tolerance) -> Bounds:
    """Check a tolerance.

    Raises InputFault (E_TOLERANCE) unless both parts are 0 or positive numbers of the size of a float.
    """
    parts = []
    for label, text in (("rtol", tolerance.rtol), ("atol", tolerance.atol)):
        value = decimal_of(text)
        sized = value is not None and value.is_finite() and (not value or _LEAST <= value.adjusted() <= _MOST)
        if value is None or not sized or value < 0:
            raise InputFault(
                "E_TOLERANCE",
                f"the tolerance {label} is {text[:40]!r}, which is not an ordinary number from 0 up",
                hint="Give a decimal number such as 1e-6.",
            )
        parts.append(value)
    return Bounds(rtol=parts[0], atol=parts[1])


def decimal_of(text: str) -> Decimal | None:
    """Parse decimal text, `nan` and `inf` included; None when it is no number."""
    if len(text) > _LONGEST_NUMBER or not text.isascii() or "_" in text:
        return None
    value = _PRECISION.create_decimal(text)
    if value.is_nan() and text.strip().lower().lstrip("+-") != "nan":
        return None
    return value


def numbers_agree(recorded: str, observed: str, bounds: Bounds) -> bool:
    """Whether two numbers, given as text, agree."""
    a, b = decimal_of(recorded), decimal_of(observed)
    if a is None or b is None:
        return recorded == observed
    if a.is_nan() or b.is_nan():
        return a.is_nan() and b.is_nan()
    if a.is_infinite() or b.is_infinite() or a == b:
        return a == b
    context = _PRECISION
    allowed = context.add(bounds.atol, context.multiply(bounds.rtol, context.abs(a)))
    return context.abs(context.subtract(b, a)) <= allowed


def measure(recorded: Array, observed: Array, bounds: Bounds) -> Gap:
    """Compare two arrays of one type and shape, element by element, in bounded memory. Raises Unreadable."""
    rtol, atol = float(bounds.rtol), float(bounds.atol)
    exact = recorded.dtype.kind == "exact"
    differing = beyond = 0
    first, shown, last, largest = -1, ("", ""), -1, 0.0
    for index, a, b in _differences(recorded, observed):
        if first < 0:
            first, shown = index, (repr(a), repr(b))
        differing += index != last
        gap = abs(a - b)
        largest = gap if gap > largest else largest
        same = not exact and (a == b or (math.isnan(a) and math.isnan(b)))
        close = not exact and gap < math.inf and gap <= atol + rtol * abs(a)
        beyond += not (same or close)
        last = index
    return Gap(
        total=recorded.elements,
        differing=differing,
        beyond=beyond,
        first=first,
        recorded=shown[0],
        observed=shown[1],
        largest=largest,
    )


def _differences(recorded: Array, observed: Array) -> Iterator[tuple[int, float, float]]:
    """Yield index and both values wherever bits differ; a complex element may come twice, once per part.

    Elements of exact types come as the first byte that differs, and all further ones.
    """
    dtype = recorded.dtype
    exact = dtype.kind == "exact"
    part = 1 if exact else dtype.bytes // 2 if dtype.kind == "complex" else dtype.bytes
    offset = 0
    pairs = zip_longest(_pieces(recorded.blocks()), _pieces(observed.blocks()), fillvalue=b"")
    for ours, theirs in pairs:
        if len(ours) != len(theirs):
            raise Unreadable("two arrays of one shape have different sizes")
        if ours != theirs:
            left, right = array(_UNITS[part], ours), array(_UNITS[part], theirs)
            unequal = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]
            values = (ours, theirs) if exact else (numbers(dtype, ours), numbers(dtype, theirs))
            for i in unequal:
                at = (offset + i * part) // max(1, dtype.bytes)
                yield at, values[0][i], values[1][i]
        offset += len(ours)


def _pieces(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut blocks of any size into pieces of `PIECE` bytes."""
    rest = b""
    for block in blocks:
        joined = rest + block if rest else block
        whole = len(joined) - len(joined) % PIECE
        for start in range(0, whole, PIECE):
            yield joined[start : start + PIECE]
        rest = joined[whole:]
    if rest:
        yield rest
