"""Many packages: what scripts/large-rootfs makes is seen whole, and no file is read more often for it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from reprocheck.api.sight import interest
from reprocheck.collect import observe
from reprocheck.engine.directory import open_directory
from reprocheck.engine.view import View
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from reprocheck.model.filetree import Entry

SCRIPT = Path(__file__).parents[2] / "scripts/large-rootfs"


def made(root: Path, packages: int, distributions: int) -> Path:
    subprocess.run([sys.executable, SCRIPT, root, str(packages), str(distributions)], check=True)
    return root


def opened(root: Path) -> View:
    return open_directory(str(root), interest=interest(digests=False, limits=DEFAULT), limits=DEFAULT)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("scale") / "root", 300, 60)


def test_every_package_and_distribution_is_seen(root: Path) -> None:
    observed = observe(opened(root), DEFAULT)
    counted = Counter(item.type for item in observed.packages)
    assert counted == {"deb": 300, "pypi": 60}
    assert [item.reason for item in observed.unknowns if item.section == "packages"] == []
    assert {item.python.files for item in observed.packages if item.python is not None} == {50}


def test_no_file_is_read_more_than_once(root: Path) -> None:
    seen: Counter[str] = Counter()
    view = opened(root)

    def load(entry: Entry, limit: int) -> bytes:
        seen[entry.path] += 1
        return view.load(entry, limit)

    observe(replace(view, load=load), DEFAULT)
    assert len(seen) > 300 + 60 * 4
    twice = {path for path, count in seen.items() if count > 1}
    assert twice <= {"/etc/os-release", "/usr/bin/python3.11"}


def test_the_same_arguments_give_the_same_files(root: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "root", 300, 60)
    for path in (item for item in root.rglob("*") if item.is_file()):
        assert path.read_bytes() == (again / path.relative_to(root)).read_bytes()
