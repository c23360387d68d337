"""N manifests held against each other: majority, outliers, groups, distances."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Digest, Stamped, Value
from reprocheck.model.change import Suppression
from reprocheck.model.unknown import Unknown


class Member(Value, frozen=True, kw_only=True):
    """One machine of the fleet."""

    name: str
    """Its `node` label, else the file's name; with the file behind it where several have that name."""
    file: str
    fingerprint: Digest
    """SHA-256 over what it has of the facts that the fleet does not agree on, noise left out: equal for
    members that nothing tells apart, and comparable within one report only."""
    group: str = ""
    """Value of the `--group-by` label, '' without one."""
    outlying: Count = 0
    """Facts in which it is not with the majority (of its group), noise left out."""


class Holding(Value, frozen=True, kw_only=True):
    """One value of a fact and who has it."""

    value: str | None
    """None: these members do not have it at all."""
    members: tuple[Count, ...]
    """Indices into `FleetReport.members`, ascending."""


class Split(Value, frozen=True, kw_only=True):
    """A fact that the fleet does not agree on. Facts are named as in `Difference`."""

    section: str
    name: str
    attribute: str
    majority: str | None
    """Value of more than half of the members that tell it; meaningless when `undecided`."""
    undecided: bool
    """No value has more than half."""
    holdings: tuple[Holding, ...]
    """Most members first. Members in none of them do not tell it, or have another `given`."""
    type: str = ""
    where: str = ""
    code: str = ""
    """Rule that the difference falls under."""
    effect: str = ""
    given: str = ""
    """Only members that agree on this are compared: the version whose content differs. '' for all."""
    untold: tuple[Count, ...] = ()
    """Members that have it and did not record its value."""
    outliers: tuple[Count, ...] = ()
    """Members that are not with the majority: of their group with `--group-by`, else of the fleet."""
    torn: tuple[str, ...] = ()
    """Groups of `--group-by` in which no value has more than half, sorted; [''] without `--group-by`."""
    noise: str = ""
    """Why it differs by nature (a rank, a host name); it tells no members apart and decides no verdict."""


class EqualGroup(Value, frozen=True, kw_only=True):
    """Members that nothing tells apart."""

    fingerprint: Digest
    members: tuple[Count, ...]


class Enrolled(Value, frozen=True, kw_only=True):
    """A member before anything was judged."""

    name: str
    file: str
    group: str = ""


class FleetDelta(Value, frozen=True, kw_only=True):
    """Every fact that a fleet does not agree on, before anybody says what matters."""

    members: tuple[Enrolled, ...]
    splits: tuple[Split, ...]
    """Unranked and complete: noise included; `code`, `effect`, `outliers` and `torn` are still empty."""
    unknowns: tuple[Unknown, ...]
    left_out: tuple[Unknown, ...]
    origins: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Who set each variable that some members set otherwise or not at all; sorted by name."""
    runs: bool = False
    """Every member holds a run."""
    group_by: str = ""
    repeated: tuple[str, ...] = ()


class RankedSplits(Value, frozen=True, kw_only=True):
    """The splits of a `FleetDelta`, judged."""

    splits: tuple[Split, ...]
    """First suspect first."""
    noise: tuple[Split, ...]
    """What differs from member to member by nature, each with the reason."""
    suppressed: tuple[Suppression, ...]


class FleetReport(Stamped, frozen=True, kw_only=True):
    """The result of `diff` of three or more manifests."""

    verdict: Literal["identical", "differs", "inconclusive"]
    members: tuple[Member, ...]
    groups: tuple[EqualGroup, ...]
    """Largest first."""
    splits: tuple[Split, ...]
    """In rank order, as findings of a diff of two; behind them noise, where it was asked for."""
    distances: tuple[tuple[Count, ...], ...]
    """Lower triangle without the diagonal: `distances[i][j]` for j < i, in facts that differ."""
    group_by: str = ""
    unknowns: tuple[Unknown, ...]
    left_out: tuple[Unknown, ...] = ()
    suppressed: tuple[Suppression, ...] = ()
    repeated: tuple[str, ...] = ()
    """Files that were named more than once; each counts once."""
    majority: Literal["held", "broken", "unknown"] = "unknown"
    """Whether every member is with the majority (of its group): what `--expect majority` asks. `broken` also
    where there is no majority; `unknown` when nothing stands against it and not everything was seen."""
