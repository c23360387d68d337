"""What each subject of a forecast says in each case: a data file, each row with a source and a date."""

from __future__ import annotations

import importlib.resources
from functools import cache
from typing import cast

from reprocheck import strictjson
from reprocheck.model.forecast import Statement

_LONGEST = 300
"""Characters of a side's value: names and versions come from a foreign document."""


@cache
def cases() -> dict[tuple[str, str], Statement]:
    """Return every statement by subject and case, without the two sides' values."""
    raw = importlib.resources.files("reprocheck.explain").joinpath("data", "forecast.json").read_bytes()
    rows = cast("list[dict[str, str]]", strictjson.loads(raw, where="forecast.json"))
    return {
        (row["subject"], row.pop("case")): Statement(before=None, after=None, **row)  # type: ignore[arg-type]
        for row in rows
    }


def state(subject: str, case: str, before: str | None, after: str | None) -> Statement:
    """Return what the table says of one subject in one case, with both sides' values."""
    row = cases()[subject, case]
    return Statement(
        subject=subject,
        expectation=row.expectation,
        before=_short(before),
        after=_short(after),
        why=row.why,
        source=row.source,
        date=row.date,
    )


def _short(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
