"""Where a manifest goes, and what is put beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprocheck.cli.options import OutputFile
from reprocheck.cli.surroundings import Surroundings
from reprocheck.errors import UsageFault


def surroundings(*data: str, labels: tuple[tuple[str, str], ...] = ()) -> Surroundings:
    return Surroundings(code=(), no_code=False, data=data, labels=labels, host_name=False)


def test_a_name_without_percent_signs_stays(tmp_path: Path) -> None:
    target = OutputFile(path=str(tmp_path / "m.json"), force=True)
    assert surroundings().beside(target).output_file == target


def test_host_and_rank_stand_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "4")
    beside = surroundings(labels=(("node", "n1"),)).beside(
        OutputFile(path=f"{tmp_path}/%h-%r.json", force=False)
    )
    assert beside.output_file.path == f"{tmp_path}/n1-4.json"


@pytest.mark.parametrize("path", [None, "-"])
def test_nothing_is_put_beside_standard_output(path: str | None) -> None:
    beside = surroundings("a").beside(OutputFile(path=path, force=False))
    assert beside.context.keep_listing is None


def test_long_listings_are_written_after_the_manifest(tmp_path: Path) -> None:
    beside = surroundings("train=a").beside(OutputFile(path=str(tmp_path / "m.json"), force=False))
    assert beside.context.keep_listing is not None
    beside.context.keep_listing("train", b"{}\n")
    assert list(tmp_path.iterdir()) == []
    beside.write(b"manifest")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "m.json": b"manifest",
        "m.data-train.jsonl": b"{}\n",
    }


def test_an_older_listing_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "m.data-a.jsonl").write_text("old")
    with pytest.raises(UsageFault) as caught:
        surroundings("a").beside(OutputFile(path=str(tmp_path / "m.json"), force=False))
    assert caught.value.code == "E_EXISTS"
    surroundings("a").beside(OutputFile(path=str(tmp_path / "m.json"), force=True))
