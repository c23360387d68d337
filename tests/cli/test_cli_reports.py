"""`--format`, `-o FMT=FILE` and the configuration file, by way of `diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reprocheck.codec import encode_manifest, seal
from reprocheck.model.base import replace
from tests.faults.harness import World
from tests.strategies import make_manifest, make_pypi, make_variable


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two manifests that differ in a package and in a variable."""
    world = World.at(tmp_path / "world")
    first = make_manifest()
    second = replace(
        first,
        packages=(*first.packages, make_pypi("added", "1.0")),
        environment=(*first.environment, make_variable("OMP_NUM_THREADS", "3")),
    )
    for name, manifest in (("a.json", first), ("b.json", second)):
        (world.cwd / name).write_bytes(encode_manifest(seal(manifest)))
    return world


def test_several_formats_at_once(world: World) -> None:
    done = world.run(
        "diff", "a.json", "b.json", "-o", "json=d.json", "-o", "html=d.html", "--format", "terse"
    )
    assert (done.code, len(done.out.splitlines())) == (1, 2)
    assert json.loads((world.cwd / "d.json").read_text())["verdict"] == "differs"
    assert (world.cwd / "d.html").read_text().startswith("<!doctype html>")


def test_a_plain_file_takes_the_chosen_format_and_stdout_nothing(world: World) -> None:
    done = world.run("diff", "a.json", "b.json", "-o", "d.json", "--format", "json")
    assert (done.code, done.out) == (1, "")
    assert json.loads((world.cwd / "d.json").read_text())["verdict"] == "differs"
    again = world.run("diff", "a.json", "b.json", "-o", "d.json")
    assert (again.code, "E_EXISTS" in again.err) == (2, True)
    assert world.run("diff", "a.json", "b.json", "-o", "d.json", "--force").code == 1


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "x", "-o", "y"),
        ("--config", "c.toml", "--no-config"),
        ("--format", "sarif"),
        ("--lock", "requirements.txt"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(world: World, options: tuple[str, ...]) -> None:
    done = world.run("diff", "a.json", "b.json", *options)
    assert (done.code, done.out) == (2, "")


def test_the_configuration_is_found_above_and_can_be_left_out(world: World) -> None:
    everything = {"OMP_NUM_THREADS", "added"}

    def names(*options: str) -> set[str]:
        done = world.run(
            "diff", "../a.json", "../b.json", "--format", "json", *options, prefix=("env", "-C", str(inside))
        )
        return {finding["name"] for finding in json.loads(done.out)["findings"]} & everything

    inside = world.cwd / "inside"
    inside.mkdir()
    assert names() == everything
    (world.cwd / "pyproject.toml").write_text('[tool.reprocheck.diff]\nignore = ["pypi:added"]\n')
    assert names() == {"OMP_NUM_THREADS"}
    assert names("--no-config") == everything
    (world.cwd / "own.toml").write_text('diff = {ignore = ["environment:*"]}\n')
    assert names("--config", "../own.toml") == {"added"}
    assert names("--config", "../own.toml", "--ignore", "packages:*") == set()
    (world.cwd / "pyproject.toml").write_text("[tool.reprocheck.diff]\nignores = []\n")
    done = world.run("diff", "../a.json", "../b.json", prefix=("env", "-C", str(inside)))
    done.failed(2, "E_CONFIG", "ignores")


def test_everything_ignored_is_said_and_counted(world: World) -> None:
    done = world.run("diff", "a.json", "b.json", "--format", "json", "--ignore", "*:*")
    report = json.loads(done.out)
    assert report["verdict"] in ("identical", "inconclusive")
    assert sum(row["count"] for row in report["suppressed"]) == 2
