"""A fleet in two lines: verdict and who is not with the majority, then the counts."""

from __future__ import annotations

from reprocheck.model.fleet import FleetReport
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

_NAMED = 5


def render(report: FleetReport) -> str:
    """Return two lines, whatever the report holds."""
    splits = [split for split in report.splits if not split.noise]
    outlying = [show(member.name, limit=80) for member in report.members if member.outlying]
    if report.verdict == "identical":
        first = "identical: nothing tells the members apart"
    elif report.verdict == "inconclusive":
        first = "inconclusive: nothing that was seen differs, but not everything was seen"
    elif outlying:
        more = f" and {len(outlying) - _NAMED} more" if len(outlying) > _NAMED else ""
        first = f"differs: not with the majority: {', '.join(outlying[:_NAMED])}{more}"
    else:
        first = "differs: there is no majority to be with"
    torn = sum(bool(split.torn) for split in splits)
    suppressed = sum(suppression.count for suppression in report.suppressed)
    counts = [
        f"{plural(len(report.members), 'member')} in {plural(len(report.groups), 'group')} of equals",
        plural(len(splits), "fact differs", "facts differ"),
        f"{torn} without majority",
        f"{suppressed} suppressed",
        f"{len(report.unknowns) + len(report.left_out)} not compared",
    ]
    return f"{first}\n{', '.join(counts)}\n"
