"""What the use cases need to know of the process they run in; passed in, never read in the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reprocheck.limits import DEFAULT, Limits


def no_progress(_message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """Environment, places and budgets of one call."""

    environ: Mapping[str, str]
    home: str
    directory: str
    """Working directory, for relative paths."""
    docker_host: str | None = None
    limits: Limits = field(default=DEFAULT)
    progress: Callable[[str], None] = no_progress
    now: Callable[[], str] | None = None
    """RFC 3339 UTC clock, only with `--timings`."""
