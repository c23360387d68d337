"""The Python modules that a run imported, and the distributions that they came from."""

from __future__ import annotations

from collections.abc import Iterator

from reprocheck.collect.hook_reports import HookModule, Report
from reprocheck.collect.path_owners import PathOwners
from reprocheck.model.loaded import ImportedModule
from reprocheck.model.sighting import Sighting

_SITES = ("/site-packages/", "/dist-packages/")


def imported_modules(
    reports: tuple[Report, ...], owners: PathOwners, sighting: Sighting
) -> tuple[ImportedModule, ...]:
    """Return each module once for each place that it came from, sorted by name and place."""
    counts: dict[tuple[str, str], int] = {}
    origins: dict[tuple[str, str], tuple[str, str]] = {}
    for report in reports:
        for module in report.modules:
            standard = _is_standard(module, report.standard)
            key = (module.name, "" if standard else place_in_record(module.path, sighting))
            counts[key] = counts.get(key, 0) + 1
            if not standard and not module.namespace and key not in origins:
                origins[key] = owners.distribution(module.name, module.path)
    return tuple(_imported(counts, origins))


def _imported(
    counts: dict[tuple[str, str], int], origins: dict[tuple[str, str], tuple[str, str]]
) -> Iterator[ImportedModule]:
    for name, path in sorted(counts):
        distribution, version = origins.get((name, path), ("", ""))
        yield ImportedModule(
            name=name,
            distribution=distribution,
            version=version,
            path=path,
            processes=counts[name, path],
        )


def _is_standard(module: HookModule, places: tuple[str, ...]) -> bool:
    path = module.path
    return path.startswith(tuple(f"{place}/" for place in places)) and not any(
        site in path for site in _SITES
    )


def place_in_record(path: str, sighting: Sighting) -> str:
    """Return a path without the chance in the name of a local run's workspace."""
    for place in sighting.workspace:
        if path.startswith(f"{place}/"):
            return path.removeprefix(f"{place}/")
    return path
