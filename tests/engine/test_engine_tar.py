"""The tar reader gives every member or raises one of our errors."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprocheck.engine.tar import Member, read_members
from reprocheck.errors import CouldNotRun, InputFault, ReprocheckError
from reprocheck.limits import DEFAULT, KIB, Limits

SMALL = replace(DEFAULT, image_stream=8 * 1024 * KIB, tar_header=64 * KIB)


def stream(raw: bytes, step: int = 1 << 20) -> Callable[[int], bytes]:
    source = io.BytesIO(raw)
    return lambda size: source.read(min(size, step))


def members(raw: bytes, *, limits: Limits = SMALL, step: int = 1 << 20) -> list[tuple[Member, bytes]]:
    found = []
    for member, body in read_members(stream(raw, step), limits=limits, where="the archive"):
        content = b""
        while chunk := body.read(1000):
            content += chunk
        found.append((member, content))
    return found


def code(raw: bytes, *, limits: Limits = SMALL) -> str:
    with pytest.raises(ReprocheckError) as caught:
        members(raw, limits=limits)
    assert caught.value.hint.endswith(".")
    return caught.value.code


def info(name: str, *, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size = size
    made.type = kind
    made.linkname = target
    return made


def archive(*parts: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for member, content in parts:
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def header(name: bytes = b"a", *, size: bytes = b"00000000000\0", flag: bytes = b"0") -> bytes:
    """Build one ustar header by hand, with a right checksum."""
    raw = bytearray(512)
    raw[0 : len(name)] = name
    raw[100:108] = b"0000644\0"
    raw[124:136] = size
    raw[156:157] = flag
    raw[257:265] = b"ustar\x0000"
    return seal(raw)


def seal(raw: bytearray) -> bytes:
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def pax(*records: tuple[bytes, bytes], flag: bytes = b"x") -> bytes:
    body = b""
    for keyword, value in records:
        length = len(keyword) + len(value) + 3
        while len(b"%d" % length) + len(keyword) + len(value) + 3 != length:
            length = len(b"%d" % length) + len(keyword) + len(value) + 3
        body += b"%d %s=%s\n" % (length, keyword, value)
    return header(b"pax", size=b"%011o\0" % len(body), flag=flag) + padded(body)


END = bytes(1024)
LONG = "d" * 120 + "/" + "f" * 130
SAMPLE = archive(
    (info("./bin", kind=tarfile.DIRTYPE), b""),
    (info("bin/python3", size=1300), b"p" * 1300),
    (info("/abs/é\udcff", size=3), b"abc"),
    (info("lib", kind=tarfile.SYMTYPE, target="../usr/lib"), b""),
    (info("bin/py", kind=tarfile.LNKTYPE, target="bin/python3"), b""),
    (info("dev-null", kind=tarfile.CHRTYPE), b""),
    (info("pipe", kind=tarfile.FIFOTYPE), b""),
    (info(LONG, size=512), b"x" * 512),
    (info("far", kind=tarfile.SYMTYPE, target=LONG), b""),
)


@pytest.mark.parametrize("step", [1, 511, 513, 1 << 20])
def test_every_kind_of_member_is_read_whatever_the_chunks(step: int) -> None:
    found = {
        member.path: (member.kind, member.target, content) for member, content in members(SAMPLE, step=step)
    }
    assert found == {
        "/bin": ("directory", "", b""),
        "/bin/python3": ("file", "", b"p" * 1300),
        "/abs/é\udcff": ("file", "", b"abc"),
        "/lib": ("link", "../usr/lib", b""),
        "/bin/py": ("hardlink", "/bin/python3", b""),
        "/dev-null": ("other", "", b""),
        "/pipe": ("other", "", b""),
        f"/{LONG}": ("file", "", b"x" * 512),
        "/far": ("link", LONG, b""),
    }


def test_bytes_that_are_not_read_are_skipped() -> None:
    found = [member.path for member, _ in read_members(stream(SAMPLE), limits=SMALL, where="the archive")]
    assert found[-1] == "/far"
    assert len(found) == 9


def test_a_reader_ends_with_its_member() -> None:
    iterator = read_members(stream(SAMPLE), limits=SMALL, where="the archive")
    next(iterator)
    _, body = next(iterator)
    next(iterator)
    assert body.read(10) == b""


def test_every_cut_of_an_archive_is_told() -> None:
    """A cut at any place, block boundaries and the end marker included, is E_TAR_TRUNCATED."""
    end = len(SAMPLE.rstrip(b"\0"))
    end += -end % 512
    for cut in sorted({*range(0, end + 1024, 512), *range(1, end + 1024, 171)}):
        assert code(SAMPLE[:cut]) == "E_TAR_TRUNCATED", cut


def test_bytes_behind_the_end_marker_are_told() -> None:
    assert code(header() + END + b'{"message": "daemon failed"}') == "E_TAR_TRUNCATED"
    assert code(header() + bytes(512) + header() + END) == "E_TAR_TRUNCATED"


def test_an_error_message_in_the_stream_is_no_header() -> None:
    assert code(header() + padded(b'{"message": "daemon failed"}') + END) == "E_TAR_DAMAGED"


def test_a_wrong_checksum_is_told() -> None:
    raw = bytearray(header())
    raw[3] ^= 1
    assert code(bytes(raw) + END) == "E_TAR_DAMAGED"


@pytest.mark.parametrize(
    "size",
    [b"\xff" * 8 + (-512 & 0xFFFFFFFF).to_bytes(4, "big"), b"-0000001000\0"],
    ids=["base-256", "text"],
)
def test_negative_sizes_are_refused(size: bytes) -> None:
    """CVE-2025-8194: tarfile loops for ever."""
    assert code(header(size=size) + END) == "E_TAR_HOSTILE"


def test_a_giant_size_is_refused_before_anything_is_skipped() -> None:
    """2^62 bytes declared in 512: tarfile did not return within 10 s."""
    size = b"\x80" + (2**62).to_bytes(11, "big")
    reads: list[int] = []

    def read(count: int) -> bytes:
        reads.append(count)
        return header(size=size)

    with pytest.raises(CouldNotRun, match="image_stream") as caught:
        list(read_members(read, limits=SMALL, where="the archive"))
    assert caught.value.code == "E_LIMIT"
    assert "--limit-scale" in caught.value.hint
    assert len(reads) == 1


def test_base_256_sizes_are_read() -> None:
    raw = header(size=b"\x80" + (3).to_bytes(11, "big")) + padded(b"abc") + END
    assert members(raw)[0][1] == b"abc"


def test_the_stream_budget_counts_bytes_that_are_there() -> None:
    assert code(header() + bytes(16 * 1024 * KIB)) == "E_LIMIT"


def test_member_count_is_bounded() -> None:
    assert code(header() * 4 + END, limits=replace(SMALL, tar_members=3)) == "E_LIMIT"


def test_a_chain_of_long_names_is_refused() -> None:
    """2,000 of them end in RecursionError in tarfile."""
    long = header(b"././@LongLink", size=b"00000000002\0", flag=b"L") + padded(b"a\0")
    assert members(long * 4 + header() + END)[0][0].path == "/a"
    assert code(long * 2000 + header() + END) == "E_TAR_HOSTILE"


def test_a_huge_extended_header_is_refused() -> None:
    raw = header(b"x", size=b"%011o\0" % (64 * KIB + 1), flag=b"L") + bytes(70 * KIB)
    assert code(raw) == "E_LIMIT"


def test_an_extended_header_without_a_member_is_told() -> None:
    assert code(pax((b"path", b"a")) + END) == "E_TAR_DAMAGED"


@pytest.mark.parametrize("name", [b"../etc/passwd", b"a/../../b", b"..", b"/.."])
def test_names_that_climb_are_refused(name: bytes) -> None:
    assert code(header(name) + END) == "E_TAR_HOSTILE"
    assert code(pax((b"path", name)) + header() + END) == "E_TAR_HOSTILE"


@pytest.mark.parametrize(
    "records",
    [((b"path", b"a\0b"),), ((b"linkpath", b"a\0b"),), ((b"path", b"n" * 256),), ((b"path", b"n/" * 2100),)],
)
def test_names_that_no_file_system_holds_are_refused(records: tuple[tuple[bytes, bytes], ...]) -> None:
    assert code(pax(*records) + header(flag=b"2") + END) == "E_TAR_HOSTILE"


def test_a_member_without_a_name_is_refused_but_the_root_is_not() -> None:
    assert code(header(b"./") + END) == "E_TAR_HOSTILE"
    assert members(header(b"./", flag=b"5") + END)[0][0].path == "/"


def test_bytes_in_a_member_that_holds_none_are_refused() -> None:
    """Readers disagree on them (CVE-2025-13462 and its kin)."""
    for flag in (b"1", b"2", b"5", b"3"):
        assert code(header(size=b"00000001000\0", flag=flag) + bytes(512) + END) == "E_TAR_HOSTILE"
    assert code(header(b"a/", size=b"00000001000\0", flag=b"\0") + bytes(512) + END) == "E_TAR_HOSTILE"


def test_sparse_and_unknown_members_are_told() -> None:
    assert code(header(flag=b"S") + END) == "E_TAR_DAMAGED"
    assert code(pax((b"GNU.sparse.major", b"1")) + header() + END) == "E_TAR_DAMAGED"


def test_pax_overrides_name_link_and_size() -> None:
    records = ((b"path", b"long/name"), (b"size", b"5"), (b"mtime", b"1.5"))
    found = members(
        pax(*records) + header(b"short", size=b"00000000001\0") + padded(b"hello") + header(b"n") + END
    )
    assert [(member.path, content) for member, content in found] == [("/long/name", b"hello"), ("/n", b"")]
    link = members(pax((b"linkpath", b"../t")) + header(flag=b"2") + END)[0][0]
    assert link.target == "../t"


def test_a_global_pax_header_holds_until_overridden() -> None:
    raw = pax((b"path", b"common"), flag=b"g") + header(b"a") + pax((b"path", b"own")) + header(b"b") + END
    assert [member.path for member, _ in members(raw)] == ["/common", "/own"]


@pytest.mark.parametrize("size", [b"-5", b"1e3", b"\xb2", b"9" * 21])
def test_bad_pax_sizes_are_refused(size: bytes) -> None:
    assert code(pax((b"size", size)) + header() + END) in {"E_TAR_HOSTILE", "E_TAR_DAMAGED"}


@pytest.mark.parametrize(
    "body", [b"5 a=b", b"0 a=b\n", b"6 a=b\n9", b"x a=b\n", b"999999999 a=b\n", b"5 ab\n", b" \n"]
)
def test_malformed_pax_records_are_told(body: bytes) -> None:
    raw = header(b"pax", size=b"%011o\0" % len(body), flag=b"x") + padded(body) + header() + END
    assert code(raw) == "E_TAR_DAMAGED"


def test_duplicate_members_all_come_in_order() -> None:
    raw = archive((info("a", size=1), b"1"), (info("./a", size=1), b"2"))
    assert [(member.path, content) for member, content in members(raw)] == [("/a", b"1"), ("/a", b"2")]


names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40).filter(
        lambda part: part not in {".", ".."} and len(part.encode()) < 200
    ),
    min_size=1,
    max_size=6,
).map("/".join)


@settings(deadline=None, max_examples=50)
@given(
    files=st.dictionaries(names, st.binary(max_size=1500), max_size=6),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_tarfile_writes_is_read_the_same(files: dict[str, bytes], form: int) -> None:
    raw = archive(*((info(name, size=len(data)), data) for name, data in files.items()), form=form)
    assert {member.path: content for member, content in members(raw)} == {
        f"/{name}": content for name, content in files.items()
    }


@settings(deadline=None, max_examples=50)
@example(edits=[(148, 0)], cut=None, repair=False)
@given(
    edits=st.lists(st.tuples(st.integers(0, 9215), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 10240),
    repair=st.booleans(),
)
def test_mutated_archives_end_in_our_errors_only(
    edits: list[tuple[int, int]], cut: int | None, repair: bool
) -> None:
    raw = bytearray(SAMPLE)
    for at, value in edits:
        raw[at] = value
        start = at - at % 512
        if repair and raw[start + 257 : start + 262] == b"ustar":
            raw[start : start + 512] = seal(raw[start : start + 512])
    try:
        found = members(bytes(raw[:cut]))
    except (CouldNotRun, InputFault):
        return
    for member, content in found:
        assert member.path.startswith("/")
        assert ".." not in member.path.split("/")
        assert len(content) == member.size
