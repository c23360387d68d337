"""Tar archives: what of them is content, what is not, and what is refused."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts.formats import describe
from reprocheck.limits import DEFAULT
from reprocheck.model.run import Output

LOSS = b'{"loss": 0.5}'
LONG = "d" * 120 + "/" + "f" * 150


def taped(
    *files: tuple[str, bytes],
    form: int = tarfile.PAX_FORMAT,
    mode: int = 0o644,
    kind: bytes = tarfile.REGTYPE,
    time: float = 0,
) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as target:
        for name, raw in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(raw), mode, time
            entry.type = tarfile.DIRTYPE if name.endswith("/") else kind
            entry.linkname = "elsewhere" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            entry.uid, entry.uname = int(time), f"user{time}"
            target.addfile(entry, io.BytesIO(raw))
    return stream.getvalue()


def described(raw: bytes, name: str = "/out/results.tar") -> Output:
    return describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_order_times_owners_and_compression_are_not_content(form: int) -> None:
    files = (("a.bin", b"one"), (LONG, b"two"), ("m.json", LOSS))
    one = described(taped(*files))
    turned = taped(*(("./" + name, raw) for name, raw in files[::-1]), form=form, time=1234.5)
    assert one.content is not None
    assert one.format == "tar"
    assert one.content == described(turned).content
    for name in ("r.tgz", "r.tar.gz", "r.TAR.GZ"):
        assert one.content == described(gzip.compress(turned), name).content
    half = len(turned) // 2
    assert (
        one.content == described(gzip.compress(turned[:half]) + gzip.compress(turned[half:]), "r.tgz").content
    )
    assert [number.key for number in one.numbers] == ["m.json:/loss"]


@pytest.mark.parametrize(
    "other",
    [
        taped(("a", b"two")),
        taped(("b", b"one")),
        taped(("a", b"one"), mode=0o755),
        taped(("a", b"one"), ("empty/", b"")),
        taped(),
    ],
    ids=range(5),
)
def test_bytes_names_and_the_executable_bit_are_content(other: bytes) -> None:
    two = described(other)
    assert two.content is not None
    assert described(taped(("a", b"one"))).structure != two.structure


def patched(raw: bytes, place: int, value: bytes) -> bytes:
    """Change a header and make its checksum right again."""
    header = bytearray(raw[:512])
    header[place : place + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + raw[512:]


GOOD = taped(("a", b"one"))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "truncated"),
        (b"\x1f\x8b", "ends early"),
        (GOOD[:400], "truncated"),
        (GOOD[:520], "truncated"),
        (GOOD[:1024], "truncated"),
        (GOOD[:1536], "truncated"),
        (GOOD[:1536] + b"x" * 512, "end marker"),
        (GOOD + b"x" * 512, "behind its end"),
        (b"x" * 1024, "no tar header"),
        (b"b" + GOOD[1:], "checksum"),
        (patched(GOOD, 124, b"zzzz"), "malformed number"),
        (patched(GOOD, 124, b"\x80" + b"\xff" * 11), "truncated"),
        (patched(GOOD, 0, b"\xff"), "not UTF-8"),
        (patched(GOOD, 0, b"\0"), "no name"),
        (patched(GOOD, 156, b"S"), "special file"),
        (patched(GOOD, 156, b"5"), "directory with bytes"),
        (taped(("/a", b"1")), "absolute"),
        (taped(("a/../../b", b"1")), "climbs"),
        (taped(("a", b"1"), ("./a", b"2")), "twice"),
        (taped(("a", b"1"), ("a/b", b"2")), "a file and a directory"),
        (taped(("a", b""), kind=tarfile.SYMTYPE), "link"),
        (taped(("a", b""), kind=tarfile.LNKTYPE), "link"),
        (taped(("a", b""), kind=tarfile.FIFOTYPE), "special file"),
        (patched(taped((LONG, b"1")), 124, b"77777777777\0"), "longer extended header"),
        (taped((LONG, b"1")).replace(b"path=", b"pathh"), "malformed extended"),
        (taped((LONG, b"1")).replace(b"path=", b"size="), "malformed size"),
        (patched(taped((LONG, b"1")), 156, b"g"), "to all members"),
        (taped((LONG, b"1"))[:1024] + bytes(1024), "extended header"),
        (gzip.compress(GOOD)[:-9], "ends early"),
        (gzip.compress(GOOD)[:-8] + b"12345678", "damaged"),
        (gzip.compress(GOOD) + b"trailing", "damaged"),
        (gzip.compress(b"") * 200, "gzip members"),
        (gzip.compress(taped(("a", bytes(70_000_000)))), "unpacks to more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "raw",
)
def test_doubtful_archives_are_refused(raw: bytes, why: str) -> None:
    output = described(raw)
    assert output.content is None
    assert why in output.note


def test_memory_stays_bounded() -> None:
    """48 MB of documents: more than is kept."""
    raw = taped(*((f"{index}.csv", b"1" * 6_000_000) for index in range(8)))
    stream = io.BytesIO(raw)
    tracemalloc.start()
    try:
        output = describe("r.tar", len(raw), stream, limits=DEFAULT)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert output.content is not None
    assert output.numbers == ()


SEED = taped(("a.json", LOSS), (LONG, b"x"), ("d/", b""))


@given(changes=st.lists(st.tuples(st.integers(0, len(SEED)), st.integers(0, 255)), max_size=5))
@settings(deadline=None, max_examples=50)
def test_any_change_of_an_archive(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(SEED)
    for place, value in changes:
        raw[place % len(raw)] = value
    output = described(bytes(raw))
    assert (output.content is None) == bool(output.note)
