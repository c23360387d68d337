"""Whether equal bits may be expected of two environments, before anybody spends GPU hours."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Value

Expectation = Literal["identical", "differs", "unknown"]
"""`identical`: nothing known stands against equal bits; `differs`: something is known to change them;
`unknown`: a fact that decides was not recorded, on one side or on both."""


class Statement(Value, frozen=True, kw_only=True):
    """What one fact of both sides says about equal bits."""

    subject: str
    """`cpu.level`, `blas.dispatch`, `gpu.architecture`, `tf32`, `threads`, ..."""
    expectation: Expectation
    before: str | None
    after: str | None
    why: str
    source: str
    """Where the fact about the world comes from."""
    date: str
    """Day it was checked, ISO 8601."""


class Forecast(Value, frozen=True, kw_only=True):
    """The whole: `differs` when any statement says so, else `unknown` when any does."""

    expectation: Expectation
    statements: tuple[Statement, ...]
    """Those that decide first; then by subject."""
