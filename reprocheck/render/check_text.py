"""Pre-publication findings for people."""

from __future__ import annotations

from reprocheck.model.check import CheckReport
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, unknown_lines, wrapped


def render(report: CheckReport, *, style: Style = PLAIN) -> str:
    """Return the report as text."""
    lines = []
    for finding in report.findings:
        lines += [
            f"{style.severity(finding.severity)} {finding.code}  {style.paint(show(finding.title), 'bold')}",
            f"       {show(finding.where)}",
            wrapped(show(finding.message, limit=600), indent="       "),
            f"       fix: {show(finding.fix, limit=400)}",
            "",
        ]
    lines.append(
        f"{plural(len(report.findings), 'finding')}, {plural(len(report.passed), 'rule')} passed, "
        f"{len(report.unknowns)} not checked"
    )
    lines += unknown_lines(report.unknowns)
    return "\n".join(lines) + "\n"
