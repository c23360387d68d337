"""What agrees: |observed - recorded| <= atol + rtol * |recorded|, or at most so many units in the last place.

Floats and complex numbers (part by part) may differ by a tolerance, in steps of their own type: two floats
are as many ULP apart as there are steps of that type between them, subnormals and both sides of zero
included. NaN agrees with NaN whatever its bits, zeros agree whatever their sign, and an infinity agrees with
itself alone, also within any number of ULP. Integers, booleans and texts agree when they are equal.

Numbers in documents (JSON, CSV) have no type: the inequality is computed in decimals, without rounding
errors that matter, and their ULP are those of the nearest 64-bit floats.
"""

from __future__ import annotations

import decimal
import math
import struct
from decimal import Decimal
from fnmatch import fnmatchcase

from reprocheck.artifacts.reading import covers
from reprocheck.errors import InputFault
from reprocheck.globs import matches
from reprocheck.model.base import Frozen
from reprocheck.model.run import Tolerance, ToleranceRule

RULES = 1_000
"""A tolerance with more rules than this is refused: each is tried on each key."""

_PRECISION = decimal.Context(prec=60, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])
_LONGEST_NUMBER = 400
_LEAST, _MOST = -400, 308
"""Decimal exponents of a tolerance that means something: those of a 64-bit float, and a little below."""


class Bounds(Frozen, frozen=True, kw_only=True):
    """A checked tolerance, exact."""

    rtol: Decimal
    atol: Decimal
    max_ulp: int = 0


EXACT = Bounds(rtol=Decimal(0), atol=Decimal(0))


class OutputBounds(Frozen, frozen=True, kw_only=True):
    """The tolerances of one output."""

    general: Bounds
    rules: tuple[tuple[str, Bounds], ...] = ()
    """Key globs of this output and what holds there; the first that matches decides."""

    def of(self, key: str) -> Bounds:
        """Give what holds for a tensor's name, a JSON Pointer or a `column[row]`."""
        for glob, bounds in self.rules:
            if not glob or covers(glob, key) or fnmatchcase(key, glob):
                return bounds
        return self.general


def bounds_of(tolerance: Tolerance) -> Bounds:
    """Check a tolerance with all its rules, and give what holds where no rule matches.

    Raises InputFault (E_TOLERANCE) unless all of them are 0 or positive numbers of the size of a float.
    """
    if len(tolerance.rules) > RULES:
        raise InputFault(
            "E_TOLERANCE",
            f"the tolerance has {len(tolerance.rules)} rules, more than {RULES}",
            hint="Write fewer rules with globs.",
        )
    for rule in tolerance.rules:
        _checked(rule, f" for {rule.output[:80]}")
    return _checked(tolerance, "")


def output_bounds(tolerance: Tolerance, output: str) -> OutputBounds:
    """Give what holds for one output. Raises as `bounds_of`."""
    general = bounds_of(tolerance)
    rules = (rule for rule in tolerance.rules if matches(output, rule.output))
    return OutputBounds(general=general, rules=tuple((rule.key, _checked(rule, "")) for rule in rules))


def _checked(part: Tolerance | ToleranceRule, where: str) -> Bounds:
    values = []
    for label, text in (("rtol", part.rtol), ("atol", part.atol)):
        value = decimal_of(text)
        sized = value is not None and value.is_finite() and (not value or _LEAST <= value.adjusted() <= _MOST)
        if value is None or not sized or value < 0:
            raise InputFault(
                "E_TOLERANCE",
                f"the tolerance {label}{where} is {text[:40]!r}, which is not an ordinary number from 0 up",
                hint="Give a decimal number such as 1e-6.",
            )
        values.append(value)
    return Bounds(rtol=values[0], atol=values[1], max_ulp=part.max_ulp)


def decimal_of(text: str) -> Decimal | None:
    """Parse decimal text, `nan` and `inf` included; None when it is no number."""
    if len(text) > _LONGEST_NUMBER or not text.isascii() or "_" in text:
        return None
    value = _PRECISION.create_decimal(text)
    if value.is_nan() and text.strip().lower().lstrip("+-") != "nan":
        return None
    return value


class NumberGap(Frozen, frozen=True, kw_only=True):
    """How far two numbers of a document are apart; None where that cannot be said."""

    agree: bool
    absolute: Decimal | None = None
    relative: Decimal | None = None
    ulp: int | None = None


def number_gap(recorded: str, observed: str, bounds: Bounds) -> NumberGap:
    """Compare two numbers, given as text."""
    a, b = decimal_of(recorded), decimal_of(observed)
    if a is None or b is None:
        return NumberGap(agree=recorded == observed)
    if a.is_nan() or b.is_nan():
        return NumberGap(agree=a.is_nan() and b.is_nan())
    if a.is_infinite() or b.is_infinite():
        return NumberGap(agree=a == b)
    context = _PRECISION
    size = context.abs(a)
    gap = context.abs(context.subtract(b, a))
    ulp = _ulp(float(a), float(b))
    near = a == b or gap <= context.add(bounds.atol, context.multiply(bounds.rtol, size))
    return NumberGap(
        agree=near or (ulp is not None and bounds.max_ulp > 0 and ulp <= bounds.max_ulp),
        absolute=gap,
        relative=context.divide(gap, size) if size else None,
        ulp=ulp,
    )


def numbers_agree(recorded: str, observed: str, bounds: Bounds) -> bool:
    """Whether two numbers, given as text, agree."""
    return number_gap(recorded, observed, bounds).agree


def _ulp(a: float, b: float) -> int | None:
    if not (math.isfinite(a) and math.isfinite(b)):
        return None
    left, right = struct.unpack("<2Q", struct.pack("<2d", a, b))
    return abs(ordinal(left, 64) - ordinal(right, 64))


def ordinal(code: int, bits: int) -> int:
    """Number the floats of a type with a sign bit in ascending order, both zeros being 0."""
    sign = 1 << (bits - 1)
    return -(code ^ sign) if code & sign else code
