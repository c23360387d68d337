"""What a verification will run, for the person who is asked to allow it."""

from __future__ import annotations

from collections.abc import Iterable

from reprocheck.render.safe import show


def render(lines: Iterable[tuple[str, str]], *, foreign: bool) -> str:
    """Return the plan as text; `lines` are (label, value) pairs."""
    rows = list(lines)
    width = max(len(label) for label, _ in rows)
    title = "This record was not made by you. It would run:" if foreign else "This would run:"
    return "\n".join([title, *(f"  {show(label):<{width}}  {show(value)}" for label, value in rows)]) + "\n"
