"""Conflicts for people."""

from __future__ import annotations

from reprocheck.model.conflict import Conflict, GraphReport
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, unknown_lines


def render(report: GraphReport, *, style: Style = PLAIN) -> str:
    """Return the report as text."""
    broken = sum(conflict.broken for conflict in report.conflicts)
    counted = f"{plural(report.packages, 'package')}, {plural(report.requirements, 'requirement')}"
    if not report.conflicts:
        lines = [style.paint("no conflicts", "bold", "green") + f" in {counted}"]
    else:
        word = style.paint(plural(len(report.conflicts), "conflict"), "bold", "red" if broken else "yellow")
        lines = [f"{word} ({broken} broken) in {counted}", ""]
        for conflict in report.conflicts:
            lines += _conflict(conflict, style)
    if report.unknowns:
        lines += [f"not analysed: {len(report.unknowns)}", *unknown_lines(report.unknowns)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _conflict(conflict: Conflict, style: Style) -> list[str]:
    name = style.paint(show(conflict.package), "bold")
    found = f"found {show(conflict.found)}" if conflict.found else "not installed"
    lines = [
        f"{style.severity(conflict.severity)} {conflict.code}  {name}: {conflict.kind}: "
        f"{show(conflict.requirement)}, {found}"
    ]
    for cause in conflict.causes[:5]:
        chain = " → ".join(show(name) for name in cause.chain) or show(cause.parent)
        lines.append(f"       because {chain} requires {show(cause.requirement)}")
    if len(conflict.causes) > 5:
        lines.append(f"       … and {len(conflict.causes) - 5} more that ask for it")
    if conflict.environment:
        lines.append(f"       in {show(conflict.environment)}")
    if conflict.fix:
        lines.append(f"       fix: {show(conflict.fix, limit=400)}")
    return [*lines, ""]
