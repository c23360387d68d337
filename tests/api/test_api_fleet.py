"""Reading a fleet: from files and directories, one at a time, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reprocheck.api.fleet import files_of, fleet
from reprocheck.codec import encode, encode_manifest, seal
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT
from reprocheck.model.context import Label
from reprocheck.model.fleet import FleetReport
from tests.strategies import make_deb, make_manifest


def document(node: str, version: str = "1.0") -> bytes:
    manifest = make_manifest(labels=(Label(name="node", value=node),), packages=(make_deb("x", version),))
    return encode_manifest(seal(manifest))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name, version in (("a", "1.0"), ("b", "1.0"), ("c", "2.0")):
        (tmp_path / f"{name}.json").write_bytes(document(name, version))
    (tmp_path / "notes.txt").write_text("no manifest")
    return tmp_path


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def report_on(*paths: str | Path) -> FleetReport:
    return fleet(files_of(map(str, paths), read), limits=DEFAULT)


def test_a_directory_is_its_manifests_in_the_order_of_their_names(runs: Path) -> None:
    report = report_on(runs)
    assert [member.name for member in report.members] == ["a", "b", "c"]
    assert report.verdict == "differs"
    assert [member.name for member in report.members if member.outlying] == ["c"]


def test_the_same_file_counts_once_and_is_named(runs: Path) -> None:
    link = runs / "link.json"
    link.symlink_to(runs / "a.json")
    first = str(runs / "a.json")
    report = report_on(first, runs / "b.json", first, link)
    assert [member.name for member in report.members] == ["a", "b"]
    assert report.repeated == (first,)


def test_equal_bytes_under_two_names_are_two_members(runs: Path) -> None:
    (runs / "d.json").write_bytes(document("a"))
    report = report_on(runs / "a.json", runs / "d.json")
    assert [member.name for member in report.members] == ["a (a.json)", "a (d.json)"]
    assert report.distances == ((), (0,))


def test_one_broken_file_is_named_and_nothing_is_reported(runs: Path) -> None:
    (runs / "b.json").write_bytes(document("b")[:-40])
    with pytest.raises(InputFault, match=r"b\.json") as caught:
        report_on(runs)
    assert caught.value.code == "E_JSON"


def test_one_edited_file_is_named(runs: Path) -> None:
    raw = (runs / "c.json").read_bytes()
    (runs / "c.json").write_bytes(raw.replace(b'"x"', b'"y"'))
    with pytest.raises(InputFault, match=r"c\.json") as caught:
        report_on(runs)
    assert caught.value.code == "E_DIGEST"


def test_a_manifest_of_another_major_version_is_named(runs: Path) -> None:
    raw = (runs / "c.json").read_bytes()
    (runs / "c.json").write_bytes(raw.replace(b'"schema_version": "1.', b'"schema_version": "2.'))
    with pytest.raises(InputFault, match=r"c\.json") as caught:
        report_on(runs)
    assert caught.value.code == "E_SCHEMA_VERSION"


def test_a_directory_without_manifests_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputFault, match="holds no manifest") as caught:
        report_on(tmp_path)
    assert caught.value.code == "E_FLEET_EMPTY"


def test_no_file_at_all_is_an_error() -> None:
    with pytest.raises(InputFault) as caught:
        report_on()
    assert caught.value.code == "E_FLEET_EMPTY"


def test_files_are_read_one_after_the_other(runs: Path) -> None:
    """The second is not asked for before the first was taken in."""
    asked: list[str] = []

    def files() -> Iterator[tuple[str, bytes]]:
        for name in ("a", "broken", "never"):
            asked.append(name)
            yield name, document(name) if name == "a" else b"{"

    with pytest.raises(InputFault):
        fleet(files(), limits=DEFAULT)
    assert asked == ["a", "broken"]


def test_the_same_files_give_the_same_bytes(runs: Path) -> None:
    assert encode(report_on(runs)) == encode(report_on(runs))
