"""Pre-publication rules: what a reader of the paper would miss, or could not repeat.

A rule is a pure function over the manifest and its receipts. One that could not see what it needs stands in
`CheckReport.unknowns` and never counts as passed.
"""

from __future__ import annotations

from reprocheck.checks import determinism, image, inputs, outputs, packages, process, provenance
from reprocheck.checks.judging import Check, Evidence, Judgement, lacks, unread_sections
from reprocheck.errors import UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.change import SEVERITIES
from reprocheck.model.check import CheckReport, Violation
from reprocheck.model.manifest import Manifest
from reprocheck.model.rule import Rule
from reprocheck.model.unknown import Unknown
from reprocheck.model.verdict import Receipt

REPORT_VERSION = "1.0"

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *image.CHECKS,
            *provenance.CHECKS,
            *process.CHECKS,
            *determinism.CHECKS,
            *inputs.CHECKS,
            *packages.CHECKS,
            *outputs.CHECKS,
        ),
        key=lambda check: check.rule.code,
    )
)
"""Every rule with the function that judges it, by code."""

RULES: tuple[Rule, ...] = tuple(check.rule for check in CHECKS)
"""What `reprocheck explain` prints of this room, by code."""


def check(
    manifest: Manifest,
    receipts: tuple[Receipt, ...] = (),
    *,
    limits: Limits = DEFAULT,
    checks: tuple[Check, ...] = CHECKS,
) -> CheckReport:
    """Judge a manifest, and the receipts that belong to it, by every rule.

    Findings are sorted by severity (high first), then code, then place. Raises UsageFault (E_NO_RULES) when
    no rule is selected: an empty check would pass everything.
    """
    if not checks:
        raise UsageFault(
            "E_NO_RULES",
            "no rule is selected, so nothing would be checked",
            hint="Select at least one rule, or none at all for every rule.",
        )
    evidence = Evidence.of(manifest, receipts, limits=limits)
    judged = tuple((one.rule.code, _judge(one, evidence)) for one in checks)
    findings = (hit for _, judgement in judged for hit in judgement.hits)
    return CheckReport(
        schema_version=REPORT_VERSION,
        findings=tuple(sorted(findings, key=_order)),
        passed=tuple(sorted(code for code, judgement in judged if not judgement.hits and not judgement.gaps)),
        unknowns=tuple(
            Unknown(section="checks", where=code, reason="; ".join(judgement.gaps))
            for code, judgement in sorted(judged, key=lambda pair: pair[0])
            if judgement.gaps
        ),
    )


def _judge(one: Check, evidence: Evidence) -> Judgement:
    missing = lacks(one, evidence.manifest)
    if missing:
        return Judgement(gaps=(missing,))
    unread = unread_sections(one, evidence.manifest)
    if unread and one.by_absence:
        return Judgement(gaps=unread)
    judgement = one.judge(evidence)
    return Judgement(hits=judgement.hits, gaps=(*unread, *judgement.gaps))


def _order(finding: Violation) -> tuple[int, str, str, str]:
    return SEVERITIES.index(finding.severity), finding.code, finding.where, finding.message
