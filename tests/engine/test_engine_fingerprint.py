"""A developer must never see what older code saw."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import reprocheck
from reprocheck.engine.fingerprint import file_fingerprint, is_program, own_fingerprint


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package in the place of the installed one."""
    copy = tmp_path / "reprocheck"
    shutil.copytree(Path(reprocheck.__file__).parent / "collect", copy / "collect")
    (copy / "__init__.py").write_text("")
    monkeypatch.setattr(reprocheck, "__path__", [str(copy)])
    return copy


def test_it_stays_while_nothing_changes(package: Path) -> None:
    before = own_fingerprint()
    (package / "collect/__pycache__").mkdir(exist_ok=True)
    (package / "collect/__pycache__/dpkg.cpython-311.pyc").write_bytes(b"bytecode")
    assert own_fingerprint() == before


def test_every_change_of_a_file_shows(package: Path) -> None:
    """An edit of equal length whose modification time was set back, a new file, a removed one."""
    seen = {own_fingerprint()}
    module = package / "collect/dpkg.py"
    times = (module.stat().st_atime_ns, module.stat().st_mtime_ns)
    module.write_bytes(module.read_bytes()[:-2] + b"#\n")
    os.utime(module, ns=times)
    seen.add(own_fingerprint())
    (package / "collect/data.json").write_text("{}")
    seen.add(own_fingerprint())
    module.unlink()
    seen.add(own_fingerprint())
    assert len(seen) == 4


def test_a_version_shows(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del package
    before = own_fingerprint()
    monkeypatch.setattr(reprocheck, "__version__", "99.0")
    assert own_fingerprint() != before


def test_another_program_under_the_same_name_shows(tmp_path: Path) -> None:
    program = tmp_path / "syft"
    program.write_bytes(b"\x7fELF 1")
    link = tmp_path / "link"
    link.symlink_to(program)
    before = file_fingerprint(str(program))
    assert file_fingerprint(str(link)) == before
    other = tmp_path / "new"
    other.write_bytes(b"\x7fELF 2")
    shutil.copystat(program, other)
    other.rename(program)
    assert file_fingerprint(str(program)) != before


def test_a_script_is_no_program_that_can_be_told_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"#!/bin/sh\nexec syft\n")
    (tmp_path / "binary").write_bytes(b"\x7fELF\x02")
    assert is_program(str(tmp_path / "binary"))
    assert not is_program(str(tmp_path / "script"))
    assert not is_program(str(tmp_path / "missing"))
