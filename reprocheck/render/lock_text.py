"""A lock check for people: the verdict, then what is not as locked, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from reprocheck.model.lock import LockDifference, LockReport
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import plural, unknown_lines

FIRST_SCREEN = 20
RULE = "DEP-413"
_TITLES = {
    "python": "interpreter outside the lock's range",
    "missing": "locked and not installed",
    "version": "another version than locked",
    "build": "another conda build than locked",
    "channel": "another channel than locked",
    "source": "another source than locked",
    "hash": "another archive than locked",
    "extra": "installed and not locked",
}


def render(
    report: LockReport, *, everything: bool = False, style: Style = PLAIN, with_commands: bool = False
) -> str:
    """Return the report as text; `everything` lists all differences.

    `with_commands` ends in every command at once, also those of differences that are not shown.
    """
    subject = f"{show(report.file)} ({report.format})"
    if report.verdict == "identical":
        word = style.paint("identical", "bold", "green")
        lines = [
            f"{word}: the environment is what {subject} locks, {plural(report.checked, 'package')} checked"
        ]
    elif report.verdict == "inconclusive":
        word = style.paint("inconclusive", "bold", "yellow")
        lines = [f"{word}: nothing differs from {subject}, but not everything could be told"]
    else:
        word = style.paint("differs", "bold", "red")
        count = plural(len(report.differences), "package is", "packages are")
        lines = [f"{word} from {subject}: {count} not as locked [{RULE}], {report.checked} checked", ""]
        shown = report.differences if everything else report.differences[:FIRST_SCREEN]
        for kind, group in groupby(shown, key=lambda difference: difference.kind):
            lines.append(f"{_TITLES[kind]}:")
            for difference in group:
                lines += _difference(difference, style)
        if len(shown) < len(report.differences):
            lines.append(f"and {len(report.differences) - len(shown)} more (--all shows them)")
    lines += _suppressed(report)
    for title, items in (("could not be told", report.unknowns), ("not checked", report.not_checked)):
        if items:
            lines += ["", f"{title}: {len(items)}", *unknown_lines(items)]
    if with_commands:
        lines += _commands(report.differences)
    return "\n".join(lines) + "\n"


def _suppressed(report: LockReport) -> list[str]:
    used = [f"{item.count} by {show(item.pattern)}" for item in report.suppressed if item.count]
    unused = [show(item.pattern) for item in report.suppressed if not item.count]
    lines = ["", f"suppressed: {', '.join(used)}"] if used else []
    return [*lines, f"ignored nothing: {', '.join(unused)}"] if unused else lines


def _commands(differences: Sequence[LockDifference]) -> list[str]:
    commands = dict.fromkeys(difference.fix for difference in differences if difference.fix)
    lines = ["", "commands that make it as locked:"] if commands else ["", "no command is known to be needed"]
    lines += [f"  {show(command, limit=100_000)}" for command in commands]
    left = [show(difference.name) for difference in differences if not difference.fix]
    return [*lines, f"no command puts right: {', '.join(left)}"] if left else lines


def _difference(difference: LockDifference, style: Style) -> list[str]:
    name = style.paint(show(difference.name), "bold")
    if difference.kind == "extra":
        told = show(difference.found)
    elif difference.kind == "missing":
        told = f"locked {show(difference.locked)}"
    else:
        told = f"locked {show(difference.locked)}, found {show(difference.found)}"
    lines = [f"  {name} [{difference.type}]  {told}"]
    return [*lines, f"      fix: {show(difference.fix, limit=400)}"] if difference.fix else lines
