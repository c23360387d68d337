"""How far two arrays are apart: known cases, and the measure with NumPy against the plain one."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reprocheck.artifacts
from reprocheck.artifacts import gaps, vectors
from reprocheck.artifacts.dtypes import DTYPES, DType
from reprocheck.artifacts.gaps import Measure, Place, measure_for, part_size
from reprocheck.artifacts.reading import Array, Unreadable
from reprocheck.artifacts.tolerance import EXACT, Bounds, bounds_of
from reprocheck.model.run import Tolerance

MEASURES = pytest.mark.parametrize("measure", [gaps.measure, vectors.measure], ids=["plain", "numpy"])
NAMES = sorted(name for name, dtype in DTYPES.items() if dtype.bytes)
DTYPE = st.sampled_from([*(DTYPES[name] for name in NAMES), DType(name="str24", bits=24, kind="exact")])
BOUNDS = st.builds(
    lambda rtol, atol, ulp: bounds_of(Tolerance(rtol=rtol, atol=atol, max_ulp=ulp)),
    st.sampled_from(["0", "1e-7", "1e-3", "0.5", "1e300"]),
    st.sampled_from(["0", "1e-45", "1e-6", "1", "1e300"]),
    st.sampled_from([0, 1, 4, 2**30, 2**53 - 1]),
)


def of(dtype: DType, raw: bytes, block: int = 0) -> Array:
    """Give an array whose bytes come in blocks of the given size."""

    def blocks() -> Iterator[bytes]:
        step = block or max(1, len(raw))
        yield from (raw[start : start + step] for start in range(0, len(raw), step))

    return Array(name="w", dtype=dtype, shape=(len(raw) // dtype.bytes,), blocks=blocks)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[DType, bytes, bytes]:
    """Equal bits mostly, near ones, and any: zeros, infinities, NaN and subnormals come by themselves."""
    dtype = draw(DTYPE)
    part = part_size(dtype) if dtype.kind != "exact" else dtype.bytes
    top = (1 << 8 * part) - 1
    width = max(1, dtype.bytes // part)
    special = [0, 1, top, top >> 1, (top >> 1) + 1, (top >> 1) + 2, *_infinities(part)]
    code = st.sampled_from([code & top for code in special]) | st.integers(0, top)
    codes = draw(st.lists(code, min_size=1, max_size=12))
    steps = st.integers(-4, 4)
    others = [draw(st.one_of(st.just(c), st.just((c + draw(steps)) & top), code)) for c in codes]
    left, right = (
        b"".join(c.to_bytes(part, "little") * (width if draw(st.booleans()) else 1) for c in side)
        for side in (codes, others)
    )
    whole = min(len(left), len(right)) // dtype.bytes * dtype.bytes
    return dtype, left[:whole], right[:whole]


def _infinities(part: int) -> list[int]:
    return {1: [0x7C, 0xFC], 2: [0x7C00, 0x7F80, 0xFC00, 0xFF80], 4: [0x7F800000, 0xFF800000]}.get(
        part, [0x7FF << 52, 0xFFF << 52]
    )


@given(pair=pairs(), bounds=BOUNDS, pieces=st.sampled_from([16, 64, 1 << 16]), times=st.sampled_from([1, 7]))
@example(
    pair=(DTYPES["float64"], struct.pack("<2d", 1e308, 5e-324), struct.pack("<2d", -1e308, 1.0)),
    bounds=EXACT,
    pieces=16,
    times=1,
)
@settings(deadline=None, max_examples=400)
def test_numpy_and_the_standard_library_measure_the_same(
    pair: tuple[DType, bytes, bytes], bounds: Bounds, pieces: int, times: int
) -> None:
    """To the last bit and for every element type, wherever the pieces end."""
    dtype, ours, theirs = pair
    kept = gaps.PIECE, vectors.PIECE
    gaps.PIECE, vectors.PIECE = 32, pieces
    try:
        plain = gaps.measure(of(dtype, ours * times), of(dtype, theirs * times, 5), bounds)
        fast = vectors.measure(of(dtype, ours * times, 7), of(dtype, theirs * times), bounds)
    finally:
        gaps.PIECE, vectors.PIECE = kept
    assert repr(fast) == repr(plain)


@given(pair=pairs(), bounds=BOUNDS)
@settings(deadline=None, max_examples=50)
def test_a_gap_counts_what_it_says(pair: tuple[DType, bytes, bytes], bounds: Bounds) -> None:
    """Against the definition, written down a second time."""
    dtype, ours, theirs = pair
    size = dtype.bytes
    places = [i for i in range(len(ours) // size) if ours[i * size :][:size] != theirs[i * size :][:size]]
    gap = gaps.measure(of(dtype, ours), of(dtype, theirs), bounds)
    assert gap.differing == len(places)
    assert (gap.first.index if gap.first else None) == (places[0] if places else None)
    assert gap.beyond <= gap.differing
    assert (gap.over is None) == (gap.beyond == 0)
    if dtype.kind in ("exact", "integer"):
        assert gap.beyond == gap.differing


def floats(dtype: str, code: str, ours: list[float], theirs: list[float]) -> tuple[Array, Array]:
    left, right = (of(DTYPES[dtype], struct.pack(f"<{len(side)}{code}", *side)) for side in (ours, theirs))
    return left, right


@MEASURES
@pytest.mark.parametrize(
    ("dtype", "code", "ours", "theirs", "ulp"),
    [
        ("float64", "d", 1.0, math.nextafter(1.0, 2.0), 1),
        ("float64", "d", 1.0, math.nextafter(1.0, 0.0), 1),
        ("float64", "d", 0.0, -0.0, 0),
        ("float64", "d", -0.0, 5e-324, 1),
        ("float64", "d", -5e-324, 5e-324, 2),
        ("float64", "d", 2.0**-1022, math.nextafter(2.0**-1022, 0.0), 1),
        ("float64", "d", -1.7976931348623157e308, 1.7976931348623157e308, 2 * (0x7FF << 52) - 2),
        ("float32", "f", 1.0, 1.0 + 2.0**-22, 2),
        ("float16", "e", 1.0, 1.0 + 2.0**-10, 1),
        ("float32", "f", 3.4028234663852886e38, math.inf, 0),
        ("float32", "f", 1.0, math.nan, 0),
    ],
)
def test_units_in_the_last_place_are_steps_of_the_type(
    measure: Measure, dtype: str, code: str, ours: float, theirs: float, ulp: int
) -> None:
    assert measure(*floats(dtype, code, [ours], [theirs]), EXACT).ulp == ulp


@MEASURES
@pytest.mark.parametrize(
    ("ours", "theirs", "max_ulp", "beyond"),
    [
        (1.0, 1.0 + 2.0**-21, 4, 0),
        (1.0, 1.0 + 2.0**-21, 3, 1),
        (2.0**-149, -(2.0**-149), 2, 0),
        (3.4028234663852886e38, math.inf, 2**53 - 1, 1),
        (math.inf, -math.inf, 2**53 - 1, 1),
        (1.0, math.nan, 2**53 - 1, 1),
        (math.nan, 1.0, 2**53 - 1, 1),
        (0.0, -0.0, 0, 0),
    ],
)
def test_agreement_within_units_in_the_last_place(
    measure: Measure, ours: float, theirs: float, max_ulp: int, beyond: int
) -> None:
    bounds = bounds_of(Tolerance(max_ulp=max_ulp))
    assert measure(*floats("float32", "f", [ours], [theirs]), bounds).beyond == beyond


@MEASURES
def test_the_small_types_have_steps_of_their_own(measure: Measure) -> None:
    for name, ours, theirs in (
        ("bfloat16", b"\x80\x3f", b"\x82\x3f"),
        ("float8_e4m3fn", b"\x38", b"\x3a"),
        ("float8_e8m0fnu", b"\x7f", b"\x81"),
        ("float8_e5m2", b"\x81", b"\x01"),
    ):
        gap = measure(of(DTYPES[name], ours), of(DTYPES[name], theirs), bounds_of(Tolerance(max_ulp=2)))
        assert (gap.ulp, gap.beyond) == (2, 0), name


@MEASURES
def test_both_places_and_all_sizes_are_told(measure: Measure) -> None:
    arrays = floats("float32", "f", [0.0, 2.0, 4.0, 0.0], [0.0, 2.5, 2.0, 8.0])
    gap = measure(*arrays, bounds_of(Tolerance(rtol="0.25")))
    assert gap.first == Place(index=1, recorded="2.0", observed="2.5")
    assert gap.over == Place(index=2, recorded="4.0", observed="2.0")
    assert (gap.total, gap.differing, gap.beyond) == (4, 3, 2)
    assert (gap.largest, gap.relative) == (8.0, 0.5)


@MEASURES
def test_a_complex_element_counts_once(measure: Measure) -> None:
    arrays = floats("complex64", "f", [1.0, 2.0], [3.0, 7.0])
    one = [Array(name=a.name, dtype=a.dtype, shape=(1,), blocks=a.blocks) for a in arrays]
    gap = measure(one[0], one[1], EXACT)
    assert (gap.differing, gap.beyond, gap.largest) == (1, 1, 5.0)


@MEASURES
def test_integers_agree_only_when_equal_and_their_distance_is_exact(measure: Measure) -> None:
    left, right = (of(DTYPES["int64"], struct.pack("<q", value)) for value in (-(2**63), 2**63 - 1))
    gap = measure(left, right, bounds_of(Tolerance(rtol="1", atol="1e300", max_ulp=9)))
    assert (gap.beyond, gap.largest, gap.ulp) == (1, 2**64 - 1, 0)


@MEASURES
def test_a_side_that_ends_early_is_unreadable(measure: Measure) -> None:
    dtype = DTYPES["float32"]
    with pytest.raises(Unreadable):
        measure(of(dtype, bytes(8)), of(dtype, bytes(4)), EXACT)


def test_numpy_is_taken_for_large_arrays_only() -> None:
    assert measure_for(1000) is gaps.measure
    assert measure_for(gaps.WORTHWHILE) is vectors.measure


def test_without_numpy_large_arrays_are_still_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(reprocheck.artifacts, "vectors")
    monkeypatch.setitem(sys.modules, "reprocheck.artifacts.vectors", None)
    assert measure_for(2**40) is gaps.measure


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_every_16_bit_pattern_measures_the_same(name: str) -> None:
    """Each against its mirror image: decoding, order, NaN and infinities."""
    raw = struct.pack("<65536H", *range(65536))
    mirrored = struct.pack("<65536H", *range(65535, -1, -1))
    arrays = of(DTYPES[name], raw), of(DTYPES[name], mirrored)
    bounds = bounds_of(Tolerance(rtol="1e-2", max_ulp=300))
    assert repr(vectors.measure(*arrays, bounds)) == repr(gaps.measure(*arrays, bounds))
