"""Conflicts for people."""

from __future__ import annotations

from reprocheck.model.conflict import Cause, Conflict, GraphReport, WaiverUse
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, unknown_lines

MOST_CAUSES = 5


def render(report: GraphReport, *, style: Style = PLAIN) -> str:
    """Return the report as text."""
    broken = sum(conflict.broken and not conflict.waived for conflict in report.conflicts)
    waived = sum(bool(conflict.waived) for conflict in report.conflicts)
    counted = f"{plural(report.packages, 'package')}, {plural(report.requirements, 'requirement')}"
    if not report.conflicts:
        words = "no new conflicts" if report.since else "no conflicts"
        lines = [style.paint(words, "bold", "green") + f" in {counted}"]
    else:
        words = plural(len(report.conflicts), "new conflict" if report.since else "conflict")
        word = style.paint(words, "bold", "red" if broken else "yellow")
        more = f", {waived} waived" if waived else ""
        lines = [f"{word} ({broken} broken{more}) in {counted}", ""]
        for conflict in report.conflicts:
            lines += _conflict(conflict, style)
    if report.since:
        lines.append(f"{plural(report.inherited, 'conflict')} of {show(report.since)} left out")
    lines += [_waiver(use) for use in report.waivers if use.state != "used"]
    if report.unknowns:
        lines += [f"not analysed: {len(report.unknowns)}", *unknown_lines(report.unknowns)]
    lines += [f"not looked at: {show(one.what)} ({show(one.needs)})" for one in report.not_examined]
    return "\n".join(lines).rstrip("\n") + "\n"


def _conflict(conflict: Conflict, style: Style) -> list[str]:
    name = style.paint(show(conflict.package), "bold")
    found = f"found {show(conflict.found)}" if conflict.found else "not installed"
    extra = f" (extra {show(conflict.extra)})" if conflict.extra else ""
    lines = [
        f"{style.severity(conflict.severity)} {conflict.code}  {name}: {conflict.kind}: "
        f"{show(conflict.requirement)}{extra}, {found}"
    ]
    lines += [f"       because {_because(cause)}" for cause in conflict.causes[:MOST_CAUSES]]
    if len(conflict.causes) > MOST_CAUSES:
        lines.append(f"       … and {len(conflict.causes) - MOST_CAUSES} more that ask for it")
    if conflict.environment:
        lines.append(f"       in {show(conflict.environment)}")
    if conflict.waived:
        lines.append(f"       waived: {show(conflict.waived, limit=400)}")
    if conflict.fix:
        lines.append(f"       fix: {show(conflict.fix, limit=400)}")
    return [*lines, ""]


def _because(cause: Cause) -> str:
    chain = " → ".join(show(name) for name in cause.chain) or show(cause.parent)
    return f"{chain} requires {show(cause.requirement)}"


def _waiver(use: WaiverUse) -> str:
    waiver = use.waiver
    named = f"waiver of {show(waiver.code)} for {show(waiver.package)}"
    match use.state:
        case "expired":
            return f"{named} expired on {show(waiver.expires)}; it names {plural(use.conflicts, 'conflict')}"
        case "malformed":
            return f"{named} waives nothing: {show(waiver.expires)!r} is no day (YYYY-MM-DD)"
        case _:
            return f"{named} matches no conflict"
