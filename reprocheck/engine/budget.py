"""A budget that was hit: one wording for all readers."""

from __future__ import annotations

from reprocheck.errors import CouldNotRun


def over_limit(limit: str, allowed: int, where: str) -> CouldNotRun:
    """Build the error (E_LIMIT) for a field of `Limits` that `where` has gone beyond."""
    return CouldNotRun(
        "E_LIMIT",
        f"{where} goes beyond the limit {limit} ({allowed}); nothing was kept of it",
        hint="Raise every limit with --limit-scale if the size is expected.",
    )
