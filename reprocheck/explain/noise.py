"""Differences that somebody asked not to see: they are counted, decide no verdict, and are never just gone.

A pattern is `SECTION:GLOB`; the section may be `*` or left out. The glob matches the name of a difference,
its `TYPE:NAME` (`pypi:numpy`), or where it lies, each as a whole or from any `/` on. Unknowns are not
suppressed: ignoring what differs does not make seen what was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import Literal, get_args

from reprocheck.errors import UsageFault
from reprocheck.explain import tables
from reprocheck.model.base import Frozen, replace
from reprocheck.model.change import Delta, Difference, Section, Suppression

Origin = Literal["default", "configuration", "option"]
_ORDER: tuple[Origin, ...] = ("option", "configuration", "default")
"""Whose pattern counts a difference that several match: what the user wrote comes first."""
_SECTIONS: tuple[str, ...] = get_args(Section)
_LONGEST = 1024


class Ignore(Frozen, frozen=True, kw_only=True):
    """One pattern, read."""

    pattern: str
    """As written; how it is counted."""
    section: str
    """'' for every section."""
    glob: str
    origin: Origin
    attributes: tuple[str, ...] = ()
    """Only differences of these attributes; empty for all."""
    why: str = ""


class Sifted(Frozen, frozen=True, kw_only=True):
    """A delta without what was ignored, and what that was."""

    delta: Delta
    suppressed: tuple[Suppression, ...]
    """Every pattern of the user, also one that matched nothing; of the default list those that matched."""
    noise: tuple[tuple[Difference, str], ...]
    """What the default list took out, each with the reason; `rank` shows it on request."""


def parse_ignore(pattern: str, origin: Origin) -> Ignore:
    """Read `SECTION:GLOB`. What stands before `:` and is no section belongs to the glob (`pypi:numpy`).

    Raises UsageFault (E_IGNORE_PATTERN) for an empty glob or one that is too long.
    """
    section, colon, rest = pattern.partition(":")
    named = bool(colon) and (section == "*" or section in _SECTIONS)
    glob = rest if named else pattern
    if not glob or len(glob) > _LONGEST:
        problem = "names nothing" if not glob else f"is longer than {_LONGEST} characters"
        raise UsageFault(
            "E_IGNORE_PATTERN",
            f"the pattern {pattern[:80]!r} {problem}",
            hint="Write SECTION:GLOB, such as environment:SLURM_* or packages:pypi:pip.",
        )
    return Ignore(
        pattern=pattern, section=section if named and section != "*" else "", glob=glob, origin=origin
    )


def default_ignores() -> tuple[Ignore, ...]:
    """Return the default list of noise."""
    return tuple(
        Ignore(
            pattern=f"{row.section}:{glob}",
            section=row.section,
            glob=glob,
            origin="default",
            attributes=row.attributes,
            why=row.why,
        )
        for row in tables.noise()
        for glob in row.globs
    )


def suppress(delta: Delta, ignores: Sequence[Ignore]) -> tuple[Delta, tuple[Suppression, ...]]:
    """Take out the differences that a pattern matches, and count them by pattern."""
    sifted = sift(delta, ignores)
    return sifted.delta, sifted.suppressed


def sift(delta: Delta, ignores: Sequence[Ignore]) -> Sifted:
    """Take out what a pattern matches. Each difference counts once: for the user's own patterns first.

    Pure; the differences that stay keep their order, and the counts add up to those that went.
    """
    ordered = sorted(_once(ignores), key=lambda i: _ORDER.index(i.origin))
    matchers = {section: _Matcher(ordered, section) for section in {d.section for d in delta.differences}}
    counts = [0] * len(ordered)
    kept: list[Difference] = []
    noise: list[tuple[Difference, str]] = []
    for difference in delta.differences:
        place = matchers[difference.section].first(difference)
        if place is None:
            kept.append(difference)
            continue
        counts[place] += 1
        if ordered[place].origin == "default":
            noise.append((difference, ordered[place].why))
    return Sifted(
        delta=replace(delta, differences=tuple(kept)),
        suppressed=tuple(
            Suppression(pattern=ignore.pattern, origin=ignore.origin, count=count)
            for ignore, count in zip(ordered, counts, strict=True)
            if count or ignore.origin != "default"
        ),
        noise=tuple(noise),
    )


def _once(ignores: Iterable[Ignore]) -> tuple[Ignore, ...]:
    return tuple(dict.fromkeys(ignores))


class _Matcher:
    """The patterns of one section, behind one expression that most names do not pass.

    `fnmatch.translate` writes `*` as an atomic group, so that no glob takes more than linear time.
    """

    def __init__(self, ignores: Sequence[Ignore], section: str) -> None:
        self._globs: list[tuple[int, re.Pattern[str], tuple[str, ...]]] = []
        gates: list[str] = []
        for place, ignore in enumerate(ignores):
            if ignore.section not in ("", section):
                continue
            # Also from any `/` on, as everywhere (`globs.matches`).
            alternatives = [translate(ignore.glob)]
            if not ignore.glob.startswith("/"):
                alternatives.append(translate(f"*/{ignore.glob}"))
            gates += alternatives
            self._globs.append((place, re.compile("|".join(alternatives)), ignore.attributes))
        self._gate = re.compile("|".join(gates)) if gates else None

    def first(self, d: Difference) -> int | None:
        """Return the place of the first pattern that matches."""
        subjects = [d.name, *((f"{d.type}:{d.name}",) if d.type else ()), *((d.where,) if d.where else ())]
        if self._gate is None or not any(map(self._gate.match, subjects)):
            return None
        for place, pattern, attributes in self._globs:
            if attributes and d.attribute not in attributes:
                continue
            if any(pattern.match(subject) for subject in subjects):
                return place
        return None
