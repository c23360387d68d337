"""`reprocheck cache`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reprocheck.cli.main import reprocheck
from reprocheck.engine.cache import Cache
from reprocheck.engine.fingerprint import own_fingerprint


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "reprocheck"


def call(*words: str) -> Result:
    result = CliRunner().invoke(reprocheck, ["cache", *words])
    assert result.exit_code == 0, result.output
    return result


def put(home: Path, name: str, *, maker: str) -> None:
    assert Cache(str(home), maker=maker, limit=1 << 20).put(name * 64, b"value")


def test_an_empty_cache_is_no_error_and_makes_nothing(home: Path) -> None:
    assert "0 cached results, 0 B of at most" in call().output
    assert str(home) in call().output
    assert call("prune").output.startswith("removed 0 cached results, 0 B\n")
    assert not home.exists()


def test_prune_removes_what_another_version_made(home: Path) -> None:
    put(home, "a", maker="0" * 64)
    put(home, "b", maker=own_fingerprint())
    assert call().output.startswith("2 cached results")
    assert call("prune").output.startswith("removed 1 cached result, ")
    assert call().output.startswith("1 cached result,")
    assert call("prune", "--all").output.startswith("removed 1 cached result, ")
    assert call().output.startswith("0 cached results")


def test_json_says_the_same_in_numbers(home: Path) -> None:
    put(home, "a", maker="0" * 64)
    told = json.loads(call("--format", "json").output)
    assert (told["schema_version"], told["place"], told["entries"]) == ("1.0", str(home), 1)
    assert told["bytes"] > 5
    pruned = json.loads(call("prune", "--all", "--format", "json").output)
    assert (pruned["removed"], pruned["freed"], pruned["entries"]) == (1, told["bytes"], 0)
