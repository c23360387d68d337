"""rpm packages as values, and databases that are not ours to read."""

from __future__ import annotations

import pytest

from reprocheck.collect import observe, rpm, wanted
from reprocheck.collect.syft import SyftPackage, adopt_rpm, cross_check
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from tests.collect.fakeview import Content, FakeView, Link, metadata
from tests.collect.rpm_files import (
    BASES,
    EPOCH,
    INDEXES,
    NAME,
    PLACES,
    RELEASE,
    REQUIRES,
    SOURCE,
    VERSION,
    database,
    header,
    package,
)

OS = 'ID="rocky"\nVERSION_ID="9.4"\n'
PLACE = "/var/lib/rpm/rpmdb.sqlite"
SITE = "/usr/lib/python3.9/site-packages"
SIX = package(
    "python3-six", "1.15.0", "9.el9", (SOURCE, "python-six-1.15.0-9.el9.src.rpm"),
    (BASES, ["six-1.15.0.dist-info", "METADATA", "six.py"]),
    (PLACES, [f"{SITE}/", f"{SITE}/six-1.15.0.dist-info/"]), (INDEXES, [0, 1, 0]),
)  # fmt: skip


def view(*blobs: bytes, **files: Content) -> FakeView:
    return FakeView({PLACE: database(blobs), "/etc/os-release": OS, **files})


def test_every_field_of_a_package_is_kept() -> None:
    blob = package(
        "bash", "5.1.8", "9.el9", (EPOCH, 2), (SOURCE, "bash-5.1.8-9.el9.src.rpm"), (REQUIRES[0], ["/bin/sh"])
    )
    (found,) = rpm.collect(view(blob), DEFAULT).packages
    assert (found.type, found.name, found.version, found.architecture) == (
        "rpm",
        "bash",
        "2:5.1.8-9.el9",
        "x86_64",
    )
    assert (found.source_name, found.source_version) == ("bash", "5.1.8-9.el9")
    assert found.purl == (
        "pkg:rpm/rocky/bash@5.1.8-9.el9?arch=x86_64&distro=rocky-9.4&epoch=2&upstream=bash-5.1.8-9.el9.src.rpm"
    )
    assert found.depends == ("/bin/sh",)


def test_a_key_is_a_package_as_it_is_to_rpm() -> None:
    (found,) = rpm.collect(
        view(header((NAME, "gpg-pubkey"), (VERSION, "e226"), (RELEASE, "6b03"))), DEFAULT
    ).packages
    assert (found.name, found.version, found.architecture, found.source_name) == (
        "gpg-pubkey",
        "e226-6b03",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("a-b-1.0-2.src.rpm", "a-b", "1.0-2"),
        ("a-1.0-2.nosrc.rpm", "a", "1.0-2"),
        ("(none)", "", ""),
        ("a-1.src.rpm", "", ""),
        ("-1-2.src.rpm", "", ""),
    ],
)
def test_the_source_package_is_told_from_its_file_name(file: str, name: str, version: str) -> None:
    assert rpm.split_source(file) == (name, version)


def test_a_bad_row_costs_nothing_but_itself() -> None:
    bad = (
        b"\1\2",
        package(""),
        package("b d"),
        package("../x", "1"),
        package("e", "1\x1b[2J"),
        package("v", ""),
    )
    observed = rpm.collect(view(package("alpha"), *bad, package("omega")), DEFAULT)
    assert [item.name for item in observed.packages] == ["alpha", "omega"]
    assert [item.where for item in observed.unknowns] == [f"{PLACE} row {number}" for number in range(2, 8)]


def test_text_that_cannot_be_shown_is_written_out() -> None:
    (found,) = rpm.collect(view(package("a", "1", "1", (REQUIRES[0], ["x\x1b[2J"]))), DEFAULT).packages
    assert found.depends == ("x\\x1b[2J",)


def test_a_database_is_read_once_under_its_real_path() -> None:
    files: dict[str, Content] = {
        "/var/lib/rpm": Link(target="../../usr/lib/sysimage/rpm"),
        "/usr/lib/sysimage/rpm/rpmdb.sqlite": database([package("a")]),
    }
    assert [item.name for item in rpm.collect(FakeView(files), DEFAULT).packages] == ["a"]


def test_a_distribution_is_owned_by_the_package_that_holds_it() -> None:
    files: dict[str, Content] = {
        "/usr/bin/python3.9": b"",
        f"{SITE}/six-1.15.0.dist-info/METADATA": metadata("six", "1.15.0"),
    }
    observed = observe(view(SIX, **files), DEFAULT)
    owner = next(item.purl for item in observed.packages if item.type == "rpm")
    assert [item.owner for item in observed.packages if item.type == "pypi"] == [owner]


def test_no_database_is_no_unknown() -> None:
    assert rpm.collect(FakeView({"/var/lib/rpm/readme": b""}), DEFAULT).unknowns == ()


