"""The doctor's report for people."""

from __future__ import annotations

from reprocheck.model.doctor import DoctorReport
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import unknown_lines, wrapped

_COLORS = {"ok": "green", "warning": "yellow", "absent": "dim", "missing": "red", "failed": "red"}


def render(report: DoctorReport, *, style: Style = PLAIN) -> str:
    """Return the report as text."""
    width = max((len(check.name) for check in report.checks), default=0)
    lines = []
    for check in report.checks:
        status = style.paint(f"{check.status:<7}", _COLORS[check.status])
        lines.append(f"{status} {show(check.name):<{width}}  {show(check.version)}".rstrip())
        if check.message:
            lines.append(wrapped(show(check.message, limit=600), indent="          "))
        if check.fix:
            lines.append(f"          fix: {show(check.fix, limit=400)}")
    if report.unknowns:
        lines += [f"not asked: {len(report.unknowns)}", *unknown_lines(report.unknowns)]
    return "\n".join(lines) + "\n"
