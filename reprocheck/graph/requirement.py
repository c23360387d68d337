"""Requirement lines (PEP 508) to values, hostile ones refused before a recursive parser sees them."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

LONGEST = 4096
"""Characters of one requirement line."""

DEEPEST = 32
"""Opening brackets in one requirement line; the marker parser recurses on them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One requirement, read."""

    name: str
    """Normalised (PEP 503)."""
    display: str
    """`B[extra]>=2`: without marker and URL."""
    extras: tuple[str, ...]
    """Extras of the target that are asked for, normalised, sorted."""
    specifier: SpecifierSet
    marker: Marker | None

    @property
    def pin(self) -> str:
        """The version of an exact pin (`==1.4` or `===1.4`), '' otherwise."""
        specs = tuple(self.specifier)
        if len(specs) == 1 and specs[0].operator in {"==", "==="} and not specs[0].version.endswith(".*"):
            return specs[0].version
        return ""


def read_requirement(line: str) -> Need:
    """Read one Requires-Dist line. Raises ValueError with the reason when it is malformed or over a bound."""
    if len(line) > LONGEST:
        raise ValueError(f"has {len(line)} characters, more than {LONGEST}")
    if line.count("(") > DEEPEST:
        raise ValueError(f"has more than {DEEPEST} brackets")
    try:
        requirement = Requirement(line)
    except ValueError as error:
        raise ValueError(str(error).splitlines()[0]) from None
    extras = tuple(sorted(canonicalize_name(extra) for extra in requirement.extras))
    bracket = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return Need(
        name=canonicalize_name(requirement.name),
        display=f"{requirement.name}{bracket}{requirement.specifier}",
        extras=extras,
        specifier=requirement.specifier,
        marker=requirement.marker,
    )


class RequirementReader:
    """Reads each distinct line once: thousands of packages share their requirements."""

    def __init__(self) -> None:
        self._seen: dict[str, Need | str] = {}

    def read(self, line: str) -> Need | str:
        """Return the requirement, or the reason why it could not be read."""
        found = self._seen.get(line)
        if found is None:
            try:
                found = read_requirement(line)
            except ValueError as error:
                found = str(error) or "is malformed"
            self._seen[line] = found
        return found
