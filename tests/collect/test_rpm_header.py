"""rpm headers: every field, and every way in which foreign bytes can lie."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.rpm_header import BadHeader, parse_header
from tests.collect.rpm_files import (
    ARCH,
    BASES,
    EPOCH,
    INDEXES,
    NAME,
    OLD_FILES,
    PLACES,
    PROVIDES,
    RELEASE,
    REQUIRES,
    SOURCE,
    STATES,
    VERSION,
    Value,
    header,
    package,
)

LESS, GREATER, EQUAL, RPMLIB = 2, 4, 8, 1 << 24


def relations(tags: tuple[int, int, int], *rows: tuple[str, int, str]) -> list[tuple[int, Value]]:
    names, flags, versions = zip(*rows, strict=True)
    return [(tags[0], names), (tags[1], flags), (tags[2], versions)]


def test_every_field_is_read() -> None:
    found = parse_header(
        header(
            (NAME, "bash"),
            (VERSION, "5.2~rc1"),
            (RELEASE, "9^git1.el9"),
            (EPOCH, 2),
            (ARCH, "aarch64"),
            (SOURCE, "bash-5.2~rc1-9^git1.el9.src.rpm"),
        )
    )
    assert (found.name, found.version, found.release, found.epoch) == ("bash", "5.2~rc1", "9^git1.el9", 2)
    assert (found.architecture, found.source) == ("aarch64", "bash-5.2~rc1-9^git1.el9.src.rpm")
    assert found.requires == found.provides == found.files == ()


def test_no_epoch_is_not_epoch_zero() -> None:
    assert parse_header(package("a")).epoch is None
    assert parse_header(package("a", "1", "1", (EPOCH, 0))).epoch == 0


def test_relations_read_as_rpm_prints_them() -> None:
    """Each once, and not what a package asks of rpm itself."""
    found = parse_header(
        package(
            "a",
            "1",
            "1",
            *relations(
                REQUIRES,
                ("(foo >= 1 or bar)", 0, ""),
                ("/bin/sh", 0, ""),
                ("/bin/sh", 1 << 9, ""),
                ("baz", LESS, "3"),
                ("libfoo", GREATER | EQUAL, "1.2"),
                ("rpmlib(FileDigests)", RPMLIB | LESS | EQUAL, "4.6.0-1"),
            ),
            *relations(PROVIDES, ("a", EQUAL, "2:1-1"), ("virtual(a)", 0, "")),
        )
    )
    assert found.requires == ("(foo >= 1 or bar)", "/bin/sh", "baz < 3", "libfoo >= 1.2")
    assert found.provides == ("a = 2:1-1", "virtual(a)")


def test_files_are_those_that_were_installed() -> None:
    """State 2 is a file that was not installed (`--excludedocs`)."""
    found = parse_header(
        package(
            "a", "1", "1", (BASES, ["b", "c", "d"]), (PLACES, ["/x/", "/"]), (INDEXES, [1, 0, 0]),
            (STATES, bytes([0, 2, 0])),
        )
    )  # fmt: skip
    assert found.files == ("/b", "/x/d")


def test_a_package_of_rpm_3_lists_whole_paths() -> None:
    assert parse_header(package("a", "1", "1", (OLD_FILES, ["/usr/bin/a"]))).files == ("/usr/bin/a",)


def test_what_installation_added_replaces_what_the_package_said() -> None:
    assert parse_header(package("a", "1", "1", (ARCH, "noarch"))).architecture == "noarch"


GOOD = package("a", "1", "1", (BASES, ["b"]), (PLACES, ["/"]), (INDEXES, [0]))
LIES = {
    "empty": b"",
    "no entries": struct.pack(">II", 0, 0),
    "cut off": GOOD[:-1],
    "too long": GOOD + b"\0",
    "more entries than bytes": struct.pack(">II", 0xFFFF, 1) + bytes(20),
    "negative offset": struct.pack(">IIIIiI", 1, 4, NAME, 6, -4, 1) + b"abc\0",
    "offset behind the end": struct.pack(">IIIIiI", 1, 4, NAME, 6, 5, 1) + b"abc\0",
    "no NUL": struct.pack(">IIIIiI", 1, 4, NAME, 6, 0, 1) + b"abcd",
    "a number for a name": header((NAME, 7)),
    "text for a number": header((NAME, "a"), (EPOCH, "1")),
    "more numbers than bytes": struct.pack(">IIIIiI", 1, 4, EPOCH, 4, 0, 2**30) + bytes(4),
    "more strings than bytes": struct.pack(">IIIIiI", 1, 4, BASES, 8, 0, 2**31) + bytes(4),
    "a file in no directory": package("a", "1", "1", (BASES, ["b"]), (PLACES, ["/"]), (INDEXES, [1])),
    "files without places": package("a", "1", "1", (BASES, ["b"])),
    "relations of unequal length": package("a", "1", "1", (REQUIRES[0], ["b", "c"]), (REQUIRES[1], [0])),
    "a list of files that fills the memory": package(
        "a", "1", "1", (BASES, [""] * 5_000), (PLACES, ["/" * 60_000]), (INDEXES, [0] * 5_000)
    ),
}


@pytest.mark.parametrize("blob", LIES.values(), ids=LIES.keys())
def test_a_header_that_contradicts_itself_is_refused(blob: bytes) -> None:
    with pytest.raises(BadHeader, match=r"^[a-z]"):
        parse_header(blob)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=8))
def test_any_damage_is_refused_or_survived(at: int, damage: bytes) -> None:
    try:
        found = parse_header(GOOD[:at] + damage + GOOD[at + len(damage) :])
    except BadHeader:
        return
    assert isinstance(found.name, str)
