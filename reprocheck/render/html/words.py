"""Words that the pages share."""

from __future__ import annotations

import unicodedata

from reprocheck.model.base import Frozen
from reprocheck.render import diff_groups, wording
from reprocheck.render.safe import show

EFFECTS = {**diff_groups.EFFECTS, "": "effect not judged"}
GROUPS: dict[str, str] = {
    "data": "data and models",
    "code": "code",
    "command": "command and run",
    "settings": "settings and variables",
    "numeric": "numeric libraries",
    "machine": "CPU and GPU",
    "python": "other Python packages",
    "variables": "other variables",
    "system": "OS packages",
    "driver": "driver",
    "files": "files",
    "outputs": "outputs: the effect, not a cause",
    "noise": "noise: decides no verdict",
}
"""In the house's order of suspects; what has no group stands under its section, before the noise."""
EXPECTATIONS = {
    "identical": "bit-identical results may be expected",
    "differs": "bit-identical results are not to be expected",
    "unknown": "unknown: a fact that decides was not recorded",
}
MARKS = {
    "high": "▲",
    "medium": "◆",
    "low": "●",
    "info": "○",
    "identical": "✓",
    "differs": "≠",
    "inconclusive": "?",
    "unknown": "?",
}
"""A shape beside each word, so that no colour has to carry a meaning."""

VALUE_LIMIT = 1_000
COMMAND_LIMIT = 10_000


class Command(Frozen, frozen=True, kw_only=True):
    """A command as the page shows it."""

    text: str
    whole: bool
    """What is shown is the command, character for character, so that it may be copied."""


def command(text: str) -> Command:
    """Return a command, and whether a copy of what is shown of it would be the command."""
    shown = show(text, limit=COMMAND_LIMIT)
    return Command(text=shown, whole=shown == text)


def side(value: str | None) -> str:
    """Return one side of a difference as a page shows it."""
    return wording.side(value, limit=VALUE_LIMIT)


def spelled(text: str) -> str:
    """Return the code points of a name that are not ASCII: what the eye cannot tell apart, words can."""
    odd = sorted(set(show(text)) - {"…"} - set(map(chr, range(128))))
    return ", ".join(f"{c} is U+{ord(c):04X} {unicodedata.name(c, '')}".rstrip() for c in odd[:8])
