"""Foreign text for a terminal: nothing that a terminal acts on, nothing that hides or reorders characters.

Threats: escape sequences in package names (CVE-2026-44972 in a peer), bidirectional controls (Trojan Source),
zero-width and blank characters.
"""

from __future__ import annotations

import unicodedata

_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def show(text: str, *, limit: int = 200) -> str:
    """Return `text` safe to print on one line; more than `limit` characters are cut with a count."""
    plain = text.isascii() and text.isprintable()
    safe = text if plain else "".join(_shown(character) for character in text)
    return safe if len(safe) <= limit else f"{safe[:limit]}… (+{len(safe) - limit} characters)"


def show_lines(text: str) -> str:
    """Return a longer text with its line breaks kept and everything else made safe."""
    return "\n".join(show(line, limit=2_000) for line in text.split("\n"))


def _shown(character: str) -> str:
    if unicodedata.category(character) in _CATEGORIES or character in _BLANKS:
        return f"\\u{{{ord(character):x}}}"
    return character
