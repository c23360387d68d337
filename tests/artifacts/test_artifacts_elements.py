"""Strided reading against the obvious slow way, and decoding against known values."""

from __future__ import annotations

import io
import itertools
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts import elements
from reprocheck.artifacts.dtypes import DTYPES, numbers
from reprocheck.artifacts.elements import Source, gather, swapped
from reprocheck.artifacts.reading import Unreadable

AXES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=4)


def slowly(raw: bytes, itemsize: int, axes: list[tuple[int, int]]) -> bytes:
    places = itertools.product(*(range(extent) for extent, _ in axes))
    starts = (sum(i * stride for i, (_, stride) in zip(place, axes, strict=True)) for place in places)
    return b"".join(raw[start * itemsize : (start + 1) * itemsize] for start in starts)


@pytest.mark.parametrize("box", [elements.BOX, 48, 16])
@given(axes=AXES, itemsize=st.sampled_from([1, 2, 3, 4, 8, 16, 20]), offset=st.integers(0, 3))
@settings(deadline=None, max_examples=50)
def test_gathering_gives_the_elements_in_c_order(
    box: int, axes: list[tuple[int, int]], itemsize: int, offset: int
) -> None:
    """Also where the array does not fit into one box and must be read in runs."""
    reach = sum((extent - 1) * stride for extent, stride in axes if extent) + 1
    raw = bytes(i % 251 for i in range(offset + reach * itemsize))
    kept = elements.BOX
    elements.BOX = box
    try:
        pieces = gather(
            Source(io.BytesIO(raw), len(raw)),
            offset=offset,
            itemsize=itemsize,
            shape=tuple(extent for extent, _ in axes),
            strides=tuple(stride for _, stride in axes),
        )
        assert b"".join(pieces) == slowly(raw[offset:], itemsize, axes)
    finally:
        elements.BOX = kept


def test_a_large_transposed_matrix_is_gathered_in_bounded_memory(tmp_path: Path) -> None:
    rows, columns = 3000, 5000
    path = tmp_path / "m"
    path.write_bytes(b"".join(struct.pack(f"<{columns}I", *range(r, r + columns)) for r in range(rows)))
    with path.open("rb") as stream:
        pieces = gather(
            Source(stream, rows * columns * 4),
            offset=0,
            itemsize=4,
            shape=(columns, rows),
            strides=(1, columns),
        )
        column = 0
        for piece in pieces:
            assert len(piece) <= elements.BOX
            for start in range(0, len(piece), rows * 4):
                assert piece[start : start + rows * 4] == struct.pack(
                    f"<{rows}I", *range(column, column + rows)
                )
                column += 1
    assert column == columns


def test_absurd_strides_run_out_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "READS", 100)
    raw = bytes(4096)
    with pytest.raises(Unreadable, match="100 steps"):
        list(
            gather(
                Source(io.BytesIO(raw), len(raw)),
                offset=0,
                itemsize=1,
                shape=(2,) * 10,
                strides=tuple(3**i % 400 for i in range(10)),
            )
        )


@given(raw=st.binary(max_size=64))
def test_swapping_twice_changes_nothing(raw: bytes) -> None:
    raw = raw[: len(raw) // 8 * 8]
    for unit in (2, 4, 8):
        assert b"".join(swapped(swapped(iter([raw]), unit), unit)) == raw


@pytest.mark.parametrize(
    ("name", "raw", "values"),
    [
        ("uint8", b"\xff", [255]),
        ("int16", b"\xff\xff", [-1]),
        ("uint64", b"\xff" * 8, [2**64 - 1]),
        ("float16", b"\x00\x3c", [1.0]),
        ("bfloat16", b"\x80\x3f\x49\x40", [1.0, 3.140625]),
        ("float32", b"\x00\x00\x80\x7f", [math.inf]),
        ("float64", struct.pack("<d", 0.1), [0.1]),
        ("complex64", struct.pack("<2f", 1, -2), [1.0, -2.0]),
        ("complex32", struct.pack("<2e", 1, -2), [1.0, -2.0]),
        ("float8_e4m3fn", b"\x38\x7e\x01\xb8", [1.0, 448.0, 2.0**-9, -1.0]),
        ("float8_e5m2", b"\x3c\x7b\x7c\x01", [1.0, 57344.0, math.inf, 2.0**-16]),
        ("float8_e4m3fnuz", b"\x40\x7f", [1.0, 240.0]),
        ("float8_e5m2fnuz", b"\x40\x7f", [1.0, 57344.0]),
        ("float8_e8m0fnu", b"\x7f\x80\x00", [1.0, 2.0, 2.0**-127]),
    ],
)
def test_elements_decode_to_their_values(name: str, raw: bytes, values: list[float]) -> None:
    assert list(numbers(DTYPES[name], raw)) == values


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("float8_e4m3fn", 0x7F),
        ("float8_e4m3fn", 0xFF),
        ("float8_e5m2", 0x7D),
        ("float8_e4m3fnuz", 0x80),
        ("float8_e5m2fnuz", 0x80),
        ("float8_e8m0fnu", 0xFF),
    ],
)
def test_eight_bit_floats_know_their_nan(name: str, code: int) -> None:
    assert math.isnan(numbers(DTYPES[name], bytes([code]))[0])
