"""Pre-publication findings."""

from __future__ import annotations

from reprocheck.model.base import Stamped, Value
from reprocheck.model.change import Severity
from reprocheck.model.unknown import Unknown


class Violation(Value, frozen=True, kw_only=True):
    """One finding of one rule."""

    code: str
    title: str
    severity: Severity
    where: str
    """The field of the manifest, the package or the file that proves it."""
    message: str
    fix: str


class CheckReport(Stamped, frozen=True, kw_only=True):
    """The result of `check`."""

    findings: tuple[Violation, ...]
    passed: tuple[str, ...]
    """Codes of the rules that ran and found nothing."""
    unknowns: tuple[Unknown, ...]
    """Rules that could not run, with the reason; such a rule never passes."""
