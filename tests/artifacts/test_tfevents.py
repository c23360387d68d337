"""TensorBoard event files: what counts, what does not, and what is refused."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts.compare import compare_output
from reprocheck.artifacts.formats import describe
from reprocheck.artifacts.tfrecord import crc32c
from reprocheck.limits import DEFAULT
from reprocheck.model.run import IgnoredKey, Output, Tolerance
from tests.artifacts import event_files as ev

NAME = "/out/runs/events.out.tfevents.1700000000.host.42.0"
FLOAT, DOUBLE, INT32, STRING, INT64, BOOL = 1, 2, 3, 7, 9, 10


def described(*records: bytes, name: str = NAME, ignore: str = "") -> Output:
    raw = b"".join(records)
    keys = (IgnoredKey(file=name, key=ignore),) if ignore else ()
    return describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT, ignore_keys=keys)


def written(*losses: float, wall: float = 0.0) -> list[bytes]:
    steps = enumerate(losses)
    return [ev.version(wall), *(ev.event(i, ev.scalar("loss", x), wall=wall + i) for i, x in steps)]


def test_the_checksum_is_castagnolis() -> None:
    """RFC 3720, appendix B.4."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


@given(raw=st.binary(max_size=70))
@settings(deadline=None, max_examples=50)
def test_the_fast_checksum_is_the_slow_one(raw: bytes) -> None:
    assert crc32c(raw) == ev.crc32c(raw)


def test_scalars_are_numbers_by_tag_step_and_occurrence() -> None:
    output = described(
        *written(0.5, 0.25), ev.event(1, ev.scalar("loss", 2.0)), ev.event(-3, ev.scalar("a", 1))
    )
    found = {number.key: number.value for number in output.numbers}
    assert found == {"loss[0]": "0.5", "loss[1]": "0.25", "loss[1]#2": "2.0", "a[-3]": "1.0"}
    assert output.format == "tfevents"


def test_wall_times_and_the_order_of_tags_are_not_content() -> None:
    a, b = ev.scalar("a", 1.0), ev.scalar("b", 2.0)
    one = described(ev.version(1.5), ev.event(0, a + b, wall=2.0))
    two = described(ev.version(9.5), ev.event(0, b, wall=10.0), ev.event(0, a, wall=11.0))
    assert one.sha256 != two.sha256
    assert one.content is not None
    assert one.content == two.content
    assert compare_output(one, two, tolerance=None, limits=DEFAULT).level == "L2"


def test_a_scalar_is_the_same_number_as_a_value_and_as_a_tensor() -> None:
    raw = struct.pack("<f", 0.125)
    plain = described(ev.event(4, ev.scalar("x", 0.125)))
    assert plain.content == described(ev.event(4, ev.tensor("x", FLOAT, (), ev.part(4, raw)))).content
    assert plain.content == described(ev.event(4, ev.tensor("x", FLOAT, (), ev.part(5, raw)))).content
    assert plain.content == described(ev.event(4, ev.tensor("x", FLOAT, (), ev.single(5, 0.125)))).content
    assert plain.content != described(ev.event(4, ev.scalar("x", 0.126))).content


@pytest.mark.parametrize(
    "held", [ev.number(7, -2), ev.part(7, ev.varint(-2)), ev.part(4, b"\xfe\xff\xff\xff")]
)
def test_integer_scalars_are_numbers(held: bytes) -> None:
    output = described(ev.event(0, ev.tensor("n", INT32, (), held)))
    assert [(number.key, number.value) for number in output.numbers] == [("n[0]", "-2.0")]


def test_an_integer_that_no_double_holds_stays_exact() -> None:
    held = ev.part(4, struct.pack("<q", 2**53 + 1))
    output = described(ev.event(0, ev.tensor("n", INT64, (), held)))
    assert output.numbers == ()
    assert [(tensor.name, tensor.dtype) for tensor in output.tensors] == [("n[0]", "int64")]


def test_other_tensors_are_arrays_and_texts_are_digests() -> None:
    raw = struct.pack("<4f", 1, 2, 3, 4)
    arrays = ev.tensor("w", FLOAT, (2, 2), ev.part(4, raw))
    words = ev.tensor("note", STRING, (1,), ev.part(8, b"hello"))
    output = described(ev.version(), ev.event(7, arrays + words))
    (found,) = output.tensors
    assert (found.name, found.dtype, found.shape) == ("w[7]", "float32", (2, 2))
    other = ev.tensor("note", STRING, (1,), ev.part(8, b"hallo"))
    assert described(ev.version(), ev.event(7, arrays + other)).structure != output.structure


def test_a_tensor_is_compared_by_tolerance_from_the_files() -> None:
    def file(last: float) -> bytes:
        held = ev.part(4, struct.pack("<2d", 1.0, last))
        return ev.version() + ev.event(0, ev.tensor("w", DOUBLE, (2,), held))

    one, two = file(2.0), file(2.001)
    result = compare_output(
        described(one),
        described(two),
        tolerance=Tolerance(atol="0.01"),
        recorded_stream=io.BytesIO(one),
        observed_stream=io.BytesIO(two),
        limits=DEFAULT,
    )
    assert (result.verdict, result.level) == ("within-tolerance", "L3")


def test_a_histogram_is_its_numbers_and_its_buckets() -> None:
    body = ev.double(1, -1.0) + ev.double(2, 1.0) + ev.part(6, struct.pack("<2d", 0, 1))
    body += ev.part(7, struct.pack("<2d", 3, 4))
    output = described(ev.event(2, ev.part(1, ev.part(1, b"h") + ev.part(5, body))))
    assert [(number.key, number.value) for number in output.numbers] == [
        ("h[2].max", "1.0"),
        ("h[2].min", "-1.0"),
    ]
    assert [tensor.name for tensor in output.tensors] == ["h[2].bucket", "h[2].bucket_limit"]


