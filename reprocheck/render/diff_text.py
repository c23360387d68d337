"""A diff for people: the verdict, at most seven findings, the rest counted by group."""

from __future__ import annotations

from collections import Counter

from reprocheck.model.change import DiffReport, Finding
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import arrow, plural, unknown_lines, wrapped

FIRST_SCREEN = 7
_EFFECTS = {
    "result": "can change results",
    "break": "can break the run",
    "bytes": "bytes only",
    "symptom": "an output: the effect, not a cause",
    "none": "no effect on results known",
}


def render(report: DiffReport, *, everything: bool = False, style: Style = PLAIN) -> str:
    """Return the report as text; `everything` unfolds the groups."""
    if report.verdict == "identical":
        lines = [style.paint("identical", "bold", "green") + ": nothing differs"]
        return "\n".join([*lines, *_not_compared(report)]) + "\n"
    if report.verdict == "inconclusive":
        sections = ", ".join(sorted({unknown.section for unknown in report.unknowns}))
        word = style.paint("inconclusive", "bold", "yellow")
        lines = [f"{word}: nothing that was seen differs, but not everything was seen ({sections})"]
        return "\n".join([*lines, *_not_compared(report)]) + "\n"
    causes = [finding for finding in report.findings if finding.effect != "symptom"]
    symptoms = [finding for finding in report.findings if finding.effect == "symptom"]
    lines = [_headline(report, causes, style), ""]
    shown = causes if everything else causes[:FIRST_SCREEN]
    for number, finding in enumerate(shown, start=1):
        lines += _finding(number, finding, style)
    rest = causes[len(shown) :]
    if rest:
        lines.append(f"and {len(rest)} more (--all shows them):")
        counts = Counter((finding.section, finding.effect) for finding in rest)
        lines += [
            f"  {section}: {plural(count, 'difference')}, {_EFFECTS[effect]}"
            for (section, effect), count in sorted(counts.items())
        ]
        lines.append("")
    if symptoms:
        lines.append(
            f"{plural(len(symptoms), 'output differs', 'outputs differ')} (the effect, not a cause):"
        )
        most = symptoms if everything else symptoms[:FIRST_SCREEN]
        lines += [f"  {show(finding.name)}  {arrow(finding.before, finding.after)}" for finding in most]
        if len(symptoms) > len(most):
            lines.append(f"  … and {len(symptoms) - len(most)} more")
        lines.append("")
    if not report.explained:
        lines.append("Nothing that was found explains a difference in results.")
    return "\n".join([*lines, *_not_compared(report)]).rstrip("\n") + "\n"


def _headline(report: DiffReport, causes: list[Finding], style: Style) -> str:
    effects = Counter(finding.effect for finding in causes)
    words = [
        f"{effects[effect]} {_EFFECTS[effect]}"
        for effect in ("result", "break", "bytes", "none")
        if effects[effect]
    ]
    verdict = style.paint(report.verdict, "bold", "red")
    return f"{verdict}: {plural(len(causes), 'difference')}" + (f" ({', '.join(words)})" if words else "")


def _finding(number: int, finding: Finding, style: Style) -> list[str]:
    name = style.paint(show(finding.name), "bold")
    kind = f" [{finding.type}]" if finding.type else ""
    folded = f"  (+{len(finding.folded)} that moved with it)" if finding.folded else ""
    lines = [
        f"{number:>2}. {style.severity(finding.severity)} {finding.code}  {name}{kind}  "
        f"{arrow(finding.before, finding.after)}{folded}",
        wrapped(show(finding.why, limit=600), indent="      "),
    ]
    if finding.fix:
        lines.append(f"      fix: {show(finding.fix, limit=400)}")
    return [*lines, ""]


def _not_compared(report: DiffReport) -> list[str]:
    open_ends = (*report.unknowns, *report.left_out)
    return [f"not compared: {len(open_ends)}", *unknown_lines(open_ends)] if open_ends else []
