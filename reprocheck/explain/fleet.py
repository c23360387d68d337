"""Ranks what a fleet does not agree on by the rules of a diff of two.

Each split is judged as the one difference between what most members have and what most of the others have.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from reprocheck import strictjson
from reprocheck.explain.judging import Setting, judge
from reprocheck.explain.noise import Ignore, sift
from reprocheck.explain.tables import Noise
from reprocheck.model.base import replace
from reprocheck.model.change import ChangeKind, Delta, Difference, Section
from reprocheck.model.fleet import FleetDelta, RankedSplits, Split

_PRESENCE = frozenset({"environment", "packages", "libraries", "pythons", "frameworks", "loading", "data"})
"""Sections in which a diff of two calls it `presence` when one side lacks the whole thing."""
_LEFTOVERS = ("wheel", "remnant", "unmet")
_WILD = re.compile(r"([*?[])")
_INSIDE = ("packages", "libraries", "pythons", "os")


@cache
def fleet_noise() -> tuple[Noise, ...]:
    """Return what differs from member to member by nature, in the order of the table."""
    name = "fleet_noise.json"
    raw = importlib.resources.files("reprocheck.explain").joinpath("data", name).read_bytes()
    rows = cast("list[dict[str, Any]]", strictjson.loads(raw, where=name))
    lists = ("globs", "attributes")
    return tuple(Noise(**{**row, **{key: tuple(row.get(key, ())) for key in lists}}) for row in rows)


def fleet_ignores(group_by: str = "") -> tuple[Ignore, ...]:
    """Return patterns for what differs from member to member by nature: ranks, host names, job numbers.

    What the members are grouped by differs between groups, and is one of them.
    """
    listed = tuple(
        Ignore(
            pattern=f"{row.section}:{glob}",
            section=row.section,
            glob=glob,
            origin="default",
            attributes=row.attributes,
            why=row.why,
        )
        for row in fleet_noise()
        for glob in row.globs
    )
    if not group_by:
        return listed
    own = Ignore(
        pattern=f"job:{group_by}",
        section="job",
        glob=_WILD.sub(r"[\1]", group_by),
        origin="default",
        why="the members are grouped by it",
    )
    return (own, *listed)


def rank_fleet(delta: FleetDelta, *, ignores: Sequence[Ignore] = ()) -> RankedSplits:
    """Rank the splits, first suspect first, and take out what a pattern matches.

    Pure. `ignores` are those of a diff of two, default list included; what differs from member to member by
    nature is added here. What a pattern takes out is counted; what a default list takes out is kept as noise.
    """
    differences = tuple(_difference(split) for split in delta.splits)
    # Two splits may have one difference (files of two versions), so that they are known by identity.
    stands_for = {id(d): split for d, split in zip(differences, delta.splits, strict=True)}
    sifted = sift(Delta(differences=differences, unknowns=()), (*ignores, *fleet_ignores(delta.group_by)))
    setting = _setting(delta, sifted.delta.differences)
    judged = [(judge(d, setting), stands_for[id(d)]) for d in sifted.delta.differences]
    judged.sort(key=lambda pair: (pair[0].key, pair[1].given, repr(pair[1].holdings)))
    return RankedSplits(
        splits=tuple(replace(split, code=s.code, effect=s.effect) for s, split in judged),
        noise=tuple(replace(stands_for[id(d)], noise=why) for d, why in sifted.noise),
        suppressed=sifted.suppressed,
    )


def _difference(split: Split) -> Difference:
    """Write a split as a diff of two would write it: the most common value against the next one."""
    before, after = (holding.value for holding in split.holdings[:2])
    kind: ChangeKind = "added" if before is None else "removed" if after is None else "changed"
    attribute = split.attribute
    if kind != "changed" and split.section in _PRESENCE and attribute not in _LEFTOVERS:
        attribute = "presence"
    elif kind != "changed" and split.section == "code" and attribute == "commit":
        attribute = "repository"
    return Difference(
        section=cast("Section", split.section),
        kind=kind,
        name=split.name,
        attribute=attribute,
        before=before,
        after=after,
        type=split.type,
        where=split.where,
    )


def _setting(delta: FleetDelta, differences: Sequence[Difference]) -> Setting:
    origins = {name: frozenset(found) for name, found in delta.origins}
    return Setting(
        origins=origins,
        both_run=delta.runs,
        content_differs=any(
            d.section in _INSIDE or (d.section == "environment" and "image" in origins.get(d.name, ()))
            for d in differences
        ),
    )
