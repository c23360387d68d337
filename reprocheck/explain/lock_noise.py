"""What somebody asked not to see of a lock check: taken out, counted, and no part of the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.explain.noise import Ignore, sift
from reprocheck.model.base import replace
from reprocheck.model.change import Delta, Difference
from reprocheck.model.lock import LockDifference, LockReport


def ignore_in_lock(report: LockReport, ignores: Sequence[Ignore]) -> LockReport:
    """Take out what a pattern matches: `packages:TYPE:NAME`, and `pythons:python` for the interpreter.

    Unknowns stay, as in a diff. Pure.
    """
    rows = [(_as_difference(difference), difference) for difference in report.differences]
    sifted = sift(Delta(differences=tuple(row for row, _ in rows), unknowns=()), ignores)
    kept = {id(row) for row in sifted.delta.differences}
    differences = tuple(difference for row, difference in rows if id(row) in kept)
    return replace(
        report,
        verdict="differs" if differences else "inconclusive" if report.unknowns else "identical",
        differences=differences,
        suppressed=sifted.suppressed,
    )


def _as_difference(difference: LockDifference) -> Difference:
    python = difference.kind == "python"
    return Difference(
        section="pythons" if python else "packages",
        kind="added" if difference.kind == "extra" else "removed" if not difference.found else "changed",
        name=difference.name,
        attribute=difference.kind,
        before=difference.locked,
        after=difference.found,
        type="" if python else difference.type,
    )
