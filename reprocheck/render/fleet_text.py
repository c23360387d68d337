"""A fleet for people: who is not like the others and in what, what has no majority, groups of equals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reprocheck.model.fleet import EqualGroup, FleetReport, Split
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import arrow, columns, flow, plural, side, unknown_lines, wrapped

FIRST_SCREEN = 7
"""Outlying groups, facts of each, facts without majority, and groups of equals on the first screen."""
MATRIX = 12
"""Members up to which the distances are shown without being asked for."""
_NAMED = 3
_NARROW = 40
_VALUES = 4
"""Values that a line without majority names."""


def render(report: FleetReport, *, everything: bool = False, style: Style = PLAIN, width: int = 100) -> str:
    """Return the report as text; `everything` lists all members, facts, distances and noise."""
    width = max(width, _NARROW)
    lines = [_headline(report, style), ""]
    lines += _outlying(report, everything, style, width)
    lines += _undecided(report, everything, style, width)
    lines += _groups(report, everything, width) if report.splits else []
    if everything or (1 < len(report.members) <= MATRIX and report.verdict == "differs"):
        lines += _matrix(report)
    lines += _noise(report, width)
    lines += _counted(report, width)
    open_ends = (*report.unknowns, *report.left_out)
    most = len(open_ends) if everything else 10
    lines += [f"not compared: {len(open_ends)}", *unknown_lines(open_ends, most=most)] if open_ends else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _headline(report: FleetReport, style: Style) -> str:
    members = plural(len(report.members), "member")
    match report.verdict:
        case "identical":
            return f"{style.paint('identical', 'bold', 'green')}: {members}, and nothing tells them apart"
        case "inconclusive":
            sections = ", ".join(sorted({unknown.section for unknown in report.unknowns}))
            word = style.paint("inconclusive", "bold", "yellow")
            return (
                f"{word}: {members}; nothing that was seen differs, but not everything was seen ({sections})"
            )
        case _:
            facts = sum(not split.noise for split in report.splits)
            word = style.paint("differs", "bold", "red")
            out = sum(member.outlying > 0 for member in report.members)
            whose = f"of its {show(report.group_by)}" if report.group_by else ""
            told = f"{out} not with the majority {whose}".rstrip() if out else "no majority to be with"
            groups = plural(len(report.groups), "group")
            differ = plural(facts, "fact differs", "facts differ")
            return f"{word}: {members} in {groups} of equals, {told}; {differ}"


def _splits(report: FleetReport) -> list[Split]:
    return [split for split in report.splits if not split.noise]


def _outlying(report: FleetReport, everything: bool, style: Style, width: int) -> list[str]:
    """List members that are not with the majority; equal ones stand together, the first suspect first."""
    deviations: dict[int, list[Split]] = {}
    for split in _splits(report):
        for index in split.outliers:
            deviations.setdefault(index, []).append(split)
    places = {id(split): place for place, split in enumerate(report.splits)}
    groups = [group for group in report.groups if group.members[0] in deviations]
    groups.sort(
        key=lambda g: (places[id(deviations[g.members[0]][0])], -len(deviations[g.members[0]]), g.members)
    )
    shown = groups if everything else groups[:FIRST_SCREEN]
    lines = []
    for group in shown:
        first = group.members[0]
        found = deviations[first]
        names = style.paint(
            _names(report, group.members, len(group.members) if everything else _NAMED), "bold"
        )
        where = f" [{show(report.members[first].group)}]" if report.members[first].group else ""
        lines.append(f"{names}{where}: {plural(len(found), 'fact')} not with the majority")
        listed = found if everything else found[:FIRST_SCREEN]
        lines += [_deviation(report, split, first, width) for split in listed]
        if len(found) > len(listed):
            lines.append(f"    … and {len(found) - len(listed)} more")
        lines.append("")
    if len(groups) > len(shown):
        rest = sum(len(group.members) for group in groups[len(shown) :])
        lines += [f"and {plural(rest, 'more member')} not with the majority (--all shows them)", ""]
    return lines


def _deviation(report: FleetReport, split: Split, index: int, width: int) -> str:
    usual, own = _usual(report, split, index)
    words = [f"    {split.code}", *_named(split), arrow(usual, own, limit=width)]
    return flow([(word, word) for word in words if word], width=width, indent="        ")


def _usual(report: FleetReport, split: Split, index: int) -> tuple[str | None, str | None]:
    """Return the value of the majority that a member is not with, and its own."""
    group = report.members[index].group
    counts = Counter[str | None]()
    own: str | None = None
    for holding in split.holdings:
        near = (m for m in holding.members if not report.group_by or report.members[m].group == group)
        counts[holding.value] = sum(1 for _ in near)
        own = holding.value if index in holding.members else own
    return counts.most_common(1)[0][0], own


def _named(split: Split) -> list[str]:
    words = [show(split.name), show(split.given, limit=60)]
    words += [f"[{show(split.type)}]"] if split.type else []
    plain = split.attribute in ("", "version", "value", "presence", "module")
    words += [] if plain else [show(split.attribute.replace("_", " "))]
    return words + ([f"at {show(split.where)}"] if split.where else [])


def _names(report: FleetReport, members: Sequence[int], most: int) -> str:
    named = ", ".join(show(report.members[index].name) for index in members[:most])
    return named if len(members) <= most else f"{named} and {len(members) - most} more"


def _undecided(report: FleetReport, everything: bool, style: Style, width: int) -> list[str]:
    torn = [split for split in _splits(report) if split.torn]
    if not torn:
        return []
    lines = [style.paint(f"no majority: {plural(len(torn), 'fact')}", "bold")]
    for split in torn if everything else torn[:FIRST_SCREEN]:
        words = [f"  {split.code}", *_named(split)]
        most = len(split.holdings) if everything else _VALUES
        words += [_holder(report, split, place, width) for place in range(min(most, len(split.holdings)))]
        if len(split.holdings) > most:
            words.append(f"and {plural(len(split.holdings) - most, 'other value')}")
        words += [f"(in {', '.join(map(show, split.torn[:_NAMED]))})"] if split.torn != ("",) else []
        lines.append(flow([(word, word) for word in words if word], width=width, indent="      "))
    if not everything and len(torn) > FIRST_SCREEN:
        lines.append(f"  … and {len(torn) - FIRST_SCREEN} more (--all shows them)")
    return [*lines, ""]


def _holder(report: FleetReport, split: Split, place: int, width: int) -> str:
    holding = split.holdings[place]
    end = "," if place + 1 < len(split.holdings) else ""
    return f"{side(holding.value, limit=width)} ({_names(report, holding.members, _NAMED)}){end}"


def _groups(report: FleetReport, everything: bool, width: int) -> list[str]:
    lines = [f"groups of equals: {len(report.groups)}"]
    shown: Sequence[EqualGroup] = report.groups if everything else report.groups[:FIRST_SCREEN]
    for group in shown:
        names = _names(report, group.members, len(group.members) if everything else _NAMED)
        lines.append(wrapped(f"  {len(group.members)}: {names}", indent="    ", width=width)[2:])
    if len(report.groups) > len(shown):
        lines.append(f"  … and {len(report.groups) - len(shown)} more")
    return [*lines, ""]


def _matrix(report: FleetReport) -> list[str]:
    """Write the distances: one row for each member, in facts that differ."""
    if len(report.members) < 2:
        return []
    names = [show(member.name, limit=24) for member in report.members]
    wide = max(map(columns, names))
    cell = max(len(str(value)) for row in (*report.distances, (len(names),)) for value in row)
    lines = ["distances, in facts that differ (columns in the order of rows):"]
    for name, row in zip(names, report.distances, strict=True):
        cells = "".join(f" {value:>{cell}}" for value in row)
        lines.append(f"  {name}{' ' * (wide - columns(name))}{cells} {'·':>{cell}}")
    return [*lines, ""]


def _noise(report: FleetReport, width: int) -> list[str]:
    noise = [split for split in report.splits if split.noise]
    if not noise:
        return []
    lines = [f"noise: {len(noise)} (decides no verdict)"]
    for split in noise:
        values = plural(len(split.holdings), "value")
        lines.append(
            wrapped(f"{' '.join(_named(split))}: {values}: {show(split.noise)}", indent="  ", width=width)
        )
    return [*lines, ""]


def _counted(report: FleetReport, width: int) -> list[str]:
    """Tell what was suppressed, and what was given twice."""
    asked = [s for s in report.suppressed if s.origin != "default"]
    words = [f"{s.count} by {show(s.pattern)}" for s in asked if s.count]
    noise = sum(s.count for s in report.suppressed if s.origin == "default")
    shown = any(split.noise for split in report.splits)
    words += [f"{noise} by the lists of noise (--all shows them)"] if noise and not shown else []
    lines = [wrapped(f"suppressed: {', '.join(words)}", indent="", width=width)] if words else []
    unused = [show(s.pattern) for s in asked if not s.count]
    lines += [wrapped(f"ignored nothing: {', '.join(unused)}", indent="", width=width)] if unused else []
    if report.repeated:
        names = ", ".join(show(name) for name in report.repeated)
        lines.append(wrapped(f"given more than once, counted once: {names}", indent="", width=width))
    return lines
