"""What the lines of a picture mean, in words that every picture shares."""

from __future__ import annotations

from reprocheck.model.conflict import GraphReport

WORDS = {
    "requires": "requires",
    "needs": "needs when it runs",
    "owns": "owns the files of",
}
"""By `Edge.kind`, in the order of a legend."""


def present(report: GraphReport) -> tuple[str, ...]:
    """Return the kinds of a report's edges, in the order of a legend."""
    found = {edge.kind for edge in report.edges}
    return tuple(kind for kind in WORDS if kind in found)
