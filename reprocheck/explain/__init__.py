"""Differences to findings: what can change results comes first, each with one command that undoes it."""

from __future__ import annotations

from typing import Literal

from reprocheck.explain.fixes import fix_of
from reprocheck.explain.folding import fold
from reprocheck.explain.judging import judge, setting_of
from reprocheck.explain.sides import Sides, sides_of
from reprocheck.explain.suspicion import EFFECTS, Suspicion, title_of
from reprocheck.explain.tables import rules
from reprocheck.model.change import SEVERITIES, Delta, DiffReport, Finding
from reprocheck.model.manifest import Manifest
from reprocheck.model.rule import Rule

DIFF_VERSION = "1.0"

RULES: tuple[Rule, ...] = rules()
"""Every rule of this room, sorted by code."""


def rank(delta: Delta, a: Manifest, b: Manifest) -> DiffReport:
    """Rank the differences of `a` and `b`, first suspect first.

    Folding and ranking change what is shown first, never the verdict: any difference at all is `differs`, and
    without one any unknown is `inconclusive`.
    """
    setting = setting_of(delta, a, b)
    suspicions = sorted((judge(d, setting) for d in delta.differences), key=lambda s: s.key)
    behind = fold(suspicions, a, b)
    members: dict[int, list[int]] = {}
    for index in range(len(suspicions)):
        members.setdefault(behind.get(index, index), []).append(index)
    # A head ranks as its strongest member: folding must not hide a numeric library behind a harmless parent.
    heads = sorted(members, key=lambda head: (members[head][0], head))
    sides = sides_of(a, b)
    findings = tuple(
        _finding(suspicions[head], [suspicions[i] for i in members[head]], sides) for head in heads
    )
    return DiffReport(
        schema_version=DIFF_VERSION,
        verdict=_verdict(delta),
        findings=findings,
        explained=any(finding.effect == "result" for finding in findings),
        unknowns=delta.unknowns,
        left_out=delta.left_out,
    )


def _verdict(delta: Delta) -> Literal["identical", "differs", "inconclusive"]:
    if delta.differences:
        return "differs"
    return "inconclusive" if delta.unknowns else "identical"


def _finding(head: Suspicion, group: list[Suspicion], sides: Sides) -> Finding:
    d = head.difference
    return Finding(
        code=head.code,
        section=d.section,
        name=d.name,
        before=d.before,
        after=d.after,
        severity=min((s.severity for s in group), key=SEVERITIES.index),
        effect=min((s.effect for s in group), key=EFFECTS.index),
        title=title_of(head.code),
        why=head.why,
        fix=fix_of(d, sides),
        type=d.type,
        where=d.where,
        attribute=d.attribute,
        folded=tuple(_label(s, head) for s in group if s is not head),
    )


def _label(member: Suspicion, head: Suspicion) -> str:
    d = member.difference
    same = (d.section, d.type, d.name, d.where) == (
        head.difference.section,
        head.difference.type,
        head.difference.name,
        head.difference.where,
    )
    return f"{d.name} ({d.attribute})" if same else d.name
