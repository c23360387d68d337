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


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "htm=x.html"),
        ("-o", "htm=sub/x.html"),
        ("-o", "json="),
        ("-o", "json=-", "-o", "html=-"),
        ("-o", "json=-", "--format", "text"),
        ("-o", "json=q", "-o", "html=./q"),
        ("-o", "q", "-o", "json=q"),
    ],
)
def test_an_unknown_format_and_a_place_named_twice_are_refused_before_anything(
    world: World, options: tuple[str, ...]
) -> None:
    before = sorted(world.cwd.iterdir())
    done = world.run("diff", "a.json", "b.json", *options)
    assert (done.code, done.out) == (2, "")
    assert sorted(world.cwd.iterdir()) == before


def test_the_formats_are_named_and_a_directory_part_makes_it_a_file_name(world: World) -> None:
    done = world.run("diff", "a.json", "b.json", "-o", "htm=x.html")
    assert "text, terse, json, html" in done.err
    assert world.run("diff", "a.json", "b.json", "-o", "./htm=x.html").code == 1
    assert (world.cwd / "htm=x.html").exists()


def test_one_format_may_take_stdout_for_itself(world: World) -> None:
    done = world.run("diff", "a.json", "b.json", "-o", "json=-", "-o", "terse=d.txt")
    assert (done.code, json.loads(done.out)["verdict"]) == (1, "differs")


def lock(world: World) -> tuple[str, ...]:
    """A lock that names no installed package's version."""
    (world.cwd / "requirements.txt").write_text("numpy==0.1\nabsent==1.0\n")
    return ("diff", "a.json", "--lock", "requirements.txt")


def fleet(world: World) -> tuple[str, ...]:
    (world.cwd / "c.json").write_bytes((world.cwd / "a.json").read_bytes())
    return ("diff", "a.json", "b.json", "c.json")


def test_a_fleet_and_a_lock_check_have_two_lines_too(world: World) -> None:
    for argv in (lock(world), fleet(world)):
        done = world.run(*argv, "--format", "terse")
        assert (done.code, len(done.out.splitlines()), done.err) == (1, 2, "")
        assert done.out.startswith("differs")


def test_a_configured_format_that_a_report_has_not_is_said(world: World) -> None:
    (world.cwd / "pyproject.toml").write_text('[tool.reprocheck.diff]\nformat = "html"\n')
    done = world.run(*lock(world))
    assert (done.code, "html" in done.err) == (1, True)
    assert done.out.startswith("differs from requirements.txt")
    assert world.run(*fleet(world)).out.startswith("<!doctype html>")
    refused = world.run(*lock(world), "--format", "html")
    assert (refused.code, refused.out, "text, terse, json" in refused.err) == (2, "", True)


def test_what_a_lock_check_is_told_to_ignore_is_counted(world: World) -> None:
    argv = lock(world)
    done = world.run(*argv, "--ignore", "pypi:absent", "--ignore", "pypi:nobody", "--format", "json")
    report = json.loads(done.out)
    assert "absent" not in {row["name"] for row in report["differences"]}
    assert [(row["pattern"], row["count"]) for row in report["suppressed"]] == [
        ("pypi:absent", 1),
        ("pypi:nobody", 0),
    ]
    done = world.run(*argv, "--ignore", "pypi:*")
    assert done.code == 0
    assert "suppressed: 2 by pypi:*" in done.out
    (world.cwd / "pyproject.toml").write_text('[tool.reprocheck.diff]\nignore = ["pypi:*"]\n')
    assert world.run(*argv).code == 0


def test_a_lock_check_with_fix_ends_in_the_commands(world: World) -> None:
    done = world.run(*lock(world), "--fix")
    assert done.code == 1
    commands = done.out.partition("commands that make it as locked:\n")[2].splitlines()
    assert [command.strip().rpartition(" ")[2] for command in commands[:2]] == ["absent==1.0", "numpy==0.1"]
    assert world.run(*lock(world), "--group-by", "site").code == 2


def test_an_empty_lock_is_inconclusive(world: World) -> None:
    (world.cwd / "requirements.txt").write_text("# nothing\n")
    assert world.run("diff", "a.json", "--lock", "requirements.txt").code == 4
