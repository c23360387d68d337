"""Conflicts for people."""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.model.conflict import Conflict, GraphReport, WaiverUse
from reprocheck.render.graph_wording import Piece, because, colon, subject, told
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import flow, plural, unknown_lines

MOST_CAUSES = 5
_LONGEST = 600
"""Characters of one quoted text."""
_INDENT = "       "


def render(report: GraphReport, *, style: Style = PLAIN, width: int = 100) -> str:
    """Return the report as text. Commands, names and paths are never broken."""
    broken = sum(conflict.broken and not conflict.waived for conflict in report.conflicts)
    waived = sum(bool(conflict.waived) for conflict in report.conflicts)
    counted = f"{plural(report.packages, 'package')}, {plural(report.requirements, 'requirement')}"
    if not report.conflicts:
        words = "no new conflicts" if report.since else "no conflicts"
        lines = [style.paint(words, "bold", "green") + f" in {counted}"]
    else:
        words = plural(len(report.conflicts), "new conflict" if report.since else "conflict")
        word = style.paint(words, "bold", "red" if broken else "yellow")
        remarks = len(report.conflicts) - broken - waived
        more = f", {plural(remarks, 'remark')}" if remarks else ""
        more += f", {waived} waived" if waived else ""
        lines = [f"{word} ({broken} broken{more}) in {counted}", ""]
        for conflict in report.conflicts:
            lines += _conflict(conflict, style, width)
    if report.since:
        lines.append(f"{plural(report.inherited, 'conflict')} of {show(report.since)} left out")
    lines += [_waiver(use) for use in report.waivers if use.state != "used"]
    if report.unknowns:
        lines += [f"not analysed: {len(report.unknowns)}", *unknown_lines(report.unknowns, width=width)]
    lines += [f"not looked at: {show(one.what)} (needs {show(one.needs)})" for one in report.not_examined]
    return "\n".join(lines).rstrip("\n") + "\n"


def _conflict(conflict: Conflict, style: Style, width: int) -> list[str]:
    lines = [_head(conflict, style, width)]
    reasons = [_said(because(conflict, cause)) for cause in conflict.causes]
    reasons = [reason for reason in reasons if reason]
    lines += [_flown(reason, width) for reason in reasons[:MOST_CAUSES]]
    if len(reasons) > MOST_CAUSES:
        lines.append(f"{_INDENT}… and {len(reasons) - MOST_CAUSES} more")
    if conflict.environment:
        lines.append(_flown(f"in {show(conflict.environment)}", width))
    if conflict.waived:
        lines.append(_flown(f"waived: {show(conflict.waived, limit=400)}", width))
    if conflict.fix:
        fix = f"fix: {show(conflict.fix, limit=400)}"
        # A sentence may be broken; a command may not, since people copy it.
        lines.append(_flown(fix, width) if conflict.fix.endswith(".") else f"{_INDENT}{fix}")
    return [*lines, ""]


def _head(conflict: Conflict, style: Style, width: int) -> str:
    start = f"{conflict.severity:<6} {conflict.code} "
    words = [(start, f"{style.severity(conflict.severity)} {conflict.code} ")]
    name = show(subject(conflict))
    if name:
        mark = ":" if colon(conflict) else ""
        words.append((f"{name}{mark}", style.paint(name, "bold") + mark))
    words += [(word, word) for word in _said(told(conflict)).split(" ")]
    return flow(words, width=width, indent=f"{_INDENT}  ")


def _said(pieces: Sequence[Piece]) -> str:
    return "".join(show(text, limit=_LONGEST) for text, _ in pieces)


def _flown(text: str, width: int) -> str:
    inner = width - len(_INDENT)
    return _INDENT + flow([(word, word) for word in text.split(" ")], width=inner, indent=f"{_INDENT}  ")


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
