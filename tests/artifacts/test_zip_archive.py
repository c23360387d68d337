"""Zip archives: what of them is content, what is not, and what is refused."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts import members
from reprocheck.artifacts.compare import compare_output
from reprocheck.artifacts.formats import describe
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.run import Output, Tolerance

LOSS = b'{"loss": 0.5, "note": "x"}'
NPY_HEAD = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"


def npy(*values: float) -> bytes:
    lead = b"\x93NUMPY\x01\0" + struct.pack("<H", len(NPY_HEAD)) + NPY_HEAD
    return lead + struct.pack(f"<{len(values)}f", *values)


def zipped(
    *files: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED, mode: int = 0o644, year: int = 2020
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as target:
        for name, raw in files:
            entry = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            entry.compress_type = how
            target.writestr(entry, raw)
    return stream.getvalue()


def described(raw: bytes, *, name: str = "/out/results.zip", limits: Limits = DEFAULT) -> Output:
    return describe(name, len(raw), io.BytesIO(raw), limits=limits)


def test_order_times_and_compression_are_not_content() -> None:
    files = (("a.bin", b"one"), ("b/c.json", LOSS))
    one = described(zipped(*files))
    two = described(zipped(*files[::-1], how=zipfile.ZIP_STORED, year=2021))
    assert one.sha256 != two.sha256
    assert one.content is not None
    assert one.content == two.content
    assert compare_output(one, two, tolerance=None, limits=DEFAULT).level == "L2"


@pytest.mark.parametrize(
    "other",
    [
        zipped(("a.bin", b"two")),
        zipped(("b.bin", b"one")),
        zipped(("a.bin", b"one"), ("b.bin", b"")),
        zipped(("a.bin", b"one"), mode=0o755),
        zipped(("a.bin", b"one"), ("empty/", b"")),
    ],
    ids=range(5),
)
def test_bytes_names_and_the_executable_bit_are_content(other: bytes) -> None:
    one, two = described(zipped(("a.bin", b"one"))), described(other)
    assert two.content is not None
    assert one.structure != two.structure


def test_a_directory_that_holds_something_does_not_count() -> None:
    assert described(zipped(("d/", b""), ("d/a", b"1"))).content == described(zipped(("d/a", b"1"))).content


def test_members_of_known_formats_are_compared_by_what_they_hold() -> None:
    """Key order of a JSON document; a tolerance reaches its numbers and the elements of an array."""
    one = zipped(("m.json", LOSS), ("w.npy", npy(1.0, 2.0)))
    same = zipped(("m.json", b'{"note":"x","loss":5e-1}'), ("w.npy", npy(1.0, 2.0)))
    near = zipped(("m.json", LOSS.replace(b"0.5", b"0.501")), ("w.npy", npy(1.0, 2.001)))
    first = described(one)
    assert first.content == described(same).content
    assert [(number.key, number.value) for number in first.numbers] == [("m.json:/loss", "0.5")]
    assert [tensor.name for tensor in first.tensors] == ["w.npy:"]
    result = compare_output(
        first,
        described(near),
        tolerance=Tolerance(atol="0.01"),
        recorded_stream=io.BytesIO(one),
        observed_stream=io.BytesIO(near),
        limits=DEFAULT,
    )
    assert (result.verdict, result.level) == ("within-tolerance", "L3")


def test_an_archive_in_an_archive_is_bytes() -> None:
    inner, twin = zipped(("a", b"1")), zipped(("a", b"1"), year=2022)
    assert described(zipped(("in.zip", inner))).content != described(zipped(("in.zip", twin))).content


def test_a_member_that_is_not_what_its_name_says_is_bytes() -> None:
    one, two = described(zipped(("m.json", b"{"))), described(zipped(("m.json", b"[")))
    assert one.content is not None
    assert one.content != two.content
    assert described(zipped(("m.jsonl", b'{"a":1}\n{'))).numbers == ()


def test_many_bytes_of_known_formats_are_compared_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is on all members together, so that their order does not matter."""
    monkeypatch.setattr(members, "KEPT_BYTES", 40)
    files = (("a.json", LOSS), ("b.json", LOSS))
    assert described(zipped(files[0])).numbers != ()
    one, two = described(zipped(*files)), described(zipped(*files[::-1]))
    assert one.numbers == ()
    assert one.content == two.content


def test_a_checkpoint_stays_a_checkpoint_and_arrays_may_have_company() -> None:
    assert described(zipped(("m/data.pkl", b"\x80\x02}.")), name="m.zip").format == "torch"
    mixed = described(zipped(("w.npy", npy(1.0, 2.0)), ("read.me", b"text")))
    assert (mixed.format, len(mixed.tensors)) == ("zip", 1)


def encrypted() -> bytes:
    raw = bytearray(zipped(("a", b"1"), how=zipfile.ZIP_STORED))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04", "not a whole zip"),
        (zipped(("a", b"1" * 500))[:-30], "not a whole zip"),
        (zipped(("/etc/a", b"1")), "absolute"),
        (zipped(("C:/a", b"1")), "absolute"),
        (zipped(("\\a", b"1")), "absolute"),
        (zipped(("a/../../b", b"1")), "climbs"),
        (zipped(("a\\..\\b", b"1")), "climbs"),
        (zipped(("./a", b"1"), ("a", b"1")), "twice"),
        (zipped(("a", b"1"), ("a/b", b"1")), "a file and a directory"),
        (zipped(("a", b"target"), mode=0o120777), "link"),
        (zipped(("a", b""), mode=0o010644), "link or a special"),
        (zipped(("a", b"1" * 100), how=zipfile.ZIP_BZIP2), "method"),
        (zipped(("a", bytes(70_000_000))), "times its own size"),
        (encrypted(), "encrypted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "raw",
)
def test_doubtful_archives_are_refused(raw: bytes, why: str) -> None:
    output = described(raw)
    assert output.content is None
    assert why in output.note


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_comes_twice_is_refused() -> None:
    assert "twice" in described(zipped(("a", b"1"), ("a", b"2"))).note


def test_damaged_bytes_of_a_member_are_refused() -> None:
    raw = zipped(("a.bin", b"payload"), how=zipfile.ZIP_STORED).replace(b"payload", b"Payload")
    assert "cannot be read" in described(raw).note


SEED = zipped(("a.json", json.dumps({"a": [1, 2.5]}).encode()), ("w.npy", npy(1.0, 2.0)), ("d/", b""))


@given(changes=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), max_size=5))
@settings(deadline=None, max_examples=50)
def test_any_change_of_an_archive(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(SEED)
    for place, value in changes:
        raw[place % len(raw)] = value
    output = described(bytes(raw))
    assert (output.content is None) == bool(output.note)
