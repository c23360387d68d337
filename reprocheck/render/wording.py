"""Small phrases that several renderers share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from reprocheck.model.unknown import Unknown
from reprocheck.render.safe import show

_DIGEST = re.compile(r"\b((?:sha256:)?[0-9a-f]{12})[0-9a-f]{52}\b")
"""A digest, of which twelve digits tell people enough; the JSON has it whole."""


def size(count: int) -> str:
    """Return bytes in words: `1.7 GB` (powers of 1000, as df -H)."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if amount < 1000 or unit == "PB":
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def plural(count: int, noun: str, several: str = "") -> str:
    """Return `1 package`, `2 packages`."""
    return f"{count} {noun if count == 1 else several or noun + 's'}"


def wrapped(text: str, *, indent: str, width: int = 100) -> str:
    """Return text folded to `width` columns, every line indented."""
    return textwrap.fill(text, width=width, initial_indent=indent, subsequent_indent=indent)


def unknown_lines(unknowns: Sequence[Unknown], *, most: int = 10) -> list[str]:
    """Return one line per unknown; those of one section with one reason share a line; the rest is counted."""
    groups: dict[tuple[str, str], list[str]] = {}
    for unknown in unknowns:
        groups.setdefault((unknown.section, unknown.reason), []).append(unknown.where)
    lines = []
    for (section, reason), places in groups.items():
        named = ", ".join(show(place) for place in places[:3])
        where = named if len(places) <= 3 else f"{named} and {len(places) - 3} more"
        lines.append(f"  {section}: {where}: {show(reason)}")
    if len(lines) > most:
        lines = [*lines[:most], f"  … and {len(lines) - most} more (all are in the JSON)"]
    return lines


def arrow(before: str | None, after: str | None) -> str:
    """Return `a → b`, with absence in words."""
    return f"{_side(before)} → {_side(after)}"


def _side(value: str | None) -> str:
    if value is None:
        return "(absent)"
    if not value:
        return "(empty)"
    return _DIGEST.sub(r"\1…", show(value, limit=200))
