"""`--rtol`, `--atol` and `--max-ulp`: what they declare, and what they refuse."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from reprocheck.cli.tolerances import tolerance_options
from reprocheck.model.run import Tolerance, ToleranceRule


@click.command()
@tolerance_options("whose")
@click.pass_context
def probe(context: click.Context, tolerance: Tolerance | None) -> None:
    context.obj.append(tolerance)


def declared(*words: str) -> Tolerance | None:
    seen: list[Tolerance | None] = []
    done = CliRunner().invoke(probe, words, obj=seen)
    assert done.exit_code == 0, done.output
    return seen[0]


def test_without_the_options_nothing_is_declared() -> None:
    assert declared() is None


def test_plain_values_hold_for_everything_and_the_last_one_counts() -> None:
    given = declared("--rtol", "1", "--rtol", "1e-3", "--max-ulp", "4")
    assert given == Tolerance(rtol="1e-3", atol="0", max_ulp=4)


def test_options_of_one_place_make_one_rule_that_inherits_the_rest() -> None:
    given = declared(
        *("--rtol", "1e-3", "--rtol", "m.json:/loss=1e-2", "--atol", "m.json:/loss=0.5"),
        *("--max-ulp", "model.npz:dense/kernel:0=8"),
    )
    assert given == Tolerance(
        rtol="1e-3",
        rules=(
            ToleranceRule(output="m.json", key="/loss", rtol="1e-2", atol="0.5"),
            ToleranceRule(output="model.npz", key="dense/kernel:0", rtol="1e-3", max_ulp=8),
        ),
    )


def test_the_narrower_rule_comes_first() -> None:
    given = declared(*(word for p in ("*=1", "*:w=2", "a=3", "a:w*=4", "a:w=5") for word in ("--atol", p)))
    assert given is not None
    assert [rule.atol for rule in given.rules] == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    "words",
    [
        ("--rtol", ""),
        ("--rtol", "a.npy="),
        ("--atol", "=1"),
        ("--atol", "a.npy:=1"),
        ("--atol", ":w=1"),
        ("--max-ulp", "many"),
        ("--max-ulp", "-1"),
        ("--max-ulp", "1.5"),
        ("--max-ulp", "²"),
        ("--max-ulp", "a.npy=1e3"),
        ("--max-ulp", "9" * 16),
    ],
)
def test_other_forms_are_refused_by_name(words: tuple[str, str]) -> None:
    done = CliRunner().invoke(probe, words, obj=[])
    assert done.exit_code == 2
    assert words[0] in done.output.splitlines()[-1]
