"""The ladder: which level a pair reaches, and what is said where it stops."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocheck.artifacts.compare import compare_output
from reprocheck.artifacts.formats import describe
from reprocheck.artifacts.tolerance import RULES, bounds_of, numbers_agree, output_bounds
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from reprocheck.model.run import IgnoredKey, Output, Tolerance, ToleranceRule
from reprocheck.model.verdict import ComparedOutput

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/artifacts"
ARRAYS = ("pt", "safetensors", "npz")
WIDE = Tolerance(rtol="1e-3", atol="1e-3")


def compared(
    name: str,
    ours: bytes,
    theirs: bytes,
    tolerance: Tolerance | None = None,
    *,
    kept: bool = True,
    ignore: tuple[str, ...] = (),
) -> ComparedOutput:
    keys = tuple(IgnoredKey(file="*", key=key) for key in ignore)

    def of(raw: bytes) -> Output:
        return describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT, ignore_keys=keys)

    return compare_output(
        of(ours),
        of(theirs),
        tolerance=tolerance,
        recorded_stream=io.BytesIO(ours) if kept else None,
        observed_stream=io.BytesIO(theirs),
        limits=DEFAULT,
        ignore_keys=keys,
    )


def files(
    first: str, second: str, tolerance: Tolerance | None = None, *, kept: bool = True
) -> ComparedOutput:
    ours, theirs = (FIXTURES / first).read_bytes(), (FIXTURES / second).read_bytes()
    return compared(first, ours, theirs, tolerance, kept=kept)


@pytest.mark.parametrize(
    ("ending", "level"),
    [("pt", "L2"), ("safetensors", "L2"), ("npz", "L2"), ("json", "L1"), ("csv", "L1"), ("jsonl", "L1")],
)
def test_twins_are_identical_at_the_level_that_their_format_proves(ending: str, level: str) -> None:
    assert files(f"base.{ending}", f"base.{ending}").level == "L0"
    twin = files(f"base.{ending}", f"twin.{ending}")
    assert (twin.verdict, twin.level) == ("identical", level)


@pytest.mark.parametrize("ending", ARRAYS)
@pytest.mark.parametrize(
    ("near", "said"),
    [
        ("ulp", "1 of 20 elements"),
        ("element", "element 0 was"),
        ("nan", "element 1 was nan and is nan"),
        ("name", "1 tensors are missing, first 'weight'; 1 tensors are new, first 'weights'"),
    ],
)
def test_near_misses_differ_and_the_first_difference_is_named(ending: str, near: str, said: str) -> None:
    result = files(f"base.{ending}", f"{near}.{ending}")
    assert (result.verdict, result.level) == ("differs", "none")
    assert said in result.reason


@pytest.mark.parametrize("ending", ARRAYS)
@pytest.mark.parametrize(
    ("near", "verdict"),
    [("ulp", "within-tolerance"), ("element", "differs"), ("nan", "within-tolerance"), ("name", "differs")],
)
def test_a_tolerance_covers_numbers_and_nothing_else(ending: str, near: str, verdict: str) -> None:
    result = files(f"base.{ending}", f"{near}.{ending}", WIDE)
    assert result.verdict == verdict
    assert result.level == ("L3" if verdict == "within-tolerance" else "none")


def test_without_the_recorded_bytes_tensors_are_compared_bitwise_only() -> None:
    result = files("base.pt", "ulp.pt", WIDE, kept=False)
    assert result.verdict == "differs"
    assert "not kept" in result.reason
    assert "'weight'" in result.reason


def test_without_the_recorded_bytes_listed_numbers_still_have_a_tolerance() -> None:
    result = files("base.json", "ulp.json", Tolerance(rtol="1e-12"), kept=False)
    assert (result.verdict, result.level) == ("within-tolerance", "L3")
    assert files("base.csv", "ulp.csv", Tolerance(atol="1e-12"), kept=False).level == "L3"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b'{"a": 1}', b'{"b": 1}'),
        (b'{"a": 1, "s": "x"}', b'{"a": 1, "s": "y"}'),
        (b'{"a": 1}', b'{"a": "1"}'),
        (b'{"a": true}', b'{"a": 1}'),
        (b"[1, 2]", b"[1]"),
        (b"[1]", b"[1, 2]"),
        (b'{"a": 1}', b'{"a": 1.5}'),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_text_keys_and_types_are_compared_exactly(ours: bytes, theirs: bytes, kept: bool) -> None:
    for left, right in ((ours, theirs), (theirs, ours)):
        result = compared("m.json", left, right, WIDE, kept=kept)
        assert result.verdict == "differs"
        assert result.reason


def test_the_first_differing_number_is_named_with_both_values() -> None:
    result = compared("m.json", b'{"a": 1, "loss": 0.5}', b'{"a": 1, "loss": 0.75}')
    assert result.reason == "1 numbers differ, first '/loss': 0.5 recorded, 0.75 observed"


def test_more_numbers_than_are_listed_are_compared_from_the_files() -> None:
    ours = ("[" + ",".join(str(i) for i in range(10_500)) + ",0.5]").encode()
    theirs = ours.replace(b",0.5]", b",0.5000001]")
    assert compared("m.json", ours, theirs, WIDE).verdict == "within-tolerance"
    assert compared("m.json", ours, theirs, WIDE, kept=False).verdict == "differs"
    assert compared("m.json", ours, theirs, Tolerance(rtol="1e-9")).verdict == "differs"


def test_a_different_format_or_an_unreadable_file_is_never_a_pass() -> None:
    assert compared("m.json", b"[1]", b"[1", WIDE).reason.startswith(
        "the bytes differ, and the observed content"
    )
    assert compared("m.json", b"[1", b"[1 ", WIDE).verdict == "differs"
    assert "3 recorded, 4 observed" in compared("m.bin", b"abc", b"abcd", WIDE).reason
    assert "equal size" in compared("m.bin", b"abc", b"abd", WIDE).reason


def test_ignored_keys_stand_in_the_result() -> None:
    result = compared("m.json", b'{"t": 1, "a": 2}', b'{"t": 9, "a": 2}', ignore=("t",))
    assert (result.verdict, result.level, result.ignored_keys) == ("identical", "L1", ("t",))
    worse = compared("m.json", b'{"t": 1, "a": 2}', b'{"t": 9, "a": 3}', ignore=("t",))
    assert worse.verdict == "differs"
    unused = compared("m.json", b'{"a": 2}', b'{"a": 2.0}', ignore=("t",))
    assert (unused.level, unused.ignored_keys) == ("L1", ())
    equal = compared("m.json", b'{"t": 1}', b'{"t": 1}', ignore=("t",))
    assert (equal.level, equal.ignored_keys) == ("L0", ())


@pytest.mark.parametrize("change", ["twice", "order", "fewer", "file"])
def test_a_record_whose_tensors_contradict_its_file_is_a_difference(change: str) -> None:
    """A foreign manifest may say anything; nothing of it is a bug of ours, and nothing a pass."""
    ours, theirs = (FIXTURES / "base.npz").read_bytes(), (FIXTURES / "element.npz").read_bytes()
    recorded, observed = (
        describe("m.npz", len(raw), io.BytesIO(raw), limits=DEFAULT) for raw in (ours, theirs)
    )
    tensors = recorded.tensors
    lies = {
        "twice": ((*tensors, tensors[0]), observed.tensors),
        "order": (tensors[::-1], observed.tensors),
        "fewer": (tensors[1:], observed.tensors[1:]),
        "file": (tensors, observed.tensors),
    }
    left, right = lies[change]
    result = compare_output(
        replace(recorded, tensors=left),
        replace(observed, tensors=right),
        tolerance=Tolerance(),
        recorded_stream=io.BytesIO(ours if change != "file" else (FIXTURES / "name.npz").read_bytes()),
        observed_stream=io.BytesIO(theirs),
        limits=DEFAULT,
    )
    assert result.verdict == "differs"


def array(dtype: str, raw: bytes) -> bytes:
    size = {"f4": 4, "f8": 8, "i8": 8, "b1": 1, "c8": 8, "f2": 2}[dtype]
    header = f"{{'descr': '<{dtype}', 'fortran_order': False, 'shape': ({len(raw) // size},), }}\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + raw


@pytest.mark.parametrize(
    ("dtype", "code", "ours", "theirs", "tolerance", "verdict"),
    [
        ("f4", "f", [0.0], [-0.0], Tolerance(), "within-tolerance"),
        ("f4", "f", [float("inf")], [float("-inf")], WIDE, "differs"),
        ("f4", "f", [float("inf")], [3e38], Tolerance(rtol="1"), "differs"),
        ("f4", "f", [float("nan")], [1.0], WIDE, "differs"),
        ("f4", "f", [1.0], [float("nan")], WIDE, "differs"),
        ("f8", "d", [1.0], [1.0009], Tolerance(rtol="1e-3"), "within-tolerance"),
        ("f8", "d", [1.0], [1.0011], Tolerance(rtol="1e-3"), "differs"),
        ("f8", "d", [0.0], [1e-9], Tolerance(rtol="1e-3"), "differs"),
        ("f8", "d", [0.0], [1e-9], Tolerance(atol="1e-8"), "within-tolerance"),
        ("f2", "e", [1.0], [1.001], WIDE, "within-tolerance"),
        ("i8", "q", [2**53], [2**53 + 1], Tolerance(), "differs"),
        ("i8", "q", [100], [101], Tolerance(atol="1"), "differs"),
        ("b1", "?", [True], [False], Tolerance(atol="5"), "differs"),
        ("c8", "f", [1.0, 2.0], [1.0, 2.0001], WIDE, "within-tolerance"),
        ("c8", "f", [1.0, 2.0], [1.0, 2.5], WIDE, "differs"),
    ],
)
def test_tolerances_on_elements(
    dtype: str, code: str, ours: list[float], theirs: list[float], tolerance: Tolerance, verdict: str
) -> None:
    left, right = struct.pack(f"<{len(ours)}{code}", *ours), struct.pack(f"<{len(theirs)}{code}", *theirs)
    assert compared("a.npy", array(dtype, left), array(dtype, right), tolerance).verdict == verdict


def test_a_difference_far_into_a_large_array_is_found_at_its_index() -> None:
    ours = bytearray(4 * 300_000)
    theirs = bytearray(ours)
    theirs[4 * 250_000 : 4 * 250_000 + 4] = struct.pack("<f", 2.0)
    result = compared("a.npy", array("f4", bytes(ours)), array("f4", bytes(theirs)))
    assert "1 of 300000 elements, at most 2.0 (relative 0, 1073741824 ULP) apart" in result.reason
    assert result.reason.endswith("; element 250000 was 0.0 and is 2.0")


@pytest.mark.parametrize(
    "text",
    ["-1", "nan", "inf", "x", "", "1_0", "1e", "-inf", "\uff11", "1" * 500, "1e309", "1e-500", "1e99999999"],
)
@pytest.mark.parametrize("part", ["rtol", "atol"])
def test_a_tolerance_that_is_no_finite_number_from_zero_up_is_an_input_fault(text: str, part: str) -> None:
    with pytest.raises(InputFault) as caught:
        bounds_of(replace(Tolerance(), **{part: text}))
    assert caught.value.code == "E_TOLERANCE"


@pytest.mark.parametrize(
    ("ours", "theirs", "agree"),
    [
        ("nan", "NaN", True),
        ("nan", "1", False),
        ("inf", "inf", True),
        ("inf", "-inf", False),
        ("0", "-0.0", True),
        ("1.0", "1", True),
        ("1e999999999", "1e999999999", True),
        ("1e999999999", "1e-999999999", False),
        ("x", "x", True),
        ("x", "1", False),
        ("0.1", "0.10000000000000001", False),
    ],
)
def test_numbers_as_text_at_zero_tolerance(ours: str, theirs: str, agree: bool) -> None:
    assert numbers_agree(ours, theirs, bounds_of(Tolerance())) is agree


@given(a=st.floats(), b=st.floats())
def test_agreement_at_zero_tolerance_is_equality_of_values(a: float, b: float) -> None:
    expected = a == b or (math.isnan(a) and math.isnan(b))
    assert numbers_agree(repr(a), repr(b), bounds_of(Tolerance())) is expected


def rule(output: str, key: str = "", *, rtol: str = "0", atol: str = "0", max_ulp: int = 0) -> ToleranceRule:
    return ToleranceRule(output=output, key=key, rtol=rtol, atol=atol, max_ulp=max_ulp)


RULED = Tolerance(
    rtol="1",
    rules=(
        rule("m.json", "/loss", rtol="2"),
        rule("m.json", "layers.*.bias", rtol="3"),
        rule("*.json", "accuracy", rtol="4"),
        rule("*.json", rtol="5"),
        rule("/out/*", "w[3]", rtol="6"),
    ),
)


@pytest.mark.parametrize(
    ("output", "key", "rtol"),
    [
        ("m.json", "/loss", 2),
        ("m.json", "/loss/0", 2),
        ("m.json", "/losses", 5),
        ("m.json", "layers.3.bias", 3),
        ("m.json", "/epochs/3/accuracy", 4),
        ("m.json", "accuracy[12]", 4),
        ("/out/other.json", "/loss", 5),
        ("/out/model.npz", "w[3]", 6),
        ("/out/model.npz", "w3", 6),
        ("/out/model.npz", "w", 1),
        ("model.npz", "/loss", 1),
    ],
)
def test_the_first_rule_that_matches_output_and_key_decides(output: str, key: str, rtol: int) -> None:
    assert output_bounds(RULED, output).of(key).rtol == rtol


def test_a_rule_decides_also_where_it_is_narrower() -> None:
    ours, theirs = b'{"loss": 1.0, "seed": 7}', b'{"loss": 1.01, "seed": 7.01}'
    wide = Tolerance(rtol="0.1")
    assert compared("m.json", ours, theirs, wide).verdict == "within-tolerance"
    strict = replace(wide, rules=(rule("m.json", "/seed"),))
    result = compared("m.json", ours, theirs, strict)
    assert result.verdict == "differs"
    assert "1 of 2 differing numbers are beyond the tolerance" in result.reason
    assert result.reason.endswith("first '/seed': 7 recorded, 7.01 observed")
    assert compared("n.json", ours, theirs, strict).verdict == "within-tolerance"


def test_a_rule_of_one_tensor_leaves_the_others_exact() -> None:
    for name, verdict in (("weight", "within-tolerance"), ("bias", "differs")):
        tolerance = Tolerance(rules=(rule("base.*", name, max_ulp=1),))
        assert files("base.safetensors", "ulp.safetensors", tolerance).verdict == verdict


@pytest.mark.parametrize(
    ("tolerance", "code"),
    [(Tolerance(rules=(rule("a", atol="-1"),)), "a"), (Tolerance(rules=(rule("a"),) * (RULES + 1)), "1001")],
)
def test_rules_are_checked_too(tolerance: Tolerance, code: str) -> None:
    with pytest.raises(InputFault, match=code) as caught:
        bounds_of(tolerance)
    assert caught.value.code == "E_TOLERANCE"


def test_numbers_in_text_have_the_ulp_of_64_bit_floats() -> None:
    near = math.nextafter(math.nextafter(0.1, 1), 1)
    for max_ulp, agree in ((1, False), (2, True)):
        assert numbers_agree("0.1", repr(near), bounds_of(Tolerance(max_ulp=max_ulp))) is agree
    huge = bounds_of(Tolerance(max_ulp=2**53 - 1))
    assert not numbers_agree("1e309", "1e310", huge)
    assert not numbers_agree("1", "nan", huge)
    assert not numbers_agree("inf", "1.7976931348623157e308", huge)


def test_a_result_within_tolerance_tells_the_largest_differences_and_the_first_place() -> None:
    ours, theirs = struct.pack("<4f", 1, 2, 4, 0), struct.pack("<4f", 1, 2.5, 4.5, 0)
    result = compared("a.npy", array("f4", ours), array("f4", theirs), Tolerance(atol="0.5"))
    assert result.level == "L3"
    assert result.reason == (
        "1 of 1 tensors differ in 2 elements, by at most 0.5 (relative 0.25, 2097152 ULP), "
        "within the tolerance; first '': element 1 was 2.0 and is 2.5"
    )
    worse = compared("a.npy", array("f4", ours), array("f4", theirs), Tolerance(rtol="0.125"))
    assert worse.reason == (
        "1 of 1 tensors differ in 2 elements, by at most 0.5 (relative 0.25, 2097152 ULP), "
        "1 elements beyond the tolerance; first '': 2 of 4 elements, "
        "at most 0.5 (relative 0.25, 2097152 ULP) apart; element 1 was 2.0 and is 2.5"
    )


def test_the_text_of_a_tolerance_leaves_nothing_out() -> None:
    assert str(Tolerance(rtol="1e-3")) == "rtol 1e-3, atol 0"
    tolerance = Tolerance(max_ulp=4, rules=(rule("a.npy", "w", atol="1"), rule("*.json", rtol="2")))
    assert str(tolerance) == "rtol 0, atol 0, max ULP 4; a.npy:w rtol 0, atol 1; *.json rtol 2, atol 0"
