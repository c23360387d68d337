"""How one difference is written down, and how equal things of two sides find each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from reprocheck.model.change import SECTIONS, ChangeKind, Delta, Difference, Section
from reprocheck.model.unknown import Section as UnknownSection
from reprocheck.model.unknown import Unknown

Shown = str | int | bool | tuple[str, ...] | None
Item = TypeVar("Item", bound=Hashable)
Pair = tuple[Item | None, Item | None]


def differ(
    section: Section,
    name: str,
    attribute: str,
    before: Shown,
    after: Shown,
    *,
    type: str = "",  # noqa: A002 - named as the field it fills
    where: str = "",
    direction: Literal["upgrade", "downgrade", ""] = "",
) -> tuple[Difference, ...]:
    """Return the one difference, or none when both sides are equal. None means that a side has nothing."""
    if before == after:
        return ()
    return (
        Difference(
            section=section,
            kind=_kind(before, after),
            name=name,
            attribute=attribute,
            before=_text(before),
            after=_text(after),
            type=type,
            where=where,
            direction=direction,
        ),
    )


def rank_key(difference: Difference) -> tuple[object, ...]:
    """Order differences by section, then by everything else that they hold."""
    d = difference
    place = SECTIONS.index(d.section)
    return (place, d.type, d.name, d.where, d.attribute, d.kind, d.before or "", d.after or "", d.direction)


def pair(
    before: Sequence[Item],
    after: Sequence[Item],
    *,
    slots: Iterable[Callable[[Item], Hashable]],
    precedence: Callable[[Item], Any],
) -> list[Pair[Item]]:
    """Match two multisets of equally named things, the same way from either side.

    Each of `slots` tells where a thing sits, the strictest first; things of one slot are matched equal to
    equal first, then in the order of `precedence`. What is left is matched when each side has just one,
    and is else added or removed.
    """
    if len(before) == 1 and len(after) == 1:
        return [(before[0], after[0])]
    pairs: list[Pair[Item]] = []
    left, right = sorted(before, key=precedence), sorted(after, key=precedence)
    for slot in slots:
        left, right = _match(left, right, slot, pairs)
    if len(left) == 1 and len(right) == 1:
        return [*pairs, (left[0], right[0])]
    return [*pairs, *((item, None) for item in left), *((None, item) for item in right)]


def _match(
    left: list[Item], right: list[Item], slot: Callable[[Item], Hashable], pairs: list[Pair[Item]]
) -> tuple[list[Item], list[Item]]:
    """Add the pairs of this slot; return what has no mate, in order. Linear in the number of copies."""
    equal = Counter((slot(item), item) for item in left) & Counter((slot(item), item) for item in right)
    pairs.extend((item, item) for _, item in equal.elements())
    lefts, rights = _without(left, slot, equal), _without(right, slot, equal)
    rest: list[Item] = []
    for key, items in lefts.items():
        mates = rights.get(key, [])
        count = min(len(items), len(mates))
        pairs.extend(zip(items[:count], mates[:count], strict=True))
        rest.extend(items[count:])
        rights[key] = mates[count:]
    return rest, [item for mates in rights.values() for item in mates]


def _without(
    items: list[Item], slot: Callable[[Item], Hashable], taken: Counter[tuple[Hashable, Item]]
) -> dict[Hashable, list[Item]]:
    left = Counter(taken)
    slots: dict[Hashable, list[Item]] = {}
    for item in items:
        key = slot(item), item
        if left[key] > 0:
            left[key] -= 1
        else:
            slots.setdefault(key[0], []).append(item)
    return slots


def _kind(before: Shown, after: Shown) -> ChangeKind:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def _text(value: Shown) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value)


def one_sided(
    section: Literal["environment", "host", "image", "os", "run"], first: bool, second: bool
) -> Delta:
    """Say that a section cannot be compared because one side lacks it; nothing when both do."""
    if not first and not second:
        return Delta(differences=(), unknowns=())
    reason = f"only the {'first' if first else 'second'} manifest has this section"
    return Delta(
        differences=(), unknowns=(Unknown(section=section, where="the whole section", reason=reason),)
    )


def recorded_once(section: UnknownSection, what: str, first: bool, second: bool) -> Delta:
    """Say that only one side was asked for something that is recorded on request: a fact, not an unknown."""
    if first == second:
        return Delta(differences=(), unknowns=())
    reason = f"only the {'first' if first else 'second'} manifest has it"
    return Delta(differences=(), unknowns=(), left_out=(Unknown(section=section, where=what, reason=reason),))


def by_key(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, Item]:
    """Index by a key; of equal keys the one that sorts first by its text."""
    found: dict[str, Item] = {}
    for item in sorted(items, key=repr):
        found.setdefault(key(item), item)
    return found
