"""A diff for people: the verdict, at most seven findings, the rest counted by group."""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.model.change import DiffReport, Finding, OutputAgreement
from reprocheck.render.diff_groups import (
    IDLE,
    agreed,
    alike_pairs,
    counted,
    folded_names,
    group_lines,
    parts,
    total,
)
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import arrow, flow, plural, revealed, side, unknown_lines, wrapped

FIRST_SCREEN = 7
_NAMED = 3
"""Folded names and look-alikes that the first screen names."""
_NARROW = 40
_INDENT = "      "
_COLORS = {"identical": "green", "inconclusive": "yellow", "differs": "red"}


def render(report: DiffReport, *, everything: bool = False, style: Style = PLAIN, width: int = 100) -> str:
    """Return the report as text; `everything` unfolds the groups. Commands are never wrapped."""
    width = max(width, _NARROW)
    suspects, idle, symptoms, noise = parts(report)
    word, said = _headline(report, [*suspects, *idle])
    spoken = [(f"{word}:", f"{style.paint(word, 'bold', _COLORS[word])}:")]
    lines = [flow([*spoken, *((part, part) for part in said.split(" "))], width=width, indent="  ")]
    if report.outputs is not None and not report.outputs.differing:
        lines.append(agreed(report.outputs))
    lines += _alike(report.findings, everything, width)
    if report.verdict == "differs":
        lines.append("")
        shown = suspects if everything else suspects[:FIRST_SCREEN]
        for number, finding in enumerate(shown, start=1):
            lines += _finding(number, finding, everything, style, width)
        lines += _rest(suspects[len(shown) :], idle, everything, style, width, len(shown))
        lines += _outputs(report, symptoms, everything, width)
        if not report.explained:
            plainly = "Nothing that was found explains a difference in results."
            lines += [wrapped(plainly, indent="", width=width), *_gaps(report, width)]
        elif everything and report.gaps:
            lines += _gaps(report, width)
    elif everything:
        lines += _gaps(report, width)
    lines += _noise(noise, width)
    lines += _suppressed(report, everything, width)
    open_ends = (*report.unknowns, *report.left_out)
    lines += [f"not compared: {len(open_ends)}", *unknown_lines(open_ends, width=width)] if open_ends else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _headline(report: DiffReport, causes: Sequence[Finding]) -> tuple[str, str]:
    """Return the verdict and what is said of it."""
    match report.verdict:
        case "identical":
            counts = sum(suppression.count for suppression in report.suppressed)
            return report.verdict, f"nothing{' else' if counts else ''} differs"
        case "inconclusive":
            sections = ", ".join(sorted({unknown.section for unknown in report.unknowns}))
            return report.verdict, f"nothing that was seen differs, but not everything was seen ({sections})"
        case _:
            folded = total(causes) - len(causes)
            also = f", {folded} folded behind them" if folded else ""
            words = counted(causes)
            tail = f" ({words})" if words else ""
            return report.verdict, f"{plural(len(causes), 'difference')}{also}{tail}"


def _alike(findings: Sequence[Finding], everything: bool, width: int) -> list[str]:
    """Warn of look-alike names before everything else: they may rank low, and mean an attack."""
    pairs = alike_pairs(findings)
    if not pairs:
        return []
    lines = [f"look-alike names: {len(pairs)}"]
    for name, other in pairs if everything else pairs[:_NAMED]:
        words = f"{revealed(name)} looks like {revealed(other)}".split(" ")
        lines.append("  " + flow([(word, word) for word in words], width=width - 2, indent="    "))
    if len(lines) <= len(pairs):
        lines.append(f"  … and {len(pairs) - _NAMED} more (--all shows them)")
    return lines


def _finding(number: int, finding: Finding, everything: bool, style: Style, width: int) -> list[str]:
    name = revealed(finding.name) if finding.alike else show(finding.name)
    words = [
        (f"{number:>2}. {finding.severity:<6} {finding.code} ", _marked(number, finding, style)),
        (name, style.paint(name, "bold")),
    ]
    words += [(word, word) for word in _facts(finding, width)]
    lines = [flow(words, width=width, indent=_INDENT)]
    if everything and finding.folded:
        names = ", ".join(show(name) for name in folded_names(finding))
        lines.append(wrapped(f"with it: {names}", indent=_INDENT, width=width))
    lines.append(wrapped(show(finding.why, limit=600), indent=_INDENT, width=width))
    if finding.fix:
        lines.append(f"{_INDENT}fix: {show(finding.fix, limit=400)}")
    if finding.changes:
        lines.append(f"{_INDENT}what changed: {show(finding.changes, limit=400)}")
    return [*lines, ""]


