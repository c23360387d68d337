"""Shared objects of Python distributions against the image: libraries, symbol versions, NumPy's ABI."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprocheck import strictjson
from reprocheck.graph import rules_below as rules
from reprocheck.model.base import Frozen, replace
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.installing import pip_command
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import LinkNeed, Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

MOST = 12
"""Libraries that one remark names."""

NUMPY_1 = "NUMPY_1"
"""As `LinkNeed.wanted` writes it."""


class Optional(Frozen, frozen=True, kw_only=True):
    """Needs that are no fault when nothing meets them: patterns of the consumer's path and of the SONAME."""

    consumer: str
    soname: str
    reason: Literal["host", "hardware", "plug-in"]
    """`host`: mounted by the container engine; `hardware`: for some network adapters; `plug-in`: loaded on
    demand, and done without."""
    source: str
    date: str


@cache
def _tables() -> tuple[tuple[Optional, ...], dict[str, str]]:
    """Read the tables that ship with the package: optional needs, and Debian's packages by SONAME."""
    name = "native_libraries.json"
    document = strictjson.loads(files("reprocheck.graph").joinpath("data", name).read_bytes(), where=name)
    assert isinstance(document, dict)
    return (
        tuple(Optional(**row) for row in document["optional"]),
        {row["soname"]: row["package"] for row in document["debian"]},
    )


def find_native_conflicts(manifest: Manifest) -> tuple[tuple[Conflict, ...], tuple[Unknown, ...]]:
    """Give libraries that the loader does not find (DEP-432), symbol versions that are not there (DEP-433).

    Extension modules of NumPy 1 beside NumPy 2 (DEP-403) are the third kind.
    """
    packages = {package.purl: package for package in reversed(manifest.packages)}
    found: list[Conflict] = []
    unknowns: list[Unknown] = []
    for need in manifest.linking:
        if need.met:
            continue
        view = _Place.of(need, manifest, packages)
        if need.wanted == NUMPY_1:
            item = _numpy(need, view, manifest)
        elif need.wanted:
            item = _symbol(need, view)
        else:
            item = _library(need, view, manifest)
        if isinstance(item, Unknown):
            unknowns.append(item)
        elif item is not None:
            found.append(item)
    return tuple(_folded(found)), tuple(unknowns)


def _folded(found: list[Conflict]) -> list[Conflict]:
    """Make one remark of all libraries that one package can do without: Qt has dozens of plug-ins."""
    rest: list[Conflict] = []
    alike: dict[tuple[str, ...], list[Conflict]] = {}
    for item in found:
        if item.broken or item.kind != "needed-library" or item.found:
            rest.append(item)
        else:
            alike.setdefault((item.environment, item.package, item.severity), []).append(item)
    for items in alike.values():
        names = [item.requirement for item in items]
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        causes = tuple(cause for item in items for cause in item.causes)[:MOST]
        fix = items[0].fix if len(items) == 1 else ""
        rest.append(replace(items[0], requirement=", ".join(names[:MOST]) + more, causes=causes, fix=fix))
    return rest


class _Place(Frozen, frozen=True, kw_only=True):
    """Whose an object is, and in which environment it lies."""

    label: str
    name: str
    python: PythonEnvironment | None
    type: str

    @classmethod
    def of(cls, need: LinkNeed, manifest: Manifest, packages: dict[str, Package]) -> _Place:
        owner = packages.get(need.owner)
        inside = [
            python
            for python in sorted(manifest.pythons, key=lambda item: (not item.active, item.executable))
            if any(need.consumer.startswith(f"{place.rstrip('/')}/") for place in python.search_path)
        ]
        file = need.consumer.rpartition("/")[2]
        return cls(
            label=f"{owner.name} {owner.version}" if owner is not None else file,
            name=owner.name if owner is not None else file,
            python=inside[0] if inside else None,
            type=owner.type if owner is not None else "",
        )

    def cause(self, requirement: str, consumer: str) -> Cause:
        return Cause(
            requirement=requirement, parent=self.label, chain=tuple(dict.fromkeys((self.label, consumer)))
        )

    @property
    def executable(self) -> str:
        return self.python.executable if self.python is not None else ""


def _library(need: LinkNeed, place: _Place, manifest: Manifest) -> Conflict | None:
    optional, packages = _tables()
    reason = next(
        (
            row.reason
            for row in optional
            if fnmatchcase(need.soname, row.soname) and fnmatchcase(need.consumer, row.consumer)
        ),
        "",
    )
    if reason == "host":
        return None
    broken = need.imported and not reason and not need.elsewhere
    package = packages.get(need.soname, "") if manifest.os is not None and _is_debian(manifest) else ""
    if need.elsewhere:
        directory = need.elsewhere.rpartition("/")[0]
        fix = f"Let the loader look in {directory}: LD_LIBRARY_PATH, or /etc/ld.so.conf.d and ldconfig."
    else:
        fix = f"apt-get install {package}" if package else f"Install the package that holds {need.soname}."
    return Conflict(
        code=rules.LIBRARY.code,
        kind="needed-library",
        severity="high" if broken else "info" if reason else "medium" if need.imported else "low",
        package=place.name,
        requirement=need.soname,
        found=need.elsewhere,
        causes=(place.cause(need.soname, need.consumer),),
        broken=broken,
        fix="" if reason else fix,
        environment=place.executable,
        type=place.type,
    )


def _is_debian(manifest: Manifest) -> bool:
    return any(package.type == "deb" for package in manifest.packages)


def _symbol(need: LinkNeed, place: _Place) -> Conflict:
    requirement = f"{need.wanted} of {need.soname}"
    offered = f"up to {need.offered} in {need.provider}" if need.offered else f"not in {need.provider}"
    family, _, version = need.wanted.rpartition("_")
    if family == "GLIBC" and version.replace(".", "").isdigit():
        fix = f"Use a base image with glibc {version} or newer, or a wheel of {place.name} for an older one."
    elif family in ("GLIBCXX", "CXXABI"):
        fix = f"Use a newer libstdc++ than {need.provider}, or a wheel of {place.name} for an older one."
    else:
        fix = f"Use another release of {need.soname} than {need.provider}, or of {place.name}."
    return Conflict(
        code=rules.SYMBOLS.code,
        kind="symbol-version",
        severity=rules.SYMBOLS.severity if need.imported else "medium",
        package=place.name,
        requirement=requirement,
        found=offered,
        causes=(place.cause(requirement, need.consumer),),
        broken=need.imported,
        fix=fix,
        environment=place.executable,
        type=place.type,
    )


def _numpy(need: LinkNeed, place: _Place, manifest: Manifest) -> Conflict | Unknown | None:
    if place.python is None:
        return None
    installed = [
        package
        for package in manifest.packages
        if package.python is not None
        and package.python.effective
        and package.python.environment == place.executable
        and canonicalize_name(package.conda.pip_name if package.conda else package.name) == "numpy"
    ]
    if not installed:
        return None
    version = installed[0].version
    try:
        major = Version(version).major
    except InvalidVersion:
        reason = f"the installed NumPy {version[:80]!r} has no version that can be compared"
        return Unknown(section="graph", where=place.label, reason=reason)
    if major < 2:
        return None
    requirement = "numpy<2"
    return Conflict(
        code=rules.NUMPY.code,
        kind="numpy-abi",
        severity=rules.NUMPY.severity,
        package=place.name,
        requirement=requirement,
        found=version,
        causes=(place.cause(requirement, need.consumer),),
        broken=True,
        fix=f"{pip_command('install', place.executable, manifest)} 'numpy<2'",
        environment=place.executable,
        type=place.type,
    )
