"""A rule: a named kind of problem, with its reason and its source."""

from __future__ import annotations

from reprocheck.model.base import Value
from reprocheck.model.change import Severity


class Rule(Value, frozen=True, kw_only=True):
    """What `reprocheck explain CODE` prints. Each code belongs to exactly one room's `RULES` tuple."""

    code: str
    title: str
    severity: Severity
    detect: str
    """How it is detected, and from what."""
    why: str
    fix: str
    source: str
    """Where the fact comes from: `owner/repo#number`, a specification, a document."""
    date: str
    """Day the fact was checked, ISO 8601."""
