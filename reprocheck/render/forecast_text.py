"""A forecast for people: one line that answers, then what decides it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from reprocheck.model.forecast import Expectation, Forecast, Statement
from reprocheck.render.safe import show
from reprocheck.render.style import PLAIN, Style
from reprocheck.render.wording import arrow, plural

_ANSWERS: dict[Expectation, tuple[str, str]] = {
    "identical": ("equal bits are to be expected", "green"),
    "differs": ("equal bits are not to be expected", "red"),
    "unknown": ("cannot be told whether bits will be equal", "yellow"),
}


def render(forecast: Forecast, *, style: Style = PLAIN, width: int = 100) -> str:
    """Return the answer and the statements that decide it; of the others the subjects alone."""
    words, color = _ANSWERS[forecast.expectation]
    lines = [f"{style.paint('forecast', 'bold')}: {style.paint(words, 'bold', color)}"]
    if forecast.expectation == "identical":
        lines += _listed("known and equal", forecast.statements, width)
        return "\n".join(lines) + "\n"
    for statement in forecast.statements:
        if statement.expectation == forecast.expectation:
            lines += _statement(statement, style, width)
    if forecast.expectation == "differs":
        open_ends = [s for s in forecast.statements if s.expectation == "unknown"]
        lines += _listed("not known besides", open_ends, width)
    equal = sum(s.expectation == "identical" for s in forecast.statements)
    return "\n".join([*lines, f"  {plural(equal, 'other subject agrees', 'other subjects agree')}"]) + "\n"


def _statement(statement: Statement, style: Style, width: int) -> list[str]:
    subject = show(statement.subject)
    ends = ""
    if statement.before is not None or statement.after is not None:
        ends = f"  {arrow(statement.before, statement.after, limit=100)}"
    head = f"  {style.paint(subject, 'bold')}{ends}"
    told = f"{show(statement.why)} [{show(statement.source)}; {show(statement.date)}]"
    return [head, _wrapped(told, width)]


def _wrapped(text: str, width: int) -> str:
    indent = " " * 6
    return textwrap.fill(
        text, width=max(width, 40), initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _listed(title: str, statements: Sequence[Statement], width: int) -> list[str]:
    if not statements:
        return []
    names = ", ".join(show(statement.subject) for statement in statements)
    return [
        textwrap.fill(
            f"{title}: {names}", width=max(width, 40), initial_indent="  ", subsequent_indent="    "
        )
    ]
