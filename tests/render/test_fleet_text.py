"""A fleet as text: outliers first, hostile names harmless, the rest counted."""

from __future__ import annotations

import pytest

from reprocheck.model.base import replace
from reprocheck.model.change import Suppression
from reprocheck.model.fleet import FleetReport, Holding, Split
from reprocheck.render.fleet_text import render
from reprocheck.render.style import Style
from tests.render.html import reports


def settled(report: FleetReport) -> FleetReport:
    """Fill in what the judging of a report adds to its splits."""
    splits = []
    for split in report.splits:
        rest = [index for holding in split.holdings[1:] for index in holding.members]
        outliers = () if split.undecided else tuple(sorted(rest))
        splits.append(replace(split, outliers=outliers, torn=("",) if split.undecided else ()))
    return replace(report, splits=tuple(splits))


def test_outliers_come_first_with_what_sets_them_apart() -> None:
    lines = render(settled(replace(reports.fleet(), group_by=""))).splitlines()
    assert lines[0].startswith("differs: 16 members in 3 groups of equals, 2 not with the majority")
    text = "\n".join(lines)
    assert "570.86.10 → 550.54" in text
    parts = ("fact not with the majority", "no majority:", "groups of equals: 3")
    assert sorted(parts, key=text.index) == list(parts)


def test_the_matrix_is_shown_for_few_members_or_on_request() -> None:
    assert "distances" in render(settled(reports.fleet(12)))
    assert "distances" not in render(settled(reports.fleet(13)))
    assert "distances" in render(settled(reports.fleet(13)), everything=True)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("identical", "and nothing tells them apart"), ("inconclusive", "not everything was seen (host)")],
)
def test_the_other_verdicts_are_one_line(verdict: str, words: str) -> None:
    report = replace(reports.fleet(4, verdict=verdict), splits=())
    assert words in render(report).splitlines()[0]


def test_hostile_names_stand_as_text() -> None:
    report = settled(reports.fleet(16, names=reports.HOSTILE))
    text = render(report, everything=True, style=Style(color=False))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u{202e}" in text


def test_more_than_the_first_screen_is_counted() -> None:
    splits = tuple(
        Split(
            section="host",
            name=f"fact-{n}",
            attribute="value",
            majority="1",
            undecided=False,
            holdings=(Holding(value="1", members=(0, 1)), Holding(value="2", members=(2,))),
            outliers=(2,),
        )
        for n in range(20)
    )
    base = reports.fleet(3)
    report = replace(base, splits=splits, groups=base.groups)
    text = render(report)
    assert "and 13 more" in text
    assert "fact-19" in render(report, everything=True)


def test_suppressed_and_repeated_are_told() -> None:
    report = replace(
        reports.fleet(3),
        suppressed=(
            Suppression(pattern="environment:RANK", origin="default", count=2),
            Suppression(pattern="x:y", origin="option", count=0),
        ),
        repeated=("a.json",),
    )
    text = render(report)
    assert "2 by the lists of noise (--all shows them)" in text
    assert "ignored nothing: x:y" in text
    assert "given more than once, counted once: a.json" in text


def test_no_line_of_prose_is_wider_than_asked() -> None:
    report = settled(replace(reports.fleet(), unknowns=(), left_out=()))
    assert all(len(line) <= 60 for line in render(report, width=60).splitlines()[2:])
