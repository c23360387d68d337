"""What an observation must have missed, as unknowns: missing evidence is never taken for absence."""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck.collect.hook_reports import Report
from reprocheck.model.sighting import Sighting
from reprocheck.model.unknown import Unknown

_HINT = "sampling needs root on the engine's machine"


def missed(sighting: Sighting, reports: tuple[Report, ...]) -> tuple[Unknown, ...]:
    """Say what neither the hook nor the samples can have seen."""
    found = [_unknown(where, reason) for where, reason in sighting.faults]
    if not sighting.hooked:
        if not sighting.sampled:
            found.append(
                _unknown("processes", f"what they loaded could not be seen: {sighting.unsampled}; {_HINT}")
            )
        return tuple(found)
    return (*found, *_unreported(sighting), *(() if sighting.sampled else _unsampled(sighting, reports)))


def _unreported(sighting: Sighting) -> Iterator[Unknown]:
    """Python processes that took the hook, ended without a report, and were not sampled either."""
    sampled = {(process.pid, process.executable) for process in sighting.processes}
    for pid, executable in sighting.starts:
        if (pid, executable) not in sampled:
            yield _unknown(
                executable or "a Python process",
                "one process ended without a report (a signal, os._exit or another program in its place) "
                "before it could be sampled",
            )


def _unsampled(sighting: Sighting, reports: tuple[Report, ...]) -> Iterator[Unknown]:
    why = f"their mappings were not sampled ({sighting.unsampled}); {_HINT}"
    if not reports:
        if not sighting.processes:
            yield _unknown("processes", f"none reported, and {why}")
        return
    # An init of the engine is process 1, so the program itself is its child.
    if not sighting.workspace and not any(report.parent == 1 for report in reports):
        yield _unknown("the program itself", f"it did not report, and {why}")
    if any(report.children for report in reports):
        yield _unknown("child processes", f"not all of them can be told from the reports, and {why}")


def _unknown(where: str, reason: str) -> Unknown:
    return Unknown(section="loaded", where=where, reason=reason)
