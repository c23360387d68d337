"""Requirement lines (PEP 508) to values, hostile ones refused before a recursive parser sees them.

Lines of the usual shape are read by one expression; `packaging` reads the rest and says what is wrong with
the malformed ones. Both readings agree (a property test), so nobody needs to know which one was taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reprocheck.graph.marker import NOTHING_ASKED, Alternatives, normalise, read_marker
from reprocheck.graph.release import Bound, read_bounds

if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

LONGEST = 4096
"""Characters of one requirement line."""

DEEPEST = 32
"""Opening brackets in one requirement line; the marker parser recurses on them."""

_LINE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*+)[ \t]*+(?:\[([A-Za-z0-9._, \t-]*+)\][ \t]*+)?"
    r"(?:\(([^()\[\];@'\"]++)\)|([<>=!~][^()\[\];@'\"]*+))?[ \t]*+(?:;[ \t]*+(.*))?",
    re.DOTALL,
)
_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*+(?<![._-]))?")


class Need:
    """One requirement, read. `packaging` is asked only for what needs it."""

    __slots__ = (
        "_asked",
        "_display",
        "_marker",
        "_set",
        "alternatives",
        "bounds",
        "extras",
        "name",
        "specifiers",
    )

    def __init__(
        self,
        *,
        asked: str,
        extras: tuple[str, ...],
        specifiers: tuple[str, ...],
        bounds: tuple[Bound, ...] | None,
        alternatives: Alternatives | None,
        marker: Marker | str | None = None,
    ) -> None:
        """Take the name as written with its bracket of extras, and the constraints one by one, sorted."""
        self.name = normalise(asked.partition("[")[0])
        """Normalised (PEP 503)."""
        self._asked = asked
        self.extras = extras
        """Extras of the target that are asked for, normalised, sorted."""
        self.specifiers = specifiers
        """Constraints one by one (`>=2`), sorted, each once."""
        self.bounds = bounds
        """The constraints when all are plain releases."""
        self.alternatives = alternatives
        """The marker, multiplied out; None when `marker` has to be evaluated."""
        self._marker = marker
        self._set: SpecifierSet | None = None
        self._display = ""

    @property
    def display(self) -> str:
        """`B[extra]>=2`: without marker and URL."""
        if not self._display:
            self._display = f"{self._asked}{self.constraint}"
        return self._display

    @property
    def constraint(self) -> str:
        """`!=1.0.1,>=1.0`: sorted text, the same for equal constraints."""
        return ",".join(self.specifiers)

    @property
    def specifier(self) -> SpecifierSet:
        """The constraint as `packaging` knows it."""
        if self._set is None:
            from packaging.specifiers import SpecifierSet

            self._set = SpecifierSet(self.constraint)
        return self._set

    @property
    def marker(self) -> Marker | None:
        """The marker as `packaging` knows it; None when there is none."""
        if isinstance(self._marker, str):
            from packaging.markers import Marker

            self._marker = Marker(self._marker)
        return self._marker

    @property
    def pin(self) -> str:
        """The version of an exact pin (`==1.4` or `===1.4`), '' otherwise."""
        if len(self.specifiers) != 1 or not self.specifiers[0].startswith("=="):
            return ""
        version = self.specifiers[0].lstrip("=")
        return "" if version.endswith(".*") else version


def read_requirement(line: str) -> Need:
    """Read one Requires-Dist line. Raises ValueError with the reason when it is malformed or over a bound."""
    if len(line) > LONGEST:
        raise ValueError(f"has {len(line)} characters, more than {LONGEST}")
    need = _read_usual(line)
    if need is not None:
        return need
    if line.count("(") > DEEPEST:
        raise ValueError(f"has more than {DEEPEST} brackets")
    return _read_any(line)


def _read_usual(line: str) -> Need | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    name, bracket, inside, outside, marker = match.groups()
    if name[-1] in "._-":
        return None
    text = (inside or outside or "").strip(" \t")
    bounds = read_bounds(text) if text else ()
    alternatives = NOTHING_ASKED if marker is None else read_marker(marker.rstrip(" \t"))
    if bounds is None or not alternatives or (inside is not None and not text):
        return None
    extras = [] if bracket is None else [extra.strip(" \t") for extra in bracket.split(",")]
    if bracket is not None and not all(_EXTRA.fullmatch(extra) for extra in extras):
        return None
    return Need(
        asked=f"{name}[{','.join(sorted(set(extras)))}]" if extras else name,
        extras=tuple(sorted({normalise(extra) for extra in extras})),
        specifiers=tuple(sorted({_tight(part) for part in text.split(",")})) if text else (),
        bounds=bounds,
        alternatives=alternatives,
        marker=marker,
    )


def _tight(text: str) -> str:
    return "".join(text.split())


def _read_any(line: str) -> Need:
    from packaging.requirements import Requirement

    try:
        requirement = Requirement(line)
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"cannot be read: {said[:1].lower()}{said[1:]}") from None
    bracket = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = requirement.marker
    constraint = str(requirement.specifier)
    return Need(
        asked=f"{requirement.name}{bracket}",
        extras=tuple(sorted({normalise(extra) for extra in requirement.extras})),
        specifiers=tuple(sorted({str(one) for one in requirement.specifier})),
        bounds=read_bounds(constraint) if constraint else (),
        alternatives=NOTHING_ASKED if marker is None else None,
        marker=marker,
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
