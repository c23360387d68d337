"""The page of a fleet: who is not like the others, and in what."""

from __future__ import annotations

from collections.abc import Callable

from reprocheck.model.base import Frozen
from reprocheck.model.change import SECTIONS
from reprocheck.model.fleet import FleetReport, Split
from reprocheck.render.html.diff import MOST_ROWS, Choice, choices
from reprocheck.render.html.page import build
from reprocheck.render.html.words import EFFECTS
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

MOST_IN_MATRIX = 200
"""Rows of the distance matrix; above, it is drawn of the groups of equal members."""
MOST_NAMED = 20
"""Members that one value names; the rest is counted."""
FIRST_SCREEN = 7
MOST_FACTS = 12
"""Facts that the card of one outlier lists."""
SHADES = 5


class Part(Frozen, frozen=True, kw_only=True):
    """One value of a fact, and who has it."""

    value: str | None
    count: int
    names: tuple[str, ...]
    majority: bool


class Row(Frozen, frozen=True, kw_only=True):
    """A fact that the fleet does not agree on."""

    rank: int
    split: Split
    parts: tuple[Part, ...]


class Deviation(Frozen, frozen=True, kw_only=True):
    """What one member has and most others have not."""

    split: Split
    value: str | None


class Outlier(Frozen, frozen=True, kw_only=True):
    """A member that is not with the majority, and the first facts in which it is not."""

    name: str
    file: str
    group: str
    count: int
    facts: tuple[Deviation, ...]


class Matrix(Frozen, frozen=True, kw_only=True):
    """All-pairs distances: one row per name, the lower triangle without the diagonal."""

    of_groups: bool
    names: tuple[str, ...]
    cells: tuple[tuple[tuple[int, int], ...], ...]
    """(distance, shade from 0 to `SHADES`)."""


def render_fleet(report: FleetReport) -> str:
    """Return the report as one HTML page, self-contained; equal reports give equal pages."""
    listed = report.splits[:MOST_ROWS]
    outlying = [member.outlying for member in report.members]
    chart = any(outlying)
    return build(
        "fleet.html.j2",
        scripts=("uPlot.iife.min.js", "page.js", "fleet.js") if chart else ("page.js",),
        styles=("uPlot.min.css", "page.css") if chart else ("page.css",),
        uses=("uplot",) if chart else (),
        title=f"fleet: {report.verdict}",
        report=report,
        headline=_headline(report),
        outliers=_outliers(report),
        outlying=sum(count > 0 for count in outlying),
        groups=[
            (group.fingerprint[:19], len(group.members), _names(report, group.members))
            for group in report.groups[:MOST_ROWS]
        ],
        rows=[_row(rank, split, report) for rank, split in enumerate(listed, start=1)],
        left=len(report.splits) - len(listed),
        choices=_choices(listed),
        matrix=_matrix(report),
        most_in_matrix=MOST_IN_MATRIX,
        most_outlying=max(outlying, default=0),
        data={
            "outlying": list(outlying),
            "names": [show(member.name, limit=80) for member in report.members],
        }
        if chart
        else None,
    )


def _choices(listed: tuple[Split, ...]) -> list[tuple[str, str, tuple[Choice, ...]]]:
    return [
        ("effect", "Effect", choices((split.effect for split in listed), tuple(EFFECTS), EFFECTS)),
        ("section", "Section", choices((split.section for split in listed), SECTIONS)),
        ("majority", "Majority", choices(map(_majority, listed), ("yes", "none"))),
    ]


def _majority(split: Split) -> str:
    return "none" if split.undecided else "yes"


def _headline(report: FleetReport) -> str:
    members = plural(len(report.members), "member")
    if report.verdict == "identical":
        return f"{members}, and nothing tells them apart"
    if report.verdict == "inconclusive":
        return f"{members}: nothing that was seen tells them apart, but not everything was seen"
    return (
        f"{members} in {plural(len(report.groups), 'group')} of equals; "
        f"they do not agree on {plural(sum(not split.noise for split in report.splits), 'fact')}"
    )


def _names(report: FleetReport, members: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(report.members[index].name for index in members[:MOST_NAMED])


def _row(rank: int, split: Split, report: FleetReport) -> Row:
    parts = tuple(
        Part(
            value=holding.value,
            count=len(holding.members),
            names=_names(report, holding.members),
            majority=not split.undecided and holding.value == split.majority,
        )
        for holding in split.holdings
    )
    return Row(rank=rank, split=split, parts=parts)


def _outliers(report: FleetReport) -> list[Outlier]:
    """Give the members that differ most from the majority, each with the first facts in rank order."""
    far = sorted(
        (index for index, member in enumerate(report.members) if member.outlying),
        key=lambda index: (-report.members[index].outlying, report.members[index].name, index),
    )[:FIRST_SCREEN]
    facts: dict[int, list[Deviation]] = {index: [] for index in far}
    for split in report.splits:
        apart = facts.keys() & set(split.outliers)
        if split.noise or not apart:
            continue
        for holding in split.holdings:
            for index in apart & set(holding.members):
                if len(facts[index]) < MOST_FACTS:
                    facts[index].append(Deviation(split=split, value=holding.value))
    return [
        Outlier(
            name=report.members[index].name,
            file=report.members[index].file,
            group=report.members[index].group,
            count=report.members[index].outlying,
            facts=tuple(facts[index]),
        )
        for index in far
    ]


def _matrix(report: FleetReport) -> Matrix | None:
    """Give the matrix of the members, of the groups when they are too many, or none at all."""
    count = len(report.members)
    if len(report.distances) != count:
        return None
    if count <= MOST_IN_MATRIX:
        names = tuple(member.name for member in report.members)
        return _shaded(names, lambda i, j: report.distances[i][j], of_groups=False)
    if len(report.groups) > MOST_IN_MATRIX:
        return None
    # Equal members have equal distances, so that any of them stands for its group.
    first = [group.members[0] for group in report.groups]
    names = tuple(
        f"{report.members[group.members[0]].name} and {len(group.members) - 1} equal"
        if len(group.members) > 1
        else report.members[group.members[0]].name
        for group in report.groups
    )
    return _shaded(
        names,
        lambda i, j: report.distances[max(first[i], first[j])][min(first[i], first[j])],
        of_groups=True,
    )


def _shaded(names: tuple[str, ...], distance: Callable[[int, int], int], *, of_groups: bool) -> Matrix:
    rows = [[distance(i, j) for j in range(i)] for i in range(len(names))]
    top = max((cell for row in rows for cell in row), default=0)
    cells = tuple(tuple((cell, -(-cell * SHADES // top) if top else 0) for cell in row) for row in rows)
    return Matrix(of_groups=of_groups, names=names, cells=cells)
