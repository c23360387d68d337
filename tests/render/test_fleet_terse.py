"""A fleet in two lines."""

from __future__ import annotations

import pytest

from reprocheck.model.base import replace
from reprocheck.render.fleet_terse import render
from tests.render.html import reports


def test_it_is_two_lines_whatever_the_report_holds() -> None:
    for report in (reports.fleet(), reports.fleet(16, names=reports.HOSTILE)):
        text = render(report)
        assert (len(text.splitlines()), text.isascii() or "\u202e" not in text) == (2, True)
        assert "16 members in 3 groups of equals" in text


def test_many_outliers_are_counted() -> None:
    report = reports.fleet(16)
    members = tuple(replace(member, outlying=1) for member in report.members)
    assert " and 11 more\n" in render(replace(report, members=members))
    none = tuple(replace(member, outlying=0) for member in report.members)
    assert render(replace(report, members=none)).startswith("differs: there is no majority to be with\n")


@pytest.mark.parametrize("verdict", ["identical", "inconclusive"])
def test_the_verdict_comes_first(verdict: str) -> None:
    assert render(replace(reports.fleet(4, verdict=verdict), splits=())).startswith(f"{verdict}: ")