def test_a_database_that_cannot_be_read_is_an_unknown() -> None:
    for files in ({PLACE: b"nonsense"}, {PLACE: b""}):
        (item,) = rpm.collect(FakeView(files), DEFAULT).unknowns
        assert (item.section, item.where) == ("packages", PLACE)
    (item,) = rpm.collect(FakeView({PLACE: database([])}, broken=frozenset({PLACE})), DEFAULT).unknowns
    assert item.where == PLACE


def test_a_log_that_cannot_be_read_is_an_unknown_and_the_database_stays() -> None:
    log = f"{PLACE}-wal"
    files: dict[str, Content] = {PLACE: database([package("a")]), log: b""}
    observed = rpm.collect(FakeView(files, broken=frozenset({log})), DEFAULT)
    assert [item.name for item in observed.packages] == ["a"]
    assert [item.where for item in observed.unknowns] == [log]


def test_the_database_and_its_log_are_asked_for_at_every_place() -> None:
    for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"):
        assert wanted(f"{directory}/rpmdb.sqlite")
        assert wanted(f"{directory}/rpmdb.sqlite-wal")
    assert not wanted("/home/me/rpmdb.sqlite")


BERKELEY = "/var/lib/rpm/Packages"
NDB = "/usr/lib/sysimage/rpm/Packages.db"


def theirs(location: str, name: str = "bash", version: str = "2:5.1-9.el8") -> SyftPackage:
    purl = f"pkg:rpm/centos/{name}@5.1-9.el8?arch=x86_64&epoch=2&upstream=bash-5.1-9.el8.src.rpm"
    return SyftPackage(type="rpm", name=name, version=version, purl=purl, location=location)


def test_an_older_form_is_an_unknown_unless_a_newer_one_lies_beside_it() -> None:
    both = FakeView({BERKELEY: b"x", NDB: b"x"})
    assert [item.where for item in rpm.collect(both, DEFAULT).unknowns] == [NDB, BERKELEY]
    beside = FakeView({BERKELEY: b"x", PLACE: database([package("a")])})
    assert rpm.collect(beside, DEFAULT).unknowns == ()


def test_what_only_syft_reads_is_taken_from_it_and_said() -> None:
    observed = observe(FakeView({BERKELEY: b"x", NDB: b"x", "/etc/os-release": OS}), DEFAULT)
    told = (theirs(BERKELEY), theirs(BERKELEY, "gpg-pubkey", "1-2"))
    adopted, notes = adopt_rpm(observed, told, tool="syft 9")
    bash, key = adopted.packages
    assert (bash.name, bash.version, bash.architecture, bash.source_name) == (
        "bash",
        "2:5.1-9.el8",
        "x86_64",
        "bash",
    )
    assert bash.purl == (
        "pkg:rpm/rocky/bash@5.1-9.el8?arch=x86_64&distro=rocky-9.4&epoch=2&upstream=bash-5.1-9.el8.src.rpm"
    )
    assert key.version == "1-2"
    assert [item.where for item in adopted.unknowns] == [NDB]
    assert notes == (f"2 packages of {BERKELEY} (Berkeley DB) are as syft 9 reads them",)
    assert cross_check(adopted.packages, told, tool="syft 9") == ()


def test_nothing_is_taken_from_syft_where_we_read_ourselves() -> None:
    observed = observe(FakeView({PLACE: database([package("a")])}), DEFAULT)
    assert adopt_rpm(observed, (theirs(PLACE),), tool="syft 9") == (observed, ())
    nothing = replace(observed, packages=(), unknowns=(rpm.unread(BERKELEY),))
    assert adopt_rpm(nothing, (theirs(PLACE),), tool="syft 9") == (nothing, ())


@pytest.mark.parametrize("version", ["", "1", "9" * 5_000 + ":1-1", "x:1-1", "²:1-1", "-", "a-b-c"])
def test_any_version_of_syft_s_is_survived(version: str) -> None:
    observed = observe(FakeView({BERKELEY: b"x"}), DEFAULT)
    told = SyftPackage(type="rpm", name="a", version=version, purl="pkg:", location=BERKELEY)
    adopted, _ = adopt_rpm(observed, (told,), tool="syft 9")
    assert [item.name for item in adopted.packages] == ["a"]


def test_a_database_that_is_no_file_or_a_lost_link_is_never_an_empty_one() -> None:
    view = FakeView(
        {"/var/lib/rpm/rpmdb.sqlite/inside": b"", "/usr/lib/sysimage/rpm": Link(target="../nowhere")}
    )
    found = [(item.where, item.reason) for item in rpm.collect(view, DEFAULT).unknowns]

    assert found == [
        ("/usr/lib/sysimage/rpm", "is a link that leads to nothing"),
        ("/var/lib/rpm/rpmdb.sqlite", "is no regular file"),
    ]
