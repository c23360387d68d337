"""Use cases that need nothing but documents: diff, graph, check."""

from __future__ import annotations

from reprocheck.limits import Limits
from reprocheck.model.change import DiffReport
from reprocheck.model.check import CheckReport
from reprocheck.model.conflict import GraphReport
from reprocheck.model.manifest import Manifest
from reprocheck.model.verdict import Receipt


def diff(a: Manifest, b: Manifest) -> DiffReport:
    """Compare two manifests and rank what differs."""
    from reprocheck.compare import compare
    from reprocheck.explain import rank

    return rank(compare(a, b), a, b)


def graph(manifest: Manifest, *, full: bool, limits: Limits) -> GraphReport:
    """Find dependency conflicts."""
    from reprocheck.graph import analyse

    return analyse(manifest, limits=limits, full=full)


def check(manifest: Manifest, receipts: tuple[Receipt, ...], *, limits: Limits) -> CheckReport:
    """Run the pre-publication rules."""
    from reprocheck.checks import check as run_rules

    return run_rules(manifest, receipts, limits=limits)
