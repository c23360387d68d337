"""What a report leaves out or lets pass: conflicts that another manifest has too, and waivers with an end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from reprocheck.graph.marker import normalise
from reprocheck.model.base import replace
from reprocheck.model.conflict import Conflict, GraphReport, Waiver, WaiverUse

_FIRST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,255}")
"""What a requirement asks for, in the notation of any ecosystem: `numpy<2`, `libc6 (>= 2.36)`."""
_DAY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")

Identity = tuple[str, str, str, str, str]


def new_since(report_b: GraphReport, report_a: GraphReport, *, name: str = "") -> GraphReport:
    """Keep the conflicts that B has and A has not; the others are counted in `inherited`.

    A conflict is the same one when code, kind, package and requirement are: the version that was found, the
    chains and the environment's path may differ. Two of a kind in B need two in A. `name` is A's, for people.
    """
    known = Counter(map(identity, report_a.conflicts))
    kept = []
    for conflict in report_b.conflicts:
        own = identity(conflict)
        if known[own]:
            known[own] -= 1
        else:
            kept.append(conflict)
    return replace(
        report_b,
        conflicts=tuple(kept),
        since=name,
        inherited=len(report_b.conflicts) - len(kept),
    )


def identity(conflict: Conflict) -> Identity:
    """Give what makes two conflicts of two manifests the same one."""
    package = conflict.package.partition(" ")[0]
    return conflict.code, conflict.kind, conflict.type, normalise(package), conflict.requirement


def waive(report: GraphReport, waivers: Iterable[Waiver], today: str) -> GraphReport:
    """Mark the conflicts that a waiver names with its reason, and say what became of every waiver.

    `today` is an ISO date. A waiver holds up to and including its last day; one that is expired, or whose
    day is no day, waives nothing. The first one that holds gives the reason; a waived conflict stays.
    """
    reasons: dict[int, str] = {}
    uses = []
    for waiver in waivers:
        named = [i for i, conflict in enumerate(report.conflicts) if _names(waiver, conflict)]
        if _DAY.fullmatch(waiver.expires) is None:
            uses.append(WaiverUse(waiver=waiver, state="malformed", conflicts=len(named)))
        elif waiver.expires < today:
            uses.append(WaiverUse(waiver=waiver, state="expired", conflicts=len(named)))
        else:
            uses.append(
                WaiverUse(waiver=waiver, state="used" if named else "unmatched", conflicts=len(named))
            )
            for i in named:
                reasons.setdefault(i, waiver.reason or "no reason given")
    conflicts = tuple(
        replace(conflict, waived=reasons[i]) if i in reasons else conflict
        for i, conflict in enumerate(report.conflicts)
    )
    return replace(report, conflicts=conflicts, waivers=(*report.waivers, *uses))


def _names(waiver: Waiver, conflict: Conflict) -> bool:
    if waiver.code.upper() != conflict.code:
        return False
    names = {normalise(conflict.package), normalise(conflict.package.partition(" ")[0])}
    if required := _FIRST_NAME.match(conflict.requirement):
        names.add(normalise(required[0]))
    return normalise(waiver.package) in names
