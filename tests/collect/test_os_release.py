"""os-release(5) and the C library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import observe, os_release
from reprocheck.collect.os_release import parse
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import Content, FakeView, Link

DEBIAN = (
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
)


def test_the_usual_link_is_followed() -> None:
    view = FakeView({"/etc/os-release": Link(target="../usr/lib/os-release"), "/usr/lib/os-release": DEBIAN})
    system = os_release.collect(view, DEFAULT).os
    assert system is not None
    assert (system.id, system.version_id, system.codename) == ("debian", "12", "bookworm")
    assert system.name == "Debian GNU/Linux 12 (bookworm)"


def test_a_tree_without_an_operating_system_is_no_unknown() -> None:
    observed = observe(FakeView({"/app": b"\x7fELF"}), DEFAULT)
    assert observed.os is None
    assert observed.unknowns == ()


def test_a_file_that_cannot_be_read_is_an_unknown() -> None:
    view = FakeView({"/etc/os-release": DEBIAN}, broken=frozenset({"/etc/os-release"}))
    observed = observe(view, DEFAULT)
    assert observed.os is None
    assert [(item.section, item.where) for item in observed.unknowns] == [("os", "/etc/os-release")]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=plain", "plain"),
        ('X="two words"', "two words"),
        ("X='it is $HOME \\n'", "it is $HOME \\n"),
        (r'X="a \"quote\", \$5, \\ and \n"', r'a "quote", $5, \ and \n'),
        ("X=a\nX=b", "b"),
        ("X=a\r", "a"),
        ("#X=no\nX=yes", "yes"),
        ('X="', '"'),
    ],
)
def test_quoting_follows_the_manual(line: str, value: str) -> None:
    assert parse(line)["X"] == value


@pytest.mark.parametrize(
    ("files", "libc"),
    [
        (
            {"/lib/x86_64-linux-gnu/libc.so.6": b"..GNU C Library (Debian) stable release version 2.36.\n"},
            "glibc 2.36",
        ),
        (
            {
                "/lib64/libc.so.6": Link(target="libc-2.31.so"),
                "/lib64/libc-2.31.so": b"\x7fELF",
            },
            "glibc 2.31",
        ),
        ({"/lib/ld-musl-x86_64.so.1": b"\x7fELF"}, "musl"),
        (
            {
                "/lib/ld-musl-x86_64.so.1": b"\x7fELF",
                "/lib/apk/db/installed": "P:musl\nV:1.2.4-r2\nA:x86_64\n\n",
            },
            "musl 1.2.4",
        ),
        (
            {
                "/var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n",
            },
            "glibc 2.36",
        ),
        ({}, ""),
    ],
)
def test_the_c_library_is_told_from_the_tree(files: dict[str, Content], libc: str) -> None:
    system = observe(FakeView({"/etc/os-release": DEBIAN, **files}), DEFAULT).os
    assert system is not None
    assert system.libc == libc


def test_a_c_library_without_a_version_is_an_unknown() -> None:
    observed = observe(FakeView({"/etc/os-release": DEBIAN, "/lib64/libc.so.6": b"\x7fELF"}), DEFAULT)
    assert [item.where for item in observed.unknowns] == ["/lib64/libc.so.6"]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_named(raw: bytes) -> None:
    observed = os_release.collect(FakeView({"/etc/os-release": raw}), DEFAULT)
    assert (observed.os is None) == bool(observed.unknowns)
