"""The page of a diff of two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reprocheck.model.base import Frozen
from reprocheck.model.change import SECTIONS, SEVERITIES, DiffReport, Finding
from reprocheck.render.diff_groups import agreed, alike_pairs, counted, folded_names, parts, total
from reprocheck.render.html.page import build
from reprocheck.render.html.words import EFFECTS, GROUPS
from reprocheck.render.wording import plural

FIRST_SCREEN = 7
MOST_ROWS = 10_000
"""Findings on one page; a browser stays quick with so many. The page says how many are left to the JSON."""
OPEN_ROWS = 12
"""Groups up to this size stand open."""


class Entry(Frozen, frozen=True, kw_only=True):
    """A finding and its rank, from 1."""

    rank: int
    finding: Finding


class Group(Frozen, frozen=True, kw_only=True):
    """Findings that are counted together, in rank order."""

    name: str
    counts: str
    entries: tuple[Entry, ...]


class Choice(Frozen, frozen=True, kw_only=True):
    """One value that a filter can be set to, and how many rows have it."""

    value: str
    label: str
    count: int


def render_diff(report: DiffReport) -> str:
    """Return the report as one HTML page, self-contained; equal reports give equal pages."""
    entries = [Entry(rank=rank, finding=finding) for rank, finding in enumerate(report.findings, start=1)]
    listed = entries[:MOST_ROWS]
    suspects, idle, _, noise = parts(report)
    shown = set(map(id, suspects[:FIRST_SCREEN]))
    return build(
        "diff.html.j2",
        scripts=("page.js",),
        styles=("page.css",),
        title=f"diff: {report.verdict}",
        report=report,
        headline=_headline(report),
        alike=alike_pairs(report.findings),
        folded=folded_names,
        first=[entry for entry in entries if id(entry.finding) in shown],
        more=len(suspects) - len(shown) + len(idle),
        idle=len(idle),
        groups=_groups(listed),
        group_words=GROUPS,
        open_rows=OPEN_ROWS,
        count=len(entries) - len(noise),
        left=len(entries) - len(listed),
        choices=[
            ("effect", "Effect", choices((e.finding.effect for e in listed), tuple(EFFECTS), EFFECTS)),
            ("section", "Section", choices((e.finding.section for e in listed), SECTIONS)),
            ("severity", "Severity", choices((e.finding.severity for e in listed), SEVERITIES)),
        ],
    )


def choices(
    values: Iterable[str], order: tuple[str, ...], labels: dict[str, str] | None = None
) -> tuple[Choice, ...]:
    """Count values for a filter, in the given order; values that it does not name come last, by name."""
    counts = Counter(values)
    known = [value for value in order if value in counts]
    rest = sorted(set(counts) - set(known))
    return tuple(
        Choice(value=value, label=(labels or {}).get(value, value) or "none", count=counts[value])
        for value in (*known, *rest)
    )


def _headline(report: DiffReport) -> str:
    said = _said(report)
    if report.outputs is not None:
        return f"{said}; {agreed(report.outputs)}"
    _, _, symptoms, _ = parts(report)
    return f"{said}; {plural(len(symptoms), 'output differs', 'outputs differ')}" if symptoms else said


def _said(report: DiffReport) -> str:
    if report.verdict == "identical":
        return f"nothing{' else' if any(s.count for s in report.suppressed) else ''} differs"
    if report.verdict == "inconclusive":
        sections = ", ".join(sorted({unknown.section for unknown in report.unknowns}))
        return f"nothing that was seen differs, but not everything was seen ({sections})"
    suspects, idle, _, _ = parts(report)
    causes = [*suspects, *idle]
    folded = total(causes) - len(causes)
    said = plural(len(causes), "difference") + (f", {folded} folded behind them" if folded else "")
    return f"{said}: {counted(causes)}" if causes else said


def _groups(entries: list[Entry]) -> tuple[Group, ...]:
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        finding = entry.finding
        name = "noise" if finding.noise else finding.group or finding.section
        by_name.setdefault(name, []).append(entry)
    order = {name: place for place, name in enumerate(GROUPS)}
    order["noise"] = len(order) + 1
    return tuple(
        Group(
            name=name,
            counts=counted(entry.finding for entry in by_name[name]),
            entries=tuple(by_name[name]),
        )
        for name in sorted(by_name, key=lambda name: (order.get(name, len(GROUPS)), name))
    )
