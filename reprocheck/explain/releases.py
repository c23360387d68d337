"""Of a package that moved: whether it is another major version, and where its changes are told."""

from __future__ import annotations

import re

from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference

_MAJOR = re.compile(r"(?:[0-9]{1,9}[:!])?v?([0-9]{1,9})(?![0-9])")
"""The first number of a release; an epoch (`1:` of Debian and rpm, `1!` of PEP 440) stands before it."""
_YEARS = 1900
"""A first number from here on is a year."""


def is_major(d: Difference) -> bool:
    """Whether two versions of a package differ in their first number, and neither is below 1.

    What a first number promises is the package's own affair; below 1 it promises nothing (semver.org, 4),
    and a year promises nothing either (calver.org).
    """
    if (d.section, d.attribute) != ("packages", "version"):
        return False
    found = [_MAJOR.match(text or "") for text in (d.before, d.after)]
    numbers = {int(match[1]) for match in found if match}
    return None not in found and len(numbers) == 2 and min(numbers) > 0 and max(numbers) < _YEARS


def changes_of(d: Difference, sides: Sides) -> str:
    """Return the address where a distribution's changes are told, '' where its METADATA names none."""
    if (d.section, d.attribute, d.type) != ("packages", "version", "pypi"):
        return ""
    for package in (sides.after(d), sides.before(d)):
        if package is not None and package.python is not None and package.python.changelog:
            return package.python.changelog
    return ""