def _marked(number: int, finding: Finding, style: Style) -> str:
    return f"{number:>2}. {style.severity(finding.severity)} {finding.code} "


def _facts(finding: Finding, width: int) -> list[str]:
    kind = ", ".join(word for word in (finding.type, "loaded" if finding.used == "loaded" else "") if word)
    words = [f"[{show(kind)}]"] if kind else []
    if finding.attribute not in ("", "version", "value", "presence", "module"):
        words.append(show(finding.attribute.replace("_", " ")))
    words += [f"{side(finding.before, limit=2 * width)} →", side(finding.after, limit=2 * width)]
    if finding.major:
        words.append("(major)")
    if finding.folded:
        names = folded_names(finding)
        named = ", ".join(show(name) for name in names[:_NAMED])
        more = ", …" if len(names) > _NAMED else ""
        words += [
            f"(+{len(finding.folded)} that moved with it:",
            *f"{named}{more})".split(" "),
        ]
    return words


def _rest(
    rest: Sequence[Finding],
    idle: Sequence[Finding],
    everything: bool,
    style: Style,
    width: int,
    shown: int,
) -> list[str]:
    if everything:
        lines = [f"{IDLE}: {plural(len(idle), 'difference')}"] if idle else []
        for number, finding in enumerate(idle, start=shown + 1):
            lines += _finding(number, finding, everything, style, width)
        return lines
    if not rest and not idle:
        return []
    lines = [f"and {len(rest) + len(idle)} more (--all shows them):", *group_lines(rest)]
    if idle:
        lines.append(f"  {IDLE}: {plural(len(idle), 'difference')}")
    return [*lines, ""]


def _outputs(report: DiffReport, symptoms: Sequence[Finding], everything: bool, width: int) -> list[str]:
    if not symptoms:
        return []
    lines = [f"{_counted_outputs(report.outputs, len(symptoms))}:"]
    most = symptoms if everything else symptoms[:FIRST_SCREEN]
    lines += [f"  {show(f.name)}  {arrow(f.before, f.after, limit=width)}" for f in most]
    if len(symptoms) > len(most):
        lines.append(f"  … and {len(symptoms) - len(most)} more")
    return [*lines, ""]


def _counted_outputs(outputs: OutputAgreement | None, listed: int) -> str:
    if outputs is not None and not outputs.differing:
        return "equal content in other bytes"
    said = plural(listed, "output differs", "outputs differ") if outputs is None else agreed(outputs)
    return f"{said} (the effect, not a cause)"


def _gaps(report: DiffReport, width: int) -> list[str]:
    if not report.gaps:
        return []
    lines = ["not captured, and it could explain one:"]
    for gap in report.gaps:
        whose = "both sides" if gap.side == "both" else f"{gap.side} side"
        text = f"{show(gap.what)} ({whose})" + (f": {show(gap.remedy)}" if gap.remedy else "")
        lines.append(wrapped(text, indent="    ", width=width).replace("    ", "  ", 1))
    return [*lines, ""]


def _noise(noise: Sequence[Finding], width: int) -> list[str]:
    if not noise:
        return []
    lines = [f"noise: {len(noise)} (decides no verdict)"]
    for finding in noise:
        ends = [f"{side(finding.before, limit=width)} →", f"{side(finding.after, limit=width)}:"]
        words = [show(finding.name), *ends, *show(finding.noise).split(" ")]
        lines.append("  " + flow([(word, word) for word in words], width=width - 2, indent="    "))
    return lines


def _suppressed(report: DiffReport, everything: bool, width: int) -> list[str]:
    asked = [s for s in report.suppressed if s.origin != "default"]
    noise = sum(s.count for s in report.suppressed if s.origin == "default")
    words = [f"{s.count} by {show(s.pattern)}" for s in asked if s.count]
    hint = "" if everything else " (--all shows them)"
    words += [f"{noise} by the list of noise{hint}"] if noise else []
    lines = [wrapped(f"suppressed: {', '.join(words)}", indent="", width=width)] if words else []
    unused = [show(s.pattern) for s in asked if not s.count]
    if unused:
        lines.append(wrapped(f"ignored nothing: {', '.join(unused)}", indent="", width=width))
    return lines
