"""Titled blocks of names and values, every value made safe."""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.render.safe import show
from reprocheck.render.style import Style

Row = tuple[str, str]


def block(title: str, rows: Sequence[Row], style: Style) -> str:
    """Return a bold title and one indented line per row."""
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {show(name):<{width}}  {show(value)}" for name, value in rows]
    return "\n".join([style.paint(title, "bold"), *lines])


def capped(rows: Sequence[Row], *, most: int, everything: bool) -> list[Row]:
    """Return at most `most` rows, the rest counted under the name of the last; all of them on request."""
    if everything or len(rows) <= most:
        return list(rows)
    return [*rows[:most], (rows[most - 1][0], f"… and {len(rows) - most} more (--all lists them)")]
