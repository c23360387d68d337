"""Differences to findings: what can change results comes first, each with one command that undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from reprocheck.explain.fixes import fix_of
from reprocheck.explain.folding import fold
from reprocheck.explain.gaps import gaps_of
from reprocheck.explain.judging import Setting, judge, setting_of
from reprocheck.explain.lookalikes import LookAlikes
from reprocheck.explain.noise import Ignore, Sifted, default_ignores, parse_ignore, sift, suppress
from reprocheck.explain.releases import changes_of, is_major
from reprocheck.explain.sides import Sides, sides_of
from reprocheck.explain.suspicion import EFFECTS, SHOWN, Suspicion, title_of
from reprocheck.explain.tables import rules
from reprocheck.explain.usage import USED, Usage
from reprocheck.model.base import replace
from reprocheck.model.change import SEVERITIES, Delta, Difference, DiffReport, Finding, Suppression
from reprocheck.model.manifest import Manifest
from reprocheck.model.rule import Rule

__all__ = [
    "DIFF_VERSION",
    "RULES",
    "Ignore",
    "Sifted",
    "default_ignores",
    "parse_ignore",
    "rank",
    "sift",
    "suppress",
]

DIFF_VERSION = "1.1"

RULES: tuple[Rule, ...] = rules()
"""Every rule of this room, sorted by code."""


_NO_FIX = frozenset(
    {
        ("hub", "refs"),
        ("hub", "place"),
        ("loading", "consumers"),
        ("loading", "shadowed"),
    }
)
"""What follows from something else, or from how a side was looked at: no command puts it right."""


def rank(
    delta: Delta,
    a: Manifest,
    b: Manifest,
    *,
    suppressed: tuple[Suppression, ...] = (),
    noise: Sequence[tuple[Difference, str]] = (),
) -> DiffReport:
    """Rank the differences of `a` and `b`, first suspect first.

    Pure. Folding and ranking change what is shown first, never the verdict: any difference at all is
    `differs`, and without one any unknown is `inconclusive`. `suppressed` counts what `suppress` took out;
    `noise` (of `sift`) is listed behind everything else, and decides no verdict either.
    """
    sides = sides_of(a, b)
    judge_all = _Judge(setting_of(delta, a, b), Usage(a, b), LookAlikes(a, b))
    suspicions = sorted(map(judge_all, delta.differences), key=lambda s: s.key)
    behind = fold(suspicions, a, b)
    members: dict[int, list[int]] = {}
    for index in range(len(suspicions)):
        members.setdefault(behind.get(index, index), []).append(index)
    # A head ranks as its strongest member: folding must not hide a numeric library behind a harmless parent,
    # nor what a run loaded behind what none did.
    heads = sorted(members, key=lambda head: (members[head][0], head))
    findings = [_finding(suspicions[head], [suspicions[i] for i in members[head]], sides) for head in heads]
    reasons = dict(noise)
    for s in sorted(map(judge_all, reasons), key=lambda s: s.key):
        findings.append(_finding(s, [s], sides, noise=reasons[s.difference]))
    return DiffReport(
        schema_version=DIFF_VERSION,
        verdict=_verdict(delta),
        findings=tuple(findings),
        explained=any(f.effect == "result" and f.used != "idle" and not f.noise for f in findings),
        unknowns=delta.unknowns,
        left_out=delta.left_out,
        suppressed=suppressed,
        gaps=gaps_of(a, b),
    )


class _Judge:
    """Judges one difference after another in one setting."""

    def __init__(self, setting: Setting, usage: Usage, names: LookAlikes) -> None:
        self._setting, self._usage, self._names = setting, usage, names

    def __call__(self, difference: Difference) -> Suspicion:
        judged = judge(difference, self._setting)
        used, alike = self._usage.of(difference), self._names.of(difference)
        return replace(judged, used=used, alike=alike) if used or alike else judged


def _verdict(delta: Delta) -> Literal["identical", "differs", "inconclusive"]:
    if delta.differences:
        return "differs"
    return "inconclusive" if delta.unknowns else "identical"


def _finding(head: Suspicion, group: list[Suspicion], sides: Sides, *, noise: str = "") -> Finding:
    d = head.difference
    # A member that no run loaded lends the group neither its effect nor its severity.
    telling = [s for s in group if s.used != "idle"] or group
    effect = min((s.effect for s in telling), key=EFFECTS.index)
    return Finding(
        code=head.code,
        section=d.section,
        name=d.name,
        before=d.before,
        after=d.after,
        severity=min((s.severity for s in telling), key=SEVERITIES.index),
        effect=effect,
        title=title_of(head.code),
        why=head.why,
        fix="" if (d.section, d.attribute) in _NO_FIX else fix_of(d, sides.about(d)),
        type=d.type,
        where=d.where,
        attribute=d.attribute,
        folded=tuple(_label(s, head) for s in group if s is not head),
        major=is_major(d),
        changes=changes_of(d, sides),
        used=min((s.used for s in group), key=USED.index),
        alike=tuple(sorted({name for s in group for name in s.alike})),
        group=SHOWN[min(s.group for s in telling if s.effect == effect)],
        noise=noise,
    )


def _label(member: Suspicion, head: Suspicion) -> str:
    d = member.difference
    return f"{d.name} ({d.attribute})" if d.name == head.difference.name else d.name
