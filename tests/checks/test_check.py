"""What holds for every rule and for the report as a whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from reprocheck.checks import CHECKS, RULES, check
from reprocheck.errors import UsageFault
from reprocheck.model.manifest import Manifest
from tests.checks.recorded import clean, every_code, outcome, receipt, report, unknown
from tests.strategies import make_manifest, make_run, manifests


def test_a_clean_manifest_passes_every_rule() -> None:
    """Nothing is found, nothing is left out."""
    result = report(clean())
    assert (result.findings, result.unknowns) == ((), ())
    assert result.passed == every_code()


@settings(deadline=None, max_examples=50)
@given(manifests())
def test_every_rule_is_judged_once(manifest: Manifest) -> None:
    """A rule passes, or it is among the findings or the unchecked: never both, never neither."""
    result = check(manifest, (receipt(),))
    told = {finding.code for finding in result.findings} | {gap.where for gap in result.unknowns}
    assert told.isdisjoint(result.passed)
    assert told | set(result.passed) == set(every_code())
    assert len(result.unknowns) == len({gap.where for gap in result.unknowns})


@settings(deadline=None, max_examples=50)
@given(manifests())
def test_findings_are_in_order_of_severity_code_and_place(manifest: Manifest) -> None:
    """The report is the same whatever order rules were judged in."""
    result = check(manifest)
    ranks = ("high", "medium", "low", "info")
    keys = [(ranks.index(f.severity), f.code, f.where, f.message) for f in result.findings]
    assert keys == sorted(keys)
    assert check(manifest, checks=CHECKS[::-1]) == result


@pytest.mark.parametrize("one", CHECKS, ids=lambda one: str(one.rule.code))
def test_a_rule_without_its_section_or_its_run_never_passes(one: object) -> None:
    """What was not read, or is not there, is no pass."""
    rule = next(c for c in CHECKS if c is one)
    for section in rule.sections:
        assert "not checked" in outcome(rule.rule.code, clean(unknowns=(unknown(section),)))
    if "run" in rule.needs:
        assert outcome(rule.rule.code, make_manifest(run=None)) == "not checked"
    if "image" in rule.needs:
        assert outcome(rule.rule.code, clean(image=None)) == "not checked"


def test_a_failed_reading_forbids_a_finding_by_absence() -> None:
    """Whether a variable is unset cannot be told when the environment was not read in full."""
    manifest = make_manifest(environment=(), run=make_run(), unknowns=(unknown("environment"),))
    for code in ("RUN-030", "CPU-106", "ENV-612", "PRV-909"):
        assert outcome(code, manifest) == "not checked"


def test_no_rule_is_an_error_and_not_a_pass() -> None:
    """An empty selection would pass everything."""
    with pytest.raises(UsageFault) as caught:
        check(clean(), checks=())
    assert caught.value.code == "E_NO_RULES"


def test_rule_rows_are_complete_and_have_their_own_code() -> None:
    """Each row can be explained: title, reason, fix and source are sentences, not blanks."""
    assert len({rule.code for rule in RULES}) == len(RULES) >= 14
    for rule in RULES:
        assert re.fullmatch(r"(?:IMG|PRV|ENV|RUN|CPU|DAT|DEP|PKG|OUT)-\d{3}", rule.code)
        assert all((rule.title, rule.detect, rule.why, rule.fix, rule.source))
        assert rule.date == "2026-11-22"
