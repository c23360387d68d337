"""Use cases that need nothing but documents: diff, graph, check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.change import DiffReport
from reprocheck.model.check import CheckReport
from reprocheck.model.conflict import GraphReport, Waiver
from reprocheck.model.manifest import Manifest
from reprocheck.model.verdict import Receipt

if TYPE_CHECKING:
    from reprocheck.explain.noise import Ignore


def diff(
    a: Manifest,
    b: Manifest,
    *,
    ignore: Iterable[str] = (),
    configured: Iterable[str] = (),
    with_noise: bool = False,
    with_fix: bool = False,
) -> DiffReport:
    """Compare two sides, of which any may be a document of another tool, and rank what differs.

    `ignore` and `configured` are patterns `SECTION:GLOB` of the command line and of the configuration file;
    `with_noise` lists what the default list takes out; `with_fix` adds the commands that turn B into A.
    Raises UsageFault (E_IGNORE_PATTERN).
    """
    from reprocheck.compare import compare
    from reprocheck.compare.coverage import common, merge
    from reprocheck.compare.outputs import agreement
    from reprocheck.explain import rank
    from reprocheck.explain.forecast import forecast
    from reprocheck.explain.mending import mend
    from reprocheck.explain.noise import sift

    shared = common(a, b)
    sifted = sift(merge(compare(shared.first, shared.second), shared), ignores_of(ignore, configured))
    noise = sifted.noise if with_noise else ()
    report = rank(sifted.delta, a, b, suppressed=sifted.suppressed, noise=noise)
    return replace(
        report,
        forecast=forecast(a, b),
        mending=mend(a, b, sifted.delta) if with_fix else None,
        outputs=agreement(a, b),
    )


def ignores_of(ignore: Iterable[str], configured: Iterable[str]) -> tuple[Ignore, ...]:
    """Read the patterns of the command line and of the configuration file, and add the default list.

    Raises UsageFault (E_IGNORE_PATTERN).
    """
    from reprocheck.explain.noise import default_ignores, parse_ignore

    return (
        *(parse_ignore(pattern, "option") for pattern in ignore),
        *(parse_ignore(pattern, "configuration") for pattern in configured),
        *default_ignores(),
    )


def graph(
    manifest: Manifest,
    *,
    full: bool,
    limits: Limits,
    since: tuple[str, Manifest] | None = None,
    waivers: tuple[Waiver, ...] = (),
    today: str = "",
) -> GraphReport:
    """Find dependency conflicts.

    With `since` (name and manifest) only those that this other manifest does not have. `waivers` count until
    their day; `today` is ISO 8601. Raises InputFault (E_LIMIT_GRAPH).
    """
    from reprocheck.graph import analyse, new_since, waive

    report = analyse(manifest, limits=limits, full=full)
    if since is not None:
        report = new_since(report, analyse(since[1], limits=limits), name=since[0])
    return waive(report, waivers, today=today) if waivers else report


def check(manifest: Manifest, receipts: tuple[Receipt, ...], *, limits: Limits) -> CheckReport:
    """Run the pre-publication rules."""
    from reprocheck.checks import check as run_rules

    return run_rules(manifest, receipts, limits=limits)
