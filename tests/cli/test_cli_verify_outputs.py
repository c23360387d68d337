"""`verify --outputs DIR`: what lies there already is compared, and nothing is executed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import World

PROGRAM = """
import json
json.dump({"loss": 0.5, "steps": 3}, open("out/m.json", "w"))
open("out/w", "w").write("w")
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World.at(tmp_path / "world")
    run = ("run", "--engine", "local", "--no-syft", "--output", "out/", "-o", "run.json", "--rtol", "1e-3")
    done = made.run(*run, "--", sys.executable, "-c", PROGRAM)
    assert done.code == 0, done
    assert made.run("store", "get", "run.json", "again").code == 0
    return made


def receipt(world: World, *words: str, code: int) -> dict[str, Any]:
    done = world.run("verify", "run.json", "--outputs", "again", "--format", "json", *words)
    assert done.code == code, done
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_copied_outputs_are_identical_and_nothing_ran(world: World) -> None:
    document = receipt(world, code=0)
    assert (document["verdict"], document["level"]) == ("identical", "L0")
    assert (document["executions"], document["engine"], document["image"]) == ([], "none", "")
    done = world.run("verify", "run.json", "--outputs", "again")
    assert "nothing was executed" in done.out


def test_the_authors_tolerance_and_then_the_readers_count(world: World) -> None:
    (world.cwd / "again/out/m.json").write_text('{"loss": 0.50001, "steps": 3}')
    assert receipt(world, code=0)["verdict"] == "within-tolerance"
    stricter = receipt(world, "--rtol", "1e-9", code=1)
    assert stricter["verdict"] == "drift"
    assert "m.json" in stricter["reason"]
    assert "nothing was executed" in stricter["reason"]


def test_missing_and_extra_files_are_differences(world: World) -> None:
    (world.cwd / "again/out/w").rename(world.cwd / "again/out/v")
    found = {output["name"]: output["verdict"] for output in receipt(world, code=1)["outputs"]}
    assert found == {"out/m.json": "identical", "out/w": "missing", "out/v": "extra"}


def test_a_link_is_not_followed(world: World) -> None:
    place = world.cwd / "again/out/w"
    place.rename(world.cwd / "elsewhere")
    place.symlink_to(world.cwd / "elsewhere")
    found = {output["name"]: output["verdict"] for output in receipt(world, code=4)["outputs"]}
    assert found["out/w"] == "unknown"


def test_a_directory_that_holds_none_of_them_is_told(world: World) -> None:
    """Most probably it is laid out otherwise; `0 of 2 outputs` would be a verdict on nothing."""
    done = world.run("verify", "run.json", "--outputs", "again/out")
    done.failed(2, "E_OUTPUTS_ELSEWHERE", "again/out", "out/m.json")
    world.run("verify", "run.json", "--outputs", "nowhere").failed(2, "E_NO_DIRECTORY", "nowhere")


def test_options_of_a_run_make_no_sense_with_it(world: World) -> None:
    for words in (("--env", "A=b"), ("--gpus", "all"), ("--timeout", "5"), ("--dry-run",), ("--logs",)):
        done = world.run("verify", "run.json", "--outputs", "again", *words)
        done.failed(2, "E_USAGE", words[0], "--outputs")
