"""From facts and who has them to what a fleet does not agree on.

A set of members is an integer: bit `i` stands for member `i`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reprocheck.compare.difference import Shown
from reprocheck.compare.fleet_facts import Fact, Open
from reprocheck.model.change import Section
from reprocheck.model.fleet import Holding, Split
from reprocheck.model.unknown import Section as UnknownSection
from reprocheck.model.unknown import Unknown

Key = tuple[Section, str, str, str, str, tuple[object, ...]]

PLACES: Mapping[Section, UnknownSection] = {"frameworks": "libraries", "loading": "libraries", "job": "run"}
"""Under which section an unknown of a fact stands, where it is another one."""


def section_of(section: Section) -> UnknownSection:
    """Return the section under which what is not known of a fact is listed."""
    place: UnknownSection = PLACES.get(section) or section  # type: ignore[assignment]
    return place


def members_of(mask: int) -> tuple[int, ...]:
    """Return the members of a set, ascending."""
    if not mask & (mask - 1):  # one member, or none: most values of a fleet that agrees on nothing
        return (mask.bit_length() - 1,) if mask else ()
    return tuple(index for index, bit in enumerate(bin(mask)[:1:-1]) if bit == "1")


@dataclass(kw_only=True, slots=True)
class _Cell:
    """One fact: its values, and who has them."""

    anchor: bool
    several: Literal["split", "unknown", "left-out"]
    reason: str
    values: dict[Shown, int] = field(default_factory=dict)
    open: dict[tuple[Open, str], int] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Found:
    """What came out: splits, and what is not known of whom."""

    splits: list[Split] = field(default_factory=list)
    unknowns: dict[Unknown, int] = field(default_factory=dict)
    left_out: dict[Unknown, int] = field(default_factory=dict)

    def note(self, unknown: Unknown, members: int, *, on_purpose: bool = False) -> None:
        """Remember who does not tell something."""
        table = self.left_out if on_purpose else self.unknowns
        table[unknown] = table.get(unknown, 0) | members


class Tally:
    """Gathers the facts of one section, or of one package, over all members."""

    def __init__(self) -> None:
        """Start without facts."""
        self._cells: dict[Key, _Cell] = {}

    def add(self, facts: Iterable[Fact], members: int) -> None:
        """Note that these members have these facts."""
        cells = self._cells
        for fact in facts:
            key = (fact.section, fact.type, fact.name, fact.where, fact.attribute, fact.given)
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = _Cell(anchor=False, several=fact.several, reason=fact.reason)
            cell.anchor |= fact.anchor
            if fact.open:
                why = (fact.open, fact.reason)
                cell.open[why] = cell.open.get(why, 0) | members
            else:
                cell.values[fact.value] = cell.values.get(fact.value, 0) | members

    def close(self, told: int, found: Found) -> None:
        """Write down every fact with more than one value; `told` are the members that tell this section."""
        for key, cell in self._cells.items():
            seen = hidden = 0
            for members in cell.values.values():
                seen |= members
            for (why, reason), members in cell.open.items():
                hidden |= members
                if why != "mixed" or cell.values:
                    where = key[2] if not key[1] else f"{key[1]}:{key[2]}"
                    unknown = Unknown(section=section_of(key[0]), where=where, reason=reason)
                    found.note(unknown, members, on_purpose=why == "left-out")
            values = dict(cell.values)
            if cell.anchor and (absent := told & ~seen & ~hidden):
                values[None] = values.get(None, 0) | absent
            if len(values) > 1 and cell.several != "split":
                most = max(values.values(), key=lambda members: (members.bit_count(), -members))
                unknown = Unknown(section=section_of(key[0]), where=key[2], reason=cell.reason)
                found.note(unknown, seen & ~most, on_purpose=cell.several == "left-out")
            elif len(values) > 1:
                found.splits.append(_split(key, values, hidden))


def _split(key: Key, values: dict[Shown, int], hidden: int) -> Split:
    section, type_, name, where, attribute, given = key
    if name == "cpu.features":
        values = _without_common(values)
    texts = _texts(values)
    ranked = sorted(values.items(), key=lambda v: (-v[1].bit_count(), texts[v[0]] or "", v[0] is not None))
    first, most = ranked[0]
    undecided = 2 * most.bit_count() <= sum(members.bit_count() for members in values.values())
    return Split(
        section=section,
        type=type_,
        name=name,
        where=where,
        attribute=attribute,
        given=str(given[0]) if given and given[0] is not None else "",
        majority=None if undecided else texts[first],
        undecided=undecided,
        holdings=tuple(Holding(value=texts[value], members=members_of(members)) for value, members in ranked),
        untold=members_of(hidden),
    )


def _without_common(values: dict[Shown, int]) -> dict[Shown, int]:
    """Keep of each list only what not all have: the whole list has dozens of equal words."""
    lists = [set(value) for value in values if isinstance(value, tuple)]
    common = set.intersection(*lists) if len(lists) == len(values) else set()
    return {
        (tuple(x for x in value if x not in common) or None) if isinstance(value, tuple) else value: members
        for value, members in values.items()
    }


def _texts(values: Iterable[Shown]) -> dict[Shown, str | None]:
    """Write values for people; what would read the same is written so that it does not."""
    texts = {value: _text(value) for value in values}
    if len(set(texts.values())) < len(texts):
        return {value: repr(value) if isinstance(value, tuple) else _text(value) for value in texts}
    return texts


def _text(value: Shown) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)
