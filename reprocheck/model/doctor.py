"""What `doctor` found installed, and what is wrong with it."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Name, Stamped, Value
from reprocheck.model.unknown import Unknown

DoctorStatus = Literal["ok", "warning", "absent", "missing", "failed"]
"""`absent`: optional and not there; `missing`: needed and not there; `failed`: there and does not work."""

DOCTOR_VERSION = "1.0"


class Floor(Value, frozen=True, kw_only=True):
    """The lowest versions of a tool without a known hole, with where and when that was read."""

    tool: Name
    """As in `Tool.name`."""
    versions: tuple[Name, ...]
    """One per maintained series (`1.2.8`, `1.3.3`); anything newer than the last is fine too."""
    why: str
    source: str
    date: str
    """Day the fact was checked, ISO 8601."""


class Failure(Value, frozen=True, kw_only=True):
    """A tool that is there and does not work (a daemon that does not answer, a wrapper that crashes)."""

    tool: Name
    message: str
    fix: str


class DoctorCheck(Value, frozen=True, kw_only=True):
    """One thing that reprocheck uses."""

    name: Name
    status: DoctorStatus
    version: str
    """'' when it is missing or could not be told."""
    message: str
    fix: str
    """The next step, '' when nothing is to be done."""


class DoctorReport(Stamped, frozen=True, kw_only=True):
    """Every check, sorted by name. A warning never refuses anything."""

    checks: tuple[DoctorCheck, ...]
    unknowns: tuple[Unknown, ...]
    """What could not be asked or judged."""
