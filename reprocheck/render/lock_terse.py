"""A lock check in two lines: verdict and the first packages that are not as locked, then the counts."""

from __future__ import annotations

from reprocheck.model.lock import LockDifference, LockReport
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

_NAMED = 3
_VALUE = 40


def render(report: LockReport) -> str:
    """Return two lines, whatever the report holds."""
    subject = show(report.file, limit=80)
    if report.verdict == "identical":
        first = f"identical: the environment is what {subject} locks"
    elif report.verdict == "inconclusive":
        first = f"inconclusive: nothing differs from {subject}, but not everything could be told"
    else:
        named = "; ".join(map(_named, report.differences[:_NAMED]))
        rest = len(report.differences) - _NAMED
        first = f"differs from {subject}: {named}" + (f"; and {rest} more" if rest > 0 else "")
    suppressed = sum(suppression.count for suppression in report.suppressed)
    counts = [
        f"{plural(len(report.differences), 'package is', 'packages are')} not as locked",
        f"{report.checked} checked",
        f"{suppressed} suppressed",
        f"{len(report.unknowns)} could not be told",
    ]
    return f"{first}\n{', '.join(counts)}\n"


def _named(difference: LockDifference) -> str:
    name = show(difference.name, limit=80)
    if difference.kind == "missing":
        return f"{name} missing"
    if difference.kind == "extra":
        return f"{name} not locked"
    return f"{name} {show(difference.locked, limit=_VALUE)} → {show(difference.found, limit=_VALUE)}"
