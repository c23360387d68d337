"""PRV rules."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.checks import check
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.manifest import Observation
from reprocheck.model.package import DirectUrl
from tests.checks.recorded import clean, found, outcome, report, unknown
from tests.strategies import make_host, make_input, make_pypi, make_variable


def test_prv_902_a_snapshot_without_a_run_has_no_command() -> None:
    """The one rule for which the absence of a run is the finding."""
    assert found("PRV-902", replace(clean(), run=None)) == (("high", "run"),)


def test_prv_902_a_withheld_argument_is_found_at_its_place() -> None:
    """The command cannot be repeated as it was."""
    run = {"argv": ("train", "--token", "***"), "withheld_arguments": (2,)}
    assert found("PRV-902", clean(run=run)) == (("high", "run.argv[2]"),)


def test_prv_902_an_empty_command_is_found() -> None:
    """Nothing to start."""
    assert found("PRV-902", clean(run={"argv": ()})) == (("high", "run.argv"),)


def test_prv_902_a_whole_command_passes() -> None:
    """The ordinary case."""
    assert outcome("PRV-902", clean()) == "passed"


def test_prv_904_each_missing_fact_is_found() -> None:
    """No host, no time."""
    manifest = clean(host=None, observation=Observation(tools=()))
    places = {where for _, where in found("PRV-904", manifest)}
    assert places == {"host.cpu.model", "host.memory_bytes", "observation.duration_ms"}


def test_prv_904_hardware_memory_and_time_pass() -> None:
    """All three are recorded."""
    assert outcome("PRV-904", clean(host=make_host())) == "passed"


@pytest.mark.parametrize(
    ("argv", "environment"),
    [
        (("train", "--seed", "1"), ()),
        (("train", "trainer.SEED=1"), ()),
        (("train",), (make_variable("GLOBAL_SEED", "0"),)),
        (("train",), (make_variable("PYTHONHASHSEED", "0"),)),
    ],
)
def test_prv_909_a_seed_in_sight_passes(argv: tuple[str, ...], environment: tuple[Any, ...]) -> None:
    """In the command or in the environment."""
    assert outcome("PRV-909", clean(run={"argv": argv}, environment=environment)) == "passed"


@pytest.mark.parametrize("environment", [(), (make_variable("PYTHONHASHSEED", "random"),)])
def test_prv_909_no_seed_in_sight_is_found(environment: tuple[Any, ...]) -> None:
    """`random` is no seed."""
    manifest = clean(run={"argv": ("train",)}, environment=environment)
    assert found("PRV-909", manifest) == (("medium", "run.argv"),)


@pytest.mark.parametrize(
    ("spoiled", "where"),
    [
        ({"run": {"argv": ("python3", "/home/alice/train.py")}}, "run.argv[1]"),
        ({"run": {"argv": ("train", "--mail=alice@example.org")}}, "run.argv[1]"),
        ({"run": {"inputs": (make_input("/Users/alice/data"),)}}, "run.inputs[0].path"),
        ({"run": {"output_patterns": ("/home/alice/out",)}}, "run.output_patterns[0]"),
        ({"run": {"working_dir": "/home/alice"}}, "run.working_dir"),
        (
            {"environment": (make_variable("PATH", "/usr/bin:/home/alice/bin"),)},
            "environment[PATH]",
        ),
        (
            {"packages": (make_pypi("own", direct_url=DirectUrl(url="file:///home/alice/own")),)},
            "packages[own].direct_url",
        ),
    ],
)
def test_prv_910_a_person_is_found_and_not_named_again(spoiled: dict[str, Any], where: str) -> None:
    """The report says where, never who."""
    manifest = clean(**spoiled)
    assert ("medium", where) in found("PRV-910", manifest)
    findings = report(manifest).findings
    assert not any("alice" in f.message for f in findings if f.code == "PRV-910")


@pytest.mark.parametrize(
    "word",
    [
        "/home/jovyan/work/train.py",
        "git+ssh://git@github.com/x/y",
        "model@sha256:0123",
        "/srv/home-made/x",
        "a@b",
    ],
)
def test_prv_910_shared_accounts_and_other_uses_of_the_sign_pass(word: str) -> None:
    """Nobody is named by these."""
    manifest = clean(run={"argv": ("/usr/bin/python3.11", word, "--seed=1")})
    assert outcome("PRV-910", manifest) == "passed"


def test_prv_910_a_text_over_the_limit_is_not_passed() -> None:
    """What was not read is said."""
    manifest = clean(run={"argv": ("train", "x" * 200, "--seed")})
    result = check(manifest, limits=Limits(json_string=100))
    assert [gap.reason for gap in result.unknowns if gap.where == "PRV-910"] == [
        "run.argv[1] is longer than 100 characters"
    ]


@pytest.mark.parametrize("word", ["a." * 30_000, "a@" * 30_000, "a-" * 15_000 + "@" + "b-" * 15_000])
def test_prv_910_hostile_text_takes_no_time(word: str) -> None:
    """The patterns are bounded in every repetition."""
    report(clean(run={"argv": ("train", word)}))


def test_prv_912_a_private_manifest_is_found() -> None:
    """It must not be published."""
    assert found("PRV-912", clean(private=True)) == (("high", "private"),)


def test_prv_912_failed_readings_are_counted_by_section() -> None:
    """One finding for each section."""
    manifest = clean(unknowns=(unknown("host"), unknown("packages"), unknown("packages")))
    assert found("PRV-912", manifest) == (
        ("medium", "unknowns[host]"),
        ("medium", "unknowns[packages]"),
    )


def test_prv_912_a_complete_public_manifest_passes() -> None:
    """Nothing failed."""
    assert outcome("PRV-912", clean()) == "passed"
