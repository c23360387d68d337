"""Whether the recorded NVIDIA driver is new enough for the CUDA runtime in the environment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from reprocheck import strictjson
from reprocheck.graph import rules
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import NativeLibrary
from reprocheck.model.unknown import Unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverMinimum:
    """The oldest Linux driver that runs one CUDA release; from 11 on, one row stands for a whole major."""

    cuda: str
    driver: str
    source: str
    date: str


@cache
def driver_minimums() -> tuple[DriverMinimum, ...]:
    """Read the table that ships with the package."""
    name = "cuda_driver_minimum.json"
    document = strictjson.loads(files("reprocheck.graph").joinpath("data", name).read_bytes(), where=name)
    assert isinstance(document, dict)
    return tuple(DriverMinimum(**row) for row in document["rows"])


def find_driver_conflicts(manifest: Manifest) -> tuple[tuple[Conflict, ...], tuple[Unknown, ...]]:
    """Compare the host's driver with each CUDA runtime's minimum (DRV-211). Nothing without a driver.

    An image with NVIDIA's `cuda-compat` package for that CUDA release can run on an older data-centre driver,
    so the finding is then a remark and not a broken requirement.
    """
    driver = manifest.host.driver if manifest.host is not None else None
    runtimes = sorted(
        (library for library in manifest.libraries if library.kind == "cuda-runtime"),
        key=lambda a: (a.version, a.path),
    )
    if driver is None or not runtimes:
        return (), ()
    have = _numbers(driver.version)
    if not have:
        unknown = Unknown(
            section="graph", where="driver", reason=f"its version {driver.version[:80]!r} is not a number"
        )
        return (), (unknown,)
    asking: dict[DriverMinimum, list[NativeLibrary]] = {}
    unknowns = []
    for library in runtimes:
        row = _minimum(library.version)
        if row is None:
            reason = f"no driver minimum is known for CUDA {library.version[:80] or 'of unknown version'}"
            unknowns.append(Unknown(section="graph", where=library.path, reason=reason))
        elif have < _numbers(row.driver):
            asking.setdefault(row, []).append(library)
    found = tuple(
        _conflict(row, asking[row], driver.version, compat=_has_compat(manifest, asking[row]))
        for row in sorted(asking, key=lambda r: _numbers(r.cuda))
    )
    return found, tuple(unknowns)


def _conflict(row: DriverMinimum, libraries: list[NativeLibrary], have: str, *, compat: bool) -> Conflict:
    requirement = f"NVIDIA driver >= {row.driver}"
    first = libraries[0]
    note = (
        " The image holds cuda-compat, which lets data-centre GPUs run it on an older driver."
        if compat
        else ""
    )
    return Conflict(
        code=rules.DRIVER.code,
        kind="driver-too-old",
        severity="low" if compat else rules.DRIVER.severity,
        package=f"{first.name} {first.version}".rstrip(),
        requirement=requirement,
        found=have,
        causes=tuple(
            Cause(requirement=requirement, parent=f"{a.name} {a.version}".rstrip(), chain=(a.path,))
            for a in libraries
        ),
        broken=not compat,
        fix=f"Install NVIDIA driver {row.driver} or newer on the host, or use an older CUDA runtime.{note}",
    )


def _has_compat(manifest: Manifest, libraries: list[NativeLibrary]) -> bool:
    wanted = {"cuda-compat-" + "-".join(library.version.split(".")[:2]) for library in libraries}
    return any(package.name in wanted for package in manifest.packages)


def _minimum(cuda: str) -> DriverMinimum | None:
    """The row of this release, else of its major."""
    numbers = _numbers(cuda)
    rows = {_numbers(row.cuda): row for row in driver_minimums()}
    return rows.get(numbers[:2]) or rows.get(numbers[:1])


def _numbers(version: str) -> tuple[int, ...]:
    """Give `535.104.05` as numbers; empty when it is not made of short numbers."""
    parts = version.strip().split(".")
    if len(parts) > 8 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return ()
    return tuple(int(part) for part in parts)
