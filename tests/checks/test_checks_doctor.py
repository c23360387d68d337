"""Versions in, a judged report out."""

from __future__ import annotations

import re

import pytest

from reprocheck.checks.doctor import diagnose, load_floors
from reprocheck.model.doctor import Failure, Floor
from reprocheck.model.manifest import Tool

RUNC = Floor(tool="runc", versions=("1.2.8", "1.3.3"), why="w", source="s", date="2026-01-01")


def status(version: str, floor: Floor = RUNC) -> str:
    return diagnose((Tool(name=floor.tool, version=version),), (), (floor,)).checks[0].status


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.1.5+ds1", "warning"),
        ("1.2.7", "warning"),
        ("1.2.8", "ok"),
        ("1.2.10", "ok"),
        ("1.3.0", "warning"),
        ("1.3.3-rc.1", "ok"),
        ("1.4.0", "ok"),
        ("v2.0", "ok"),
        ("unknown", "ok"),
        ("", "absent"),
    ],
)
def test_a_version_is_held_against_its_own_series(version: str, expected: str) -> None:
    assert status(version) == expected


def test_a_warning_says_why_with_its_source_and_what_to_do() -> None:
    check = diagnose((Tool(name="runc", version="1.1.5"),), (), (RUNC,)).checks[0]
    assert check.version == "1.1.5"
    assert "1.2.8 or 1.3.3" in check.message
    assert "2026-01-01" in check.message
    assert check.fix


def test_a_tool_that_fails_is_failed_whatever_its_version() -> None:
    tools = (Tool(name="syft", version="9"), Tool(name="click", version="8.3.0"))
    failure = Failure(tool="syft", message="syft ended with signal 9", fix="Reinstall syft.")
    report = diagnose(tools, (failure,), ())
    assert [(one.name, one.status) for one in report.checks] == [("click", "ok"), ("syft", "failed")]
    assert report.checks[1].fix == "Reinstall syft."


def test_what_only_an_engine_tells_is_unknown_without_one() -> None:
    """No row says that runc is fine when nobody could be asked."""
    silent = diagnose((Tool(name="docker engine", version=""),), (), ())
    assert [unknown.where for unknown in silent.unknowns] == ["containerd", "runc"]
    answered = (Tool(name="docker engine", version="29.6"), Tool(name="runc", version="1.4.0"))
    assert diagnose(answered, (), (RUNC,)).unknowns == ()


def test_a_version_that_no_floor_can_be_held_against_is_unknown() -> None:
    tools = (Tool(name="docker engine", version="29.6"), Tool(name="runc", version="unknown"))
    assert [unknown.where for unknown in diagnose(tools, (), (RUNC,)).unknowns] == ["runc"]


def test_the_order_of_what_was_found_does_not_matter() -> None:
    tools = tuple(Tool(name=name, version="1") for name in ("b", "c", "a"))
    assert diagnose(tools, (), ()) == diagnose(tools[::-1], (), ())


def test_every_missing_library_has_a_next_step() -> None:
    check = diagnose((Tool(name="msgspec", version=""),), (), ()).checks[0]
    assert (check.status, check.fix) == ("missing", "Run `pip install msgspec`.")


def test_the_shipped_table_is_sorted_dated_and_sourced() -> None:
    floors = load_floors()
    names = [floor.tool for floor in floors]
    assert names == sorted(names)
    assert {"docker engine", "python", "runc", "syft", "nvidia-container-toolkit"} <= set(names)
    for floor in floors:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", floor.date)
        assert floor.source
        assert floor.versions
