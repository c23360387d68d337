"""A second snapshot of an unchanged image: the same bytes, without a look at it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.e2e.harness import SMALL_A, Desk, derived_image

pytestmark = pytest.mark.docker


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A user of their own, who uses the cache as everybody does."""
    return Desk.at(tmp_path / "desk", cache=True)


def entries(desk: Desk) -> list[Path]:
    """Every file of the user's cache."""
    return sorted(path for path in (desk.directory / "home/.cache").rglob("*") if path.is_file())


def snapshot(desk: Desk, name: str, *options: str, image: str = SMALL_A) -> bytes:
    desk.call("snapshot", image, *options, "-o", name)
    return (desk.work / name).read_bytes()


@pytest.mark.syft
def test_the_bytes_are_the_same_with_and_without_the_cache(desk: Desk) -> None:
    """Nothing says whether an entry was used but the entry itself."""
    without = snapshot(desk, "without.json", "--no-cache")
    assert entries(desk) == []
    first = snapshot(desk, "first.json")
    kept = {path: path.stat().st_mtime_ns for path in entries(desk)}
    assert len(kept) == 2, "the sight, and the version of the syft that lies here"
    second = snapshot(desk, "second.json")
    assert without == first == second
    assert all(path.stat().st_mtime_ns > moment for path, moment in kept.items())


def test_what_was_kept_is_really_used(desk: Desk) -> None:
    """A sound entry that says something else is believed: it is this user's own."""
    first = snapshot(desk, "first.json", "--no-syft")
    (entry,) = entries(desk)
    header, _, value = entry.read_bytes().partition(b"\n")
    value = value.replace(b"zlib1g", b"zlib2g")
    maker = header.split()[2]
    name = entry.parent.name + entry.name
    digest = hashlib.sha256(name.encode() + value).hexdigest()
    entry.write_bytes(b"reprocheck-cache 1 %b %b\n%b" % (maker, digest.encode(), value))
    assert b"zlib1g" in first
    assert b"zlib1g" not in snapshot(desk, "again.json", "--no-syft")
    assert snapshot(desk, "without.json", "--no-syft", "--no-cache") == first


def test_a_tampered_entry_is_ignored_and_made_again(desk: Desk) -> None:
    first = snapshot(desk, "first.json", "--no-syft")
    (entry,) = entries(desk)
    sound = entry.read_bytes()
    for damaged in (sound.replace(b'"numpy"', b'"numpi"'), sound[: len(sound) // 2], b""):
        assert damaged != sound
        entry.write_bytes(damaged)
        assert snapshot(desk, f"{len(damaged)}.json", "--no-syft") == first
        assert entry.read_bytes() == sound


def test_a_changed_image_is_looked_at(desk: Desk) -> None:
    """A new image under the old name, with one distribution more."""
    place = "/usr/local/lib/python3.11/dist-packages/odd-9.9.dist-info"
    command = (
        f"mkdir -p {place} && printf 'Metadata-Version: 2.1\\nName: odd\\nVersion: 9.9\\n' > {place}/METADATA"
    )
    names = []
    for lines in ((), (f"RUN {command}",)):
        with derived_image(*lines) as image:
            manifest = desk.call("snapshot", image, "--no-syft").json()
            names.append({package["name"] for package in manifest["packages"]})
    assert names[1] - names[0] == {"odd"}


def test_a_run_takes_what_a_snapshot_kept(desk: Desk) -> None:
    """One entry serves both; with another LD_LIBRARY_PATH the loader's choices are looked at anew."""
    taken = desk.call("snapshot", SMALL_A, "--no-syft").json()
    before = entries(desk)
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    recorded = desk.record("run.json", *options)
    assert entries(desk) == before
    assert recorded["packages"] == taken["packages"]
    assert recorded["digests"]["content"] == taken["digests"]["content"]
    desk.record("other.json", *options, "--env", "LD_LIBRARY_PATH=/opt/lib")
    assert len(entries(desk)) == len(before) + 1


def test_the_cache_can_be_seen_and_emptied(desk: Desk) -> None:
    snapshot(desk, "first.json", "--no-syft")
    told = json.loads(desk.call("cache", "--format", "json").stdout)
    assert (told["entries"], told["place"]) == (1, str(desk.directory / "home/.cache/reprocheck"))
    desk.call("cache", "prune")
    assert len(entries(desk)) == 1
    assert desk.call("cache", "prune", "--all").stdout.startswith("removed 1 cached result")
    assert entries(desk) == []
