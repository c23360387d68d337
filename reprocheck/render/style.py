"""Colour, only where somebody wants it."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.model.base import Frozen

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_SEVERITY = {"high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


class Style(Frozen, frozen=True):
    """Paints words, or leaves them alone."""

    color: bool = False
    always: bool = False
    """Colour was demanded, wherever the text goes."""

    def into(self, path: str | None) -> Style:
        """Return the style for a text that goes to `path`; None and '-' are standard output."""
        return self if self.always or path in (None, "-") else PLAIN

    def paint(self, text: str, *names: str) -> str:
        """Return `text` in the named styles (`bold`, `red`, ...)."""
        if not self.color or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def severity(self, severity: str) -> str:
        """Return a severity word, padded, in its colour."""
        return self.paint(f"{severity:<6}", _SEVERITY[severity])


PLAIN = Style()


def wants_color(choice: str, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Decide by `--color`, then NO_COLOR and FORCE_COLOR (no-color.org), then the terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"
