"""What the splits of a fleet amount to: outliers, groups of equals, distances, the verdict."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from reprocheck.model.base import replace
from reprocheck.model.fleet import EqualGroup, FleetDelta, FleetReport, Member, RankedSplits, Split

FLEET_VERSION = "1.0"

_Mark = tuple[int, int]
"""Number of a split, number of one of its values; -1 for a value that is not told."""


def weigh(delta: FleetDelta, ranked: RankedSplits, *, noise: bool = False) -> FleetReport:
    """Return the report. Pure; `noise` lists what differs by nature too and changes no verdict."""
    groups = [member.group for member in delta.members] if delta.group_by else []
    splits = [_judged(split, groups) for split in ranked.splits]
    outlying = Counter(index for split in splits for index in split.outliers)
    equals = _equals(splits, len(delta.members))
    fingerprints = {index: group.fingerprint for group in equals for index in group.members}
    return FleetReport(
        schema_version=FLEET_VERSION,
        verdict="differs" if splits else "inconclusive" if delta.unknowns else "identical",
        members=tuple(
            Member(
                name=member.name,
                file=member.file,
                group=member.group,
                fingerprint=fingerprints[index],
                outlying=outlying[index],
            )
            for index, member in enumerate(delta.members)
        ),
        groups=equals,
        splits=(*splits, *(ranked.noise if noise else ())),
        distances=_distances(splits, equals, len(delta.members)),
        group_by=delta.group_by,
        unknowns=delta.unknowns,
        left_out=delta.left_out,
        suppressed=ranked.suppressed,
        repeated=delta.repeated,
        majority=_majority(delta, splits),
    )


def _majority(delta: FleetDelta, splits: Sequence[Split]) -> Literal["held", "broken", "unknown"]:
    if any(split.outliers or split.torn for split in splits):
        return "broken"
    return "unknown" if delta.unknowns else "held"


def _judged(split: Split, groups: Sequence[str]) -> Split:
    """Say who is not with the majority: of the fleet, or of each group of `--group-by`."""
    if not groups:
        if split.undecided:
            return replace(split, torn=("",))
        rest = (index for holding in split.holdings[1:] for index in holding.members)
        return replace(split, outliers=tuple(sorted(rest)))
    counts = Counter(
        (groups[index], place) for place, holding in enumerate(split.holdings) for index in holding.members
    )
    told: Counter[str] = Counter()
    for (group, _), count in counts.items():
        told[group] += count
    usual = {group: place for (group, place), count in counts.items() if 2 * count > told[group]}
    outliers = [
        index
        for place, holding in enumerate(split.holdings)
        for index in holding.members
        if usual.get(groups[index], place) != place
    ]
    return replace(split, outliers=tuple(sorted(outliers)), torn=tuple(sorted(told.keys() - usual.keys())))


def _equals(splits: Sequence[Split], count: int) -> tuple[EqualGroup, ...]:
    """Group members that nothing tells apart. A value that is not told counts as one of its own."""
    marks: list[list[_Mark]] = [[] for _ in range(count)]
    for number, split in enumerate(splits):
        for place, holding in enumerate(split.holdings[1:], start=1):
            for index in holding.members:
                marks[index].append((number, place))
        for index in split.untold:
            marks[index].append((number, -1))
    found: dict[tuple[_Mark, ...], list[int]] = {}
    for index, own in enumerate(marks):
        found.setdefault(tuple(own), []).append(index)
    keys = [_key(split) for split in splits]
    return tuple(
        EqualGroup(fingerprint=_fingerprint(own, splits, keys), members=tuple(members))
        for own, members in sorted(found.items(), key=lambda g: (-len(g[1]), g[1]))
    )


def _key(split: Split) -> str:
    held = "\0".join(str(holding.value) for holding in split.holdings)
    names = (split.section, split.type, split.name, split.where, split.attribute, split.given)
    return hashlib.sha256("\0".join((*names, held)).encode(errors="surrogatepass")).hexdigest()


def _fingerprint(own: Sequence[_Mark], splits: Sequence[Split], keys: Sequence[str]) -> str:
    """Digest what sets a group apart. The order of ranks does not count."""
    lines = [
        f"{keys[number]} {splits[number].holdings[place].value if place >= 0 else '(not told)'!r}"
        for number, place in own
    ]
    text = "\n".join([*sorted(keys), "", *sorted(lines)])
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def _distances(
    splits: Sequence[Split], equals: Sequence[EqualGroup], count: int
) -> tuple[tuple[int, ...], ...]:
    """Count for each pair the facts that both tell and that differ; equal members share their distances.

    Each group has one bit per value and one per fact that it tells. A fact that differs sets two bits of the
    values apart, one that only one side tells sets one, and the latter are known from the facts told.
    """
    group_of = {index: number for number, group in enumerate(equals) for index in group.members}
    first = {group.members[0]: number for number, group in enumerate(equals)}
    total = sum(len(split.holdings) for split in splits)
    held = [bytearray(total // 8 + 1) for _ in equals]
    told = [bytearray(len(splits) // 8 + 1) for _ in equals]
    bit = 0
    for number, split in enumerate(splits):
        for holding in split.holdings:
            for index in holding.members:
                if index in first:
                    held[first[index]][bit // 8] |= 1 << bit % 8
                    told[first[index]][number // 8] |= 1 << number % 8
            bit += 1
    values = [int.from_bytes(one, "little") for one in held]
    facts = [int.from_bytes(one, "little") for one in told]
    between = [
        [((values[i] ^ values[j]).bit_count() - (facts[i] ^ facts[j]).bit_count()) // 2 for j in range(i)]
        for i in range(len(equals))
    ]
    rows = []
    for i in range(count):
        own = group_of[i]
        others = (group_of[j] for j in range(i))
        rows.append(tuple(0 if own == o else between[max(own, o)][min(own, o)] for o in others))
    return tuple(rows)
