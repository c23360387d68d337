"""Kept outputs come back under the names they had."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.store import copy_out, describe_store, prune
from reprocheck.errors import CouldNotRun, InputFault, UsageFault
from reprocheck.model.manifest import Manifest
from tests.strategies import make_manifest, make_output, make_run

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    made = Outside(
        environ={"REPROCHECK_STATE": str(tmp_path / "state")}, home=str(tmp_path), directory=str(tmp_path)
    )
    made.store().keep(io.BytesIO(CONTENT), DIGEST)
    return made


def recorded(*names: str, sha256: str = DIGEST) -> Manifest:
    outputs = tuple(make_output(name, sha256=sha256, size=len(CONTENT)) for name in names)
    return make_manifest(run=make_run(outputs=outputs))


def test_outputs_are_copied_out_by_name(outside: Outside, tmp_path: Path) -> None:
    words = copy_out(recorded("/out/a.pt", "/out/deep/b.pt"), "copies", outside)

    assert words == "copied 2 outputs to copies\n"
    assert (tmp_path / "copies/out/a.pt").read_bytes() == CONTENT
    assert (tmp_path / "copies/out/deep/b.pt").read_bytes() == CONTENT


def test_an_existing_directory_is_kept(outside: Outside, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()

    with pytest.raises(UsageFault) as caught:
        copy_out(recorded("/out/a.pt"), "copies", outside)

    assert caught.value.code == "E_EXISTS"
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_name_that_climbs_is_refused(outside: Outside, tmp_path: Path) -> None:
    with pytest.raises(InputFault):
        copy_out(recorded("/out/../../evil"), "copies", outside)

    assert not (tmp_path / "copies").exists()


def test_a_missing_copy_leaves_nothing(outside: Outside, tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun) as caught:
        copy_out(recorded("/out/a.pt", sha256="0" * 64), "copies", outside)

    assert caught.value.code == "E_NOT_KEPT"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_clashing_names_leave_nothing(outside: Outside, tmp_path: Path) -> None:
    with pytest.raises((CouldNotRun, UsageFault)):
        copy_out(recorded("/out", "/out/a.pt"), "copies", outside)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_a_manifest_without_outputs_is_told(outside: Outside) -> None:
    with pytest.raises(UsageFault) as caught:
        copy_out(make_manifest(run=None), "copies", outside)

    assert caught.value.code == "E_NO_RUN"


def test_the_store_is_described_and_pruned(outside: Outside) -> None:
    assert "1 kept output, 7 B" in describe_store(outside)
    assert prune(outside, days=1) == "removed 0 kept outputs, 0 B\n"
    assert prune(outside, days=None) == "removed 1 kept output, 7 B\n"
    assert describe_store(outside).startswith("0 kept outputs")
