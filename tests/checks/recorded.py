"""A manifest in which no rule finds anything, to be spoiled in one place by each test."""

from __future__ import annotations

from typing import Any

from reprocheck.checks import CHECKS, check
from reprocheck.model.check import CheckReport
from reprocheck.model.image import Source
from reprocheck.model.manifest import Digests, Manifest, Observation
from reprocheck.model.run import Resources
from reprocheck.model.unknown import Section, Unknown
from reprocheck.model.verdict import ComparedOutput, Receipt
from tests.strategies import make_manifest, make_run, make_variable, sha

SEAL = f"sha256:{sha('e')}"


def clean(*, run: dict[str, Any] | None = None, **overrides: Any) -> Manifest:
    """Return a manifest that passes every rule; `run` overrides fields of the run."""
    fields: dict[str, Any] = {
        "digests": Digests(content=f"sha256:{sha('c')}", manifest=SEAL),
        "environment": (
            make_variable("LANG", "C.UTF-8", origin="image"),
            make_variable("OMP_NUM_THREADS", "2"),
            make_variable("PYTHONHASHSEED", "0"),
        ),
        "source": Source(
            kind="image",
            engine="docker 20.10.24",
            reference="train:latest",
            config_digest=f"sha256:{sha('d')}",
            repo_digests=(f"registry.example/train@sha256:{sha('f')}",),
        ),
        "observation": Observation(tools=(), duration_ms=1200),
        "run": make_run(
            **{
                "argv": ("/usr/bin/python3.11", "/app/train.py", "--seed", "1"),
                "resources": Resources(nano_cpus=2 * 10**9),
            }
            | (run or {})
        ),
    }
    return make_manifest(**fields | overrides)


def receipt(verdict: str = "identical", **overrides: Any) -> Receipt:
    """Return the receipt of a verify of `clean()`."""
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "verdict": verdict,
        "level": "L0",
        "reason": "all outputs have the same bytes",
        "outputs": (ComparedOutput(name="/out/model.safetensors", verdict="identical", level="L0"),),
        "manifest": SEAL,
        "image": f"sha256:{sha('d')}",
        "engine": "docker 20.10.24",
        "relaxations": (),
        "resources": Resources(),
        "ignored_outputs": 0,
        "ignored_keys": 0,
        "executions": (),
        "host": None,
        "unknowns": (),
        "tools": (),
    }
    return Receipt(**fields | overrides)


def report(manifest: Manifest, *receipts: Receipt) -> CheckReport:
    """Check with the given receipts, or with a clean one when none is given."""
    return check(manifest, receipts or (receipt(),))


def found(code: str, manifest: Manifest, *receipts: Receipt) -> tuple[tuple[str, str], ...]:
    """Return severity and place of one rule's findings."""
    findings = report(manifest, *receipts).findings
    return tuple((finding.severity, finding.where) for finding in findings if finding.code == code)


def outcome(code: str, manifest: Manifest, *receipts: Receipt) -> str:
    """Return `passed`, `found`, `not checked`, or `found, not checked`."""
    result = report(manifest, *receipts)
    words = []
    if any(finding.code == code for finding in result.findings):
        words.append("found")
    if any(gap.where == code for gap in result.unknowns):
        words.append("not checked")
    if code in result.passed:
        words.append("passed")
    return ", ".join(words)


def unknown(section: Section) -> Unknown:
    """Return a reading of this section that failed."""
    return Unknown(section=section, where="/some/path", reason="it was not readable")


def every_code() -> tuple[str, ...]:
    """Codes of all rules."""
    return tuple(one.rule.code for one in CHECKS)
