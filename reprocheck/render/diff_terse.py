"""A diff in two lines, for a pull request or a status: verdict and first suspects, then the counts."""

from __future__ import annotations

from reprocheck.model.change import DiffReport, Finding
from reprocheck.render.diff_groups import agreed, alike_pairs, counted, parts
from reprocheck.render.safe import show
from reprocheck.render.wording import arrow, plural, revealed

_NAMED = 3
_VALUE = 40


def render(report: DiffReport) -> str:
    """Return two lines, whatever the report holds; the second tells what the first leaves out."""
    suspects, idle, symptoms, _ = parts(report)
    return f"{_first(report, suspects)}\n{_second(report, suspects, idle, symptoms)}\n"


def _first(report: DiffReport, suspects: list[Finding]) -> str:
    if report.verdict == "identical":
        return "identical: nothing differs"
    if report.verdict == "inconclusive":
        return "inconclusive: nothing that was seen differs, but not everything was seen"
    if not suspects:
        return "differs: nothing that was found explains a difference in results"
    named = "; ".join(_suspect(finding) for finding in suspects[:_NAMED])
    more = f"; and {len(suspects) - _NAMED} more" if len(suspects) > _NAMED else ""
    unexplained = "" if report.explained else " (nothing found explains a difference in results)"
    return f"differs: {named}{more}{unexplained}"


def _suspect(finding: Finding) -> str:
    folded = f" (+{len(finding.folded)})" if finding.folded else ""
    name = revealed(finding.name) if finding.alike else show(finding.name, limit=80)
    return f"{finding.code} {name} {arrow(finding.before, finding.after, limit=_VALUE)}{folded}"


def _second(report: DiffReport, suspects: list[Finding], idle: list[Finding], symptoms: list[Finding]) -> str:
    counts = [counted(suspects)]
    counts += [f"{len(idle)} never loaded"] if idle else []
    if report.outputs is not None:
        counts.append(agreed(report.outputs))
    elif symptoms:
        counts.append(plural(len(symptoms), "output differs", "outputs differ"))
    alike = len(alike_pairs(report.findings))
    counts += [plural(alike, "look-alike name")] if alike else []
    suppressed = sum(suppression.count for suppression in report.suppressed)
    open_ends = len(report.unknowns) + len(report.left_out)
    counts += [f"{suppressed} suppressed", f"{open_ends} not compared"]
    return ", ".join(count for count in counts if count)
