"""The environment of a local snapshot is the one that the user works in, never reprocheck's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprocheck.api.active import ActivePython, find_active
from reprocheck.api.outside import Outside
from reprocheck.api.sight import interest
from reprocheck.limits import DEFAULT


def outside(**environ: str) -> Outside:
    return Outside(environ=environ, home="/nowhere", directory="/")


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("active") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path)], check=True)
    return path


def test_an_activated_venv_comes_first(venv: Path) -> None:
    active = find_active(outside(VIRTUAL_ENV=str(venv), CONDA_PREFIX="/nowhere", PATH=os.environ["PATH"]))

    assert active is not None
    assert active.prefix == os.path.realpath(venv)
    assert active.base == os.path.realpath(sys.base_prefix)


def test_then_a_conda_prefix(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()

    assert find_active(outside(CONDA_PREFIX=str(tmp_path), PATH="")) == ActivePython(
        prefix=str(tmp_path), base=str(tmp_path)
    )


def test_then_the_python_on_path(venv: Path) -> None:
    active = find_active(outside(PATH=f"/nowhere:{venv / 'bin'}"))

    assert active is not None
    assert active.prefix == os.path.realpath(venv)


def test_a_shim_is_asked_for_its_prefix(tmp_path: Path, venv: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec "{venv}/bin/python" "$@"\n')
    shim.chmod(0o755)

    active = find_active(outside(PATH=f"{tmp_path}:/usr/bin:/bin"))

    assert active is not None
    assert active.prefix == os.path.realpath(venv)


def test_a_python_that_does_not_answer_is_told_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "python3"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)

    assert find_active(outside(PATH=str(tmp_path / "bin"))) == ActivePython(
        prefix=str(tmp_path), base=str(tmp_path)
    )


@pytest.mark.parametrize("path", ["", "/nowhere", "relative/bin"])
def test_no_python_is_a_fact(path: str) -> None:
    assert find_active(outside(PATH=path)) is None


def test_a_deleted_virtual_env_is_passed_over(tmp_path: Path, venv: Path) -> None:
    active = find_active(outside(VIRTUAL_ENV=str(tmp_path / "gone"), PATH=str(venv / "bin")))

    assert active is not None
    assert active.prefix == os.path.realpath(venv)


def test_a_closed_venv_looks_at_no_packages_of_its_base(tmp_path: Path) -> None:
    base, venv = tmp_path / "base", tmp_path / "venv"
    site = base / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (base / "lib/python3.11/os.py").touch()
    (venv / "lib").mkdir(parents=True)
    for system_site, seen in (("false", False), ("true", True)):
        (venv / "pyvenv.cfg").write_text(f"home = {base}/bin\ninclude-system-site-packages = {system_site}\n")
        paths = ActivePython.of_prefix(str(venv)).paths()
        assert (str(base / "lib") in paths) is seen
        assert str(venv / "lib") in paths


def test_a_stream_keeps_the_metadata_that_an_installer_linked_to_its_cache() -> None:
    keep = interest(digests=False, limits=DEFAULT).keep
    for name in ("METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json"):
        assert keep(f"/root/.cache/uv/archive-v0/x1/numpy-2.0.dist-info/{name}")
    assert not keep("/root/.cache/uv/archive-v0/x1/numpy/RECORD")
