"""Small phrases that several renderers share."""

from __future__ import annotations

import re
import textwrap
import unicodedata
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


def unknown_lines(unknowns: Sequence[Unknown], *, most: int = 10, width: int = 0) -> list[str]:
    """Return one line per unknown; those of one section with one reason share a line; the rest is counted.

    With a `width`, a longer line goes on below itself.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for unknown in unknowns:
        groups.setdefault((unknown.section, unknown.reason), []).append(unknown.where)
    lines = []
    for (section, reason), places in groups.items():
        named = ", ".join(show(place) for place in places[:3])
        where = named if len(places) <= 3 else f"{named} and {len(places) - 3} more"
        line = f"{section}: {where}: {show(reason)}"
        if width:
            line = flow([(word, word) for word in line.split(" ")], width=width - 2, indent="    ")
        lines.append(f"  {line}")
    if len(lines) > most:
        lines = [*lines[:most], f"  … and {len(lines) - most} more (all are in the JSON)"]
    return lines


def arrow(before: str | None, after: str | None, *, limit: int = 200) -> str:
    """Return `a → b`, with absence in words."""
    return f"{side(before, limit=limit)} → {side(after, limit=limit)}"


def columns(text: str) -> int:
    """Return how many columns a terminal takes for a text (UAX #11: wide characters take two, marks none)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def flow(words: Sequence[tuple[str, str]], *, width: int, indent: str) -> str:
    """Return words on as many lines as they need: each as plain text, which counts, and as it is printed.

    A word that is too long for a line stands on one of its own, whole: a command or a name must not be cut.
    """
    lines: list[str] = []
    used = 0
    for plain, printed in words:
        if lines and used + 1 + columns(plain) <= width:
            lines[-1] += f" {printed}"
            used += 1 + columns(plain)
        else:
            lines.append(f"{indent}{printed}" if lines else printed)
            used = (len(indent) if len(lines) > 1 else 0) + columns(plain)
    return "\n".join(lines)


def revealed(name: str) -> str:
    """Return a name with everything beyond ASCII as code points: for names that look like another one."""
    return "".join(c if c.isascii() else f"\\u{{{ord(c):x}}}" for c in show(name))


def side(value: str | None, *, limit: int = 200) -> str:
    """Return one side's value, with absence and emptiness in words and digests cut short."""
    if value is None:
        return "(absent)"
    if not value:
        return "(empty)"
    return _DIGEST.sub(r"\1…", show(value, limit=limit))
