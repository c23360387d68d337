"""Debian's package database, good and corrupt."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect import dpkg
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.package import Package
from tests.collect.fakeview import FakeView, Link

OS = 'ID=debian\nVERSION_ID="12"\n'
GOOD = "Package: alpha\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n"
LAST = "Package: omega\nStatus: hold ok installed\nArchitecture: all\nVersion: 2:3.4~rc1-5+b1\n"


def packages(status: bytes | str) -> tuple[Package, ...]:
    return dpkg.collect(FakeView({"/var/lib/dpkg/status": status, "/etc/os-release": OS}), DEFAULT).packages


def test_every_field_of_a_stanza_is_kept() -> None:
    (package,) = packages(
        "Package: libc-bin\nEssential: yes\nStatus: install ok installed\nArchitecture: amd64\n"
        "Source: glibc (2.36-9)\nVersion: 1:2.36-9+deb12u1\nPre-Depends: dpkg (>= 1.15)\n"
        "Depends: libc6 (>> 2.36),\n libc6 (<< 2.37) | libc6-alt\nProvides: ldconfig (= 2)\n"
        "Description: GNU\n text\n .\n more\nConffiles:\n /etc/x 1234\n"
    )
    assert package.name == "libc-bin"
    assert package.version == "1:2.36-9+deb12u1"
    assert package.purl == "pkg:deb/debian/libc-bin@1:2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12"
    assert (package.source_name, package.source_version) == ("glibc", "2.36-9")
    assert package.depends == ("dpkg (>= 1.15)", "libc6 (>> 2.36)", "libc6 (<< 2.37) | libc6-alt")
    assert package.provides == ("ldconfig (= 2)",)


def test_what_is_removed_is_left_out_and_what_is_held_is_kept() -> None:
    status = "\n".join(
        [
            GOOD,
            "Package: conf\nStatus: deinstall ok config-files\nVersion: 1\n",
            "Package: gone\nStatus: unknown ok not-installed\n",
            LAST,
        ]
    )
    assert [item.name for item in packages(status)] == ["alpha", "omega"]


def test_a_half_installed_package_is_an_unknown() -> None:
    view = FakeView(
        {"/var/lib/dpkg/status": "Package: half\nStatus: install ok half-configured\nVersion: 1\n"}
    )
    observed = dpkg.collect(view, DEFAULT)
    assert observed.packages == ()
    assert "half-configured" in observed.unknowns[0].reason


def test_distroless_images_keep_one_file_per_package() -> None:
    base = "/var/lib/dpkg/status.d/"
    view = FakeView(
        {
            f"{base}base-files": "Package: base-files\nVersion: 12\nArchitecture: amd64\n",
            f"{base}base-files.md5sums": "not a stanza",
            f"{base}tzdata": "Package: tzdata\nVersion: 2024a\nArchitecture: all\n",
        }
    )
    observed = dpkg.collect(view, DEFAULT)
    assert [item.name for item in observed.packages] == ["base-files", "tzdata"]
    assert observed.unknowns == ()


def test_names_in_a_distroless_directory_say_nothing() -> None:
    """Some builders add a suffix, some encode the name; sums lie beside each file, and directories too."""
    base = "/var/lib/dpkg/status.d/"
    view = FakeView(
        {
            f"{base}libc6.control": GOOD.replace("alpha", "libc6"),
            f"{base}dHpkYXRh": "Package: tzdata\nVersion: 2024a\nArchitecture: all",
            f"{base}libssl3:amd64": "\nPackage: libssl3\nArchitecture: amd64\nVersion: 3.0\n\n",
            f"{base}libssl3:amd64.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libssl.so.3\n",
            f"{base}more/deep": GOOD,
        }
    )
    observed = dpkg.collect(view, DEFAULT)
    assert [item.name for item in observed.packages] == ["tzdata", "libc6", "libssl3"]
    assert [item.where for item in observed.unknowns] == [f"{base}more"]


def test_one_name_of_several_architectures_is_several_packages() -> None:
    stanzas = "\n".join(
        f"Package: libc6\nStatus: install ok installed\nArchitecture: {name}\nVersion: 2.36\n"
        for name in ("amd64", "arm64", "i386")
    )
    view = FakeView(
        {
            "/var/lib/dpkg/status": stanzas,
            "/var/lib/dpkg/info/libc6:i386.list": "/usr/lib/i386-linux-gnu/libgomp.so.1\n",
        }
    )
    observed = dpkg.collect(view, DEFAULT)
    assert [item.architecture for item in observed.packages] == ["amd64", "arm64", "i386"]
    assert len({item.purl for item in observed.packages}) == 3
    assert [claim.owner for claim in observed.claims] == [observed.packages[2].purl]


CORRUPT = {
    "continuation first": b" stray\nPackage: bad\nStatus: install ok installed\nVersion: 1\n",
    "duplicate key": b"Package: bad\nPackage: worse\nStatus: install ok installed\nVersion: 1\n",
    "duplicate key in other case": b"Package: bad\nversion: 1\nVersion: 2\nStatus: install ok installed\n",
    "NUL": b"Package: b\0d\nStatus: install ok installed\nVersion: 1\n",
    "no colon": b"Package: bad\nStatus\nVersion: 1\n",
    "Latin-1 name": b"Package: b\xe4d\nStatus: install ok installed\nVersion: 1\n",
    "path as a name": b"Package: ../../etc\nStatus: install ok installed\nVersion: 1\n",
    "no name": b"Status: install ok installed\nVersion: 1\n",
    "no version": b"Package: bad\nStatus: install ok installed\n",
    "escape in the version": b"Package: bad\nStatus: install ok installed\nVersion: 1\x1b[2J\n",
    "carriage return splits a line": b"Package: bad\rVersion: 9\nStatus: install ok installed\nVersion: 1\n",
    "long line": b"Package: " + b"a/" * 500_000 + b"\nStatus: install ok installed\nVersion: 1\n",
}


@pytest.mark.parametrize("bad", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_bad_stanza_costs_nothing_but_itself(bad: bytes) -> None:
    raw = GOOD.encode() + b"\n" + bad + b"\n" + LAST.encode()
    observed = dpkg.collect(FakeView({"/var/lib/dpkg/status": raw}), DEFAULT)
    assert [item.name for item in observed.packages] == ["alpha", "omega"]
    (item,) = observed.unknowns
    start = len(GOOD) + 1
    assert item.section == "packages"
    assert item.where == f"/var/lib/dpkg/status bytes {start}-{start + len(bad) - 1}"


def test_carriage_returns_at_line_ends_are_no_harm() -> None:
    raw = f"{GOOD}\n{LAST}".replace("\n", "\r\n")
    assert [(item.name, item.version) for item in packages(raw)] == [
        ("alpha", "1.0-1"),
        ("omega", "2:3.4~rc1-5+b1"),
    ]


def test_a_missing_newline_at_the_end_is_no_harm() -> None:
    assert [item.name for item in packages(f"{GOOD}\n{LAST}".rstrip())] == ["alpha", "omega"]


def test_bytes_that_are_not_utf8_in_a_field_that_nobody_reads_are_no_harm() -> None:
    assert len(packages(GOOD.encode() + b"Description: caf\xe9\n")) == 1


def test_a_database_that_cannot_be_read_is_an_unknown() -> None:
    view = FakeView({"/var/lib/dpkg/status": GOOD}, broken=frozenset({"/var/lib/dpkg/status"}))
    assert [item.where for item in dpkg.collect(view, DEFAULT).unknowns] == ["/var/lib/dpkg/status"]


@pytest.mark.parametrize("path", ["/var/lib/dpkg", "/var/lib/dpkg/status"])
@pytest.mark.parametrize("target", ["/gone", "."])
def test_a_link_that_leads_nowhere_or_in_a_circle_is_an_unknown(path: str, target: str) -> None:
    """An image could hide all its packages so; a directory that is not there at all is a fact."""
    target = path if target == "." else target
    found = dpkg.collect(FakeView({path: Link(target=target)}), DEFAULT)
    assert [item.where for item in found.unknowns] == [path]
    assert dpkg.collect(FakeView({"/etc/x": ""}), DEFAULT).unknowns == ()


def test_the_limit_on_packages_is_said_aloud() -> None:
    status = "\n".join(GOOD.replace("alpha", f"p{number}") for number in range(9))
    observed = dpkg.collect(FakeView({"/var/lib/dpkg/status": status}), Limits(packages=5))
    assert "limit of 5" in observed.unknowns[0].reason


def test_time_grows_with_the_length_and_no_faster() -> None:
    """A hundred thousand continuation lines, and as many blank ones: quadratic code would take minutes."""
    raw = GOOD + "Depends: a\n" + " b,\n" * 100_000 + "\n" + " \n" * 100_000 + "\n" + LAST
    assert [item.name for item in packages(raw)] == ["alpha", "omega"]


def test_file_lists_claim_python_metadata_interpreters_and_libraries_only() -> None:
    lists = "/.\n/usr/bin/python3.11\n/usr/lib/python3/dist-packages/six-1.16.egg-info\n/usr/share/doc\n"
    view = FakeView(
        {
            "/var/lib/dpkg/status": GOOD,
            "/var/lib/dpkg/info/alpha:amd64.list": lists + "/usr/lib/libgomp.so.1.0.0\n",
        }
    )
    claims = dpkg.collect(view, DEFAULT).claims
    assert [claim.path for claim in claims] == [
        "/usr/bin/python3.11",
        "/usr/lib/python3/dist-packages/six-1.16.egg-info",
        "/usr/lib/libgomp.so.1.0.0",
    ]


def test_this_machine_gives_what_dpkg_query_gives() -> None:
    """Where there is no dpkg-query there is no database either, and then nothing may be found."""
    database = Path("/var/lib/dpkg/status")
    raw = database.read_bytes() if database.is_file() else b""
    found = sorted((item.name, item.version, item.architecture) for item in packages(raw))
    expected: list[tuple[str, ...]] = []
    if shutil.which("dpkg-query"):
        form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"
        answer = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True)
        lines = (line.split("\t") for line in answer.stdout.splitlines())
        expected = sorted(tuple(line[1:]) for line in lines if line[0] == "installed")
    assert found == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([b"\n", b" ", b"\r", b"Package: a1", b":", b"\0", b"\xff", b"Version: 1"])))
def test_good_stanzas_around_any_bytes_survive(pieces: list[bytes]) -> None:
    raw = GOOD.encode() + b"\n\n" + b"".join(pieces) + b"\n\n" + LAST.encode()
    names = [item.name for item in packages(raw)]
    assert (names[0], names[-1]) == ("alpha", "omega")


def numbered(number: int) -> bytes:
    return GOOD.replace("alpha", f"p{number}").encode() + b"Depends: libc6 (>= 2.34),\n p1 | p2\nX-More: y\n"


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_damage_to_any_stanza_of_200_is_told_by_its_place(data: st.DataObject) -> None:
    """Neighbours of a damaged stanza stay, and what is unknown lies within the bytes that were damaged."""
    written = [numbered(number) for number in range(200)]
    damaged: dict[int, tuple[int, int]] = {}
    for at in data.draw(st.sets(st.integers(0, 199), min_size=1, max_size=20)):
        bad = bytearray(written[at])
        for _ in range(3):
            # Never the last line end: two stanzas would be one.
            bad[data.draw(st.integers(0, len(bad) - 2))] = data.draw(st.sampled_from(b"\0\xff\n :P\r\x1b"))
        start = sum(len(one) + 1 for one in written[:at])
        written[at] = bytes(bad)
        damaged[at] = start, start + len(bad)
    observed = dpkg.collect(FakeView({"/var/lib/dpkg/status": b"\n".join(written)}), DEFAULT)
    names = Counter(item.name for item in observed.packages)
    # A name cut short can be that of another package, so more may be seen than is good.
    assert names >= Counter(f"p{number}" for number in range(200) if number not in damaged)
    for item in observed.unknowns:
        first, last = map(int, item.where.rpartition(" ")[2].split("-"))
        assert any(start <= first <= last <= end for start, end in damaged.values())


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=400))
def test_any_bytes_are_survived(raw: bytes) -> None:
    assert all(item.version for item in packages(raw))
