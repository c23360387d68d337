"""Versions against specifiers by their release numbers, which decide nearly every comparison.

`packaging` decides the rest: equal numbers with a pre-release, post-release or local part on either side,
epochs, `===`. Its import and its parser cost more than the whole analysis of a usual environment; a property
test holds both answers against each other.
"""

from __future__ import annotations

import re

Release = tuple[int, ...]
"""Numbers without trailing zeros: PEP 440 compares as if there were endlessly many."""

Reading = tuple[Release, str]
"""Release and, unless the version is made of numbers alone, the text of the whole version: equal texts are
equal versions, of different ones only `packaging` knows."""

Bound = tuple[str, Release, str, int]
"""Operator (`=*` and `!*` for wildcards), then a reading, then how many numbers were written."""

_NUMBERS = r"([0-9]{1,9}(?:\.[0-9]{1,9}){0,15})"
_REST = (
    r"((?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?[0-9]{0,9})?"
    r"(?:-[0-9]{1,9}|[-_.]?(?:post|rev|r)[-_.]?[0-9]{0,9})?(?:[-_.]?dev[-_.]?[0-9]{0,9})?)"
)
_VERSION = re.compile(_NUMBERS + _REST + r"((?:\+[a-z0-9]{1,64}(?:[-_.][a-z0-9]{1,64}){0,7})?)", re.I | re.A)
_BOUND = re.compile(rf"\s*(==|!=|>=|<=|~=|>|<)\s*{_NUMBERS}(?:(\.\*)|{_REST})\s*", re.I | re.A)


def read_release(text: str) -> Reading | None:
    """Read `1.26.0` as ((1, 26), ''); None for what only `packaging` understands."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    return _numbers(match[1]), text if match[2] or match[3] else ""


def read_bounds(text: str) -> tuple[Bound, ...] | None:
    """Read `>=1.0,<2`; None for what only `packaging` understands, malformed text included."""
    bounds = []
    for part in text.split(","):
        match = _BOUND.fullmatch(part)
        if match is None:
            return None
        operator, version, star, rest = match.groups()
        written = version.count(".") + 1
        if star:
            if operator not in ("==", "!="):
                return None
            operator = "=*" if operator == "==" else "!*"
        elif operator == "~=" and written < 2:
            return None
        bounds.append((operator, _numbers(version), version + rest if rest else "", written))
    return tuple(bounds)


def admits(bounds: tuple[Bound, ...], version: Reading) -> bool | None:
    """Whether a version meets every bound, pre-releases welcome; None when `packaging` has to tell."""
    certain = True
    for bound in bounds:
        met = _meets(bound, version)
        if met is False:
            return False
        certain = certain and met is True
    return True if certain else None


def _meets(bound: Bound, version: Reading) -> bool | None:
    operator, wanted, text, written = bound
    release, own = version
    if operator in ("=*", "!*"):
        return _begins(release, wanted, written) == (operator == "=*")
    if operator == "~=" and not _begins(release, wanted[: written - 1], written - 1):
        return False
    if release == wanted and (own or text):
        if own != text or operator in ("<", ">"):
            return None
        return operator != "!="
    match operator:
        case ">=" | "~=":
            return release >= wanted
        case "<=":
            return release <= wanted
        case ">":
            return release > wanted
        case "<":
            return release < wanted
        case _:
            return (release == wanted) == (operator == "==")


def _begins(release: Release, wanted: Release, count: int) -> bool:
    return _padded(release, count) == _padded(wanted, count)


def _padded(release: Release, count: int) -> Release:
    return (release + (0,) * count)[:count]


def _numbers(text: str) -> Release:
    numbers = [int(part) for part in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
