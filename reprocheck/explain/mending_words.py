"""Which foreign words may stand in a command, and reasons that several parts give."""

from __future__ import annotations

import re
from urllib.parse import unquote

from reprocheck.explain.judging import normal_name

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:~!^-]{0,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")

BUILD_AGAIN = "only its metadata is written otherwise"


def is_plain(text: str) -> bool:
    """Whether a name or version is one that a tool takes, and that it cannot take for an option."""
    return _PLAIN.fullmatch(text) is not None


def is_safe(text: str) -> bool:
    """Whether a value can stand in one line of a script, and reads there as what it is."""
    return text.isprintable() and len(text) <= 32_768


def is_variable(text: str) -> bool:
    """Whether a POSIX shell takes it for the name of a variable."""
    return _VARIABLE.fullmatch(text) is not None


def owner_key(purl: str) -> tuple[str, str]:
    """Return type and normalised name of the package that a purl names; twice '' for none."""
    kind, _, rest = purl.partition("?")[0].removeprefix("pkg:").partition("/")
    name = unquote(rest.rpartition("@")[0] or rest).rpartition("/")[2]
    return (kind, normal_name(kind, name)) if name else ("", "")
