"""Whether the recorded NVIDIA driver is new enough for the CUDA runtime in the environment."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from reprocheck import strictjson
from reprocheck.graph import rules
from reprocheck.model.base import Frozen
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.host import Driver
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown


class DriverMinimum(Frozen, frozen=True, kw_only=True):
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

    A framework that names its CUDA counts where no runtime library of that major was found: it may hold one.
    An image with NVIDIA's `cuda-compat` for that CUDA release can run on an older data-centre driver, so the
    finding is then a remark and not a broken requirement. So is a runtime that is newer than the driver's own
    CUDA: minor-version compatibility runs it, but PTX cannot be compiled.
    """
    driver = manifest.host.driver if manifest.host is not None else None
    runtimes = _runtimes(manifest)
    if driver is None or not runtimes:
        return (), ()
    have = _numbers(driver.version)
    if not have:
        reason = f"its version {driver.version[:80]!r} is not a number"
        return (), (Unknown(section="graph", where="driver", reason=reason),)
    asking: dict[DriverMinimum, list[Runtime]] = {}
    newer: list[Runtime] = []
    unknowns = []
    for runtime in runtimes:
        rows = [_minimum(version) for version in runtime.versions] or [None]
        needs = {have < _numbers(row.driver) for row in rows if row is not None}
        if None in rows:
            reason = f"no driver minimum is known for CUDA {runtime.version[:80] or 'of unknown version'}"
            unknowns.append(Unknown(section="graph", where=runtime.path, reason=reason))
        elif len(needs) > 1:
            told = " and ".join(runtime.versions)
            reason = f"its version is told as {told[:160]}, and the driver is new enough for one of them only"
            unknowns.append(Unknown(section="graph", where=runtime.path, reason=reason))
        elif True in needs and rows[0] is not None:
            asking.setdefault(rows[0], []).append(runtime)
        elif _numbers(driver.cuda_maximum) and _numbers(runtime.version)[:2] > _numbers(driver.cuda_maximum):
            newer.append(runtime)
    found = [
        _conflict(row, asking[row], driver.version, compat=_has_compat(manifest, row, asking[row]))
        for row in sorted(asking, key=lambda r: _numbers(r.cuda))
    ]
    found += _remarks(newer, driver)
    return tuple(found), tuple(unknowns)


class Runtime(Frozen, frozen=True, kw_only=True):
    """A CUDA runtime, and every version that it is told to have, the trusted one first."""

    name: str
    path: str
    versions: tuple[str, ...]

    @property
    def version(self) -> str:
        """The trusted one, '' for none."""
        return self.versions[0] if self.versions else ""

    @property
    def label(self) -> str:
        """`name version`, as causes write it."""
        return f"{self.name} {self.version}".rstrip()


def _runtimes(manifest: Manifest) -> list[Runtime]:
    found = [
        Runtime(
            name=library.name,
            path=library.path,
            versions=tuple(
                dict.fromkeys(filter(None, (library.version, *(claim.version for claim in library.others))))
            ),
        )
        for library in manifest.libraries
        if library.kind == "cuda-runtime"
    ]
    majors = {_numbers(version)[:1] for runtime in found for version in runtime.versions}
    found += [
        Runtime(name=item.name, path=f"{item.location}/{item.source}", versions=(item.cuda,))
        for item in manifest.frameworks
        if item.cuda and _numbers(item.cuda)[:1] not in majors
    ]
    return sorted(found, key=lambda item: (item.version, item.path))


def _conflict(row: DriverMinimum, runtimes: list[Runtime], have: str, *, compat: bool) -> Conflict:
    requirement = f"NVIDIA driver >= {row.driver}"
    note = (
        " The image holds cuda-compat, which lets data-centre GPUs run it on an older driver."
        if compat
        else ""
    )
    return Conflict(
        code=rules.DRIVER.code,
        kind="driver-too-old",
        severity="low" if compat else rules.DRIVER.severity,
        package=runtimes[0].label,
        requirement=requirement,
        found=have,
        causes=_causes(requirement, runtimes),
        broken=not compat,
        fix=f"Install NVIDIA driver {row.driver} or newer on the host, or use an older CUDA runtime.{note}",
    )


def _remarks(newer: list[Runtime], driver: Driver) -> list[Conflict]:
    if not newer:
        return []
    requirement = f"NVIDIA driver with CUDA {'.'.join(map(str, _numbers(newer[-1].version)[:2]))}"
    return [
        Conflict(
            code=rules.DRIVER.code,
            kind="driver-too-old",
            severity="info",
            package=newer[-1].label,
            requirement=requirement,
            found=f"{driver.version}, which has CUDA {driver.cuda_maximum}",
            causes=_causes(requirement, newer),
            broken=False,
            fix="Nothing, unless a program compiles PTX (the driver refuses that of a newer CUDA).",
        )
    ]


def _causes(requirement: str, runtimes: list[Runtime]) -> tuple[Cause, ...]:
    return tuple(
        Cause(requirement=requirement, parent=runtime.label, chain=(runtime.path,)) for runtime in runtimes
    )


def _has_compat(manifest: Manifest, row: DriverMinimum, runtimes: list[Runtime]) -> bool:
    """Whether a user-mode driver for this CUDA lies in the image: by package, or by its own version."""
    wanted = {"cuda-compat-" + "-".join(runtime.version.split(".")[:2]) for runtime in runtimes}
    return any(package.name in wanted for package in manifest.packages) or any(
        library.kind == "cuda-compat" and _numbers(library.version) >= _numbers(row.driver)
        for library in manifest.libraries
        if library.version
    )


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
