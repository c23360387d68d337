"""Time stamps of the engine."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def milliseconds_between(start: str, end: str) -> int:
    """Return the milliseconds between two RFC 3339 stamps; 0 when either is missing or the order is wrong."""
    first, last = _nanoseconds(start), _nanoseconds(end)
    return max(0, (last - first) // 1_000_000) if first is not None and last is not None else 0


def _nanoseconds(stamp: str) -> int | None:
    """Nanoseconds since 1970; datetime itself keeps microseconds only, and Go's zero time is no time."""
    match = _STAMP.fullmatch(stamp)
    if match is None or stamp.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + int((match[2] or "0").ljust(9, "0"))