def test_images_and_graphs_are_digests() -> None:
    def file(picture: bytes, graph: bytes) -> Output:
        image = ev.part(1, ev.part(1, b"i") + ev.part(4, ev.part(4, picture)))
        return described(ev.record(ev.double(1, 0) + ev.part(4, graph)), ev.event(0, image))

    assert file(b"png", b"graph").content == file(b"png", b"graph").content
    assert len({file(*parts).structure for parts in ((b"a", b"b"), (b"x", b"b"), (b"a", b"x"))}) == 3


def hparams(rate: float, *, started: float, order: int = 1) -> bytes:
    pairs = [
        ev.part(1, ev.part(1, b"lr") + ev.part(2, ev.double(2, rate))),
        ev.part(1, ev.part(1, b"bs") + ev.part(2, ev.double(2, 8.0))),
    ]
    session = b"".join(pairs[::order]) + ev.double(5, started)
    plugin = ev.part(1, b"hparams") + ev.part(2, ev.part(3, session))
    return ev.part(1, ev.part(1, b"_hparams_/session_start_info") + ev.part(9, ev.part(1, plugin)))


def test_hyperparameters_count_and_the_start_of_the_session_does_not() -> None:
    base = described(ev.event(0, hparams(0.1, started=1.0)))
    assert base.content == described(ev.event(0, hparams(0.1, started=2.0, order=-1))).content
    assert base.content != described(ev.event(0, hparams(0.2, started=1.0))).content


def test_a_tag_can_be_ignored() -> None:
    one = described(*written(1.0), ev.event(0, ev.scalar("seconds", 5.0)), ignore="seconds")
    two = described(*written(1.0), ev.event(0, ev.scalar("seconds", 6.0)), ignore="seconds")
    assert one.ignored_keys == ("seconds",)
    assert one.content == two.content


def test_the_first_record_tells_the_format_under_any_name() -> None:
    assert described(*written(1.0), name="log").format == "tfevents"


def test_an_empty_file_has_no_values() -> None:
    assert described().content is not None


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\0" * 7, "ends inside the record 0"),
        (b"\0" * 16, "the length of the record 0 has a wrong checksum"),
        (ev.version()[:-1], "ends inside the record 0"),
        (ev.version() + ev.version()[:-5] + b"XXXXX", "record 1 has a wrong checksum"),
        (struct.pack("<Q", 2**63) + ev.masked(struct.pack("<Q", 2**63)), "claims"),
        (struct.pack("<Q", 2**20) + ev.masked(struct.pack("<Q", 2**20)), "ends inside the record 0"),
        (ev.record(ev.part(3, b"other:1")), "another kind"),
        (ev.record(b"\x0b"), "wire type 3"),
        (ev.record(b"\x80" * 11), "does not end"),
        (ev.record(b"\x2a\xff\xff\xff\xff\x0f"), "beyond its message"),
        (ev.record(b"\x00\x00"), "number 0"),
        (ev.record(ev.number(5, 1)), "wire type 0"),
        (ev.event(0, ev.part(1, ev.part(1, b"\xff") + ev.single(2, 1))), "not UTF-8"),
        (ev.event(0, ev.part(1, ev.part(1, b"a") + ev.double(2, 1))), "wire type 1"),
        (ev.event(0, ev.tensor("a", FLOAT, (-1,), b"")), "no tensor has"),
        (ev.event(0, ev.tensor("a", FLOAT, (1,) * 33, b"")), "no tensor has"),
        (ev.event(0, ev.tensor("a" * 5000, FLOAT, (1,), ev.part(4, b"1234"))), "characters"),
        (ev.event(0, ev.scalar("a" * 5000, 1.0)), "characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "raw",
)
def test_damaged_and_hostile_files_are_refused(raw: bytes, why: str) -> None:
    output = described(raw)
    assert output.content is None
    assert why in output.note


@pytest.mark.parametrize("shape", [(3,), (2**62, 2**62), (0,)])
def test_a_tensor_whose_bytes_do_not_fill_its_shape_is_a_digest(shape: tuple[int, ...]) -> None:
    output = described(ev.event(0, ev.tensor("a", FLOAT, shape, ev.part(4, b"12345678"))))
    assert output.content is not None
    assert output.tensors == ()


@given(changes=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4))
@settings(deadline=None, max_examples=50)
def test_any_change_behind_right_checksums(changes: list[tuple[int, int]]) -> None:
    body = bytearray(
        ev.double(1, 0) + ev.number(2, 3) + ev.part(5, ev.tensor("w", INT32, (2,), ev.part(7, b"ab")))
    )
    for place, value in changes:
        body[place % len(body)] = value
    output = described(ev.record(bytes(body)))
    assert (output.content is None) == bool(output.note)


def test_memory_stays_bounded() -> None:
    """A 1 MB record and five thousand scalars."""
    chance = random.Random(1)
    scalars = ev.part(5, b"".join(ev.scalar("loss", chance.random()) for _ in range(5_000)))
    raw = [scalars, ev.part(4, bytes(1_000_000))]

    def framed(data: bytes) -> bytes:
        length = struct.pack("<Q", len(data))
        crc = crc32c(data)
        return (
            length
            + ev.masked(length)
            + data
            + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)
        )

    stream = io.BytesIO(b"".join(framed(data) for data in raw))
    size = len(stream.getbuffer())
    tracemalloc.start()
    try:
        output = describe(NAME, size, stream, limits=DEFAULT)
        assert tracemalloc.get_traced_memory()[1] < 12 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert output.content is not None
