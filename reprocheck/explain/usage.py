"""What the observed runs had loaded: only that is a first suspect, where both sides were observed.

A package counts as loaded when a module of it was imported, when a library that it installed was mapped, or
when it owns such a package (Debian's python3-numpy, a conda package). Missing evidence demotes nothing: an
observation that reports a gap, or one without Python's own report, leaves the packages that it cannot judge
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from reprocheck.explain import tables
from reprocheck.explain.judging import normal_name
from reprocheck.model.base import Frozen
from reprocheck.model.change import Difference
from reprocheck.model.loaded import Loaded
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import NativeLibrary, Package

Used = Literal["loaded", "idle", ""]
USED: tuple[Used, ...] = ("loaded", "", "idle")
"""Strongest first."""

_DATA_ROLES = ("interpreter", "tz", "locale")
"""Packages whose files are read, not mapped: nothing of them shows in an observation."""


Key = tuple[str, str]
"""Package type and normalised name."""


class _Side(Frozen, frozen=True, kw_only=True):
    """What one observed run loaded, by every name that a difference may have for it."""

    places: Mapping[Key, frozenset[str]]
    """Where copies of a package lie: environment, location, prefix, architecture."""
    loaded: Mapping[Key, frozenset[str]]
    """The same of those copies of which something was loaded."""
    paths: frozenset[str]
    digests: frozenset[str]
    """SHA-256 and build ids of mapped files."""
    stems: frozenset[str]
    modules: frozenset[str]
    modules_seen: bool
    programs: frozenset[str]
    """Names of programs that are no Python: which package has them is not recorded."""


class Usage:
    """Answers for one pair of manifests whether the observed runs had something."""

    def __init__(self, a: Manifest, b: Manifest) -> None:
        """Index both observations; without both, every answer is ''."""
        self._sides: tuple[_Side, ...] = ()
        self._libraries: Mapping[tuple[str, str], list[NativeLibrary]] = {}
        self._complete = not any(u.section == "loaded" for side in (a, b) for u in side.unknowns)
        if a.loaded is None or b.loaded is None:
            return
        self._sides = (_side(a, a.loaded), _side(b, b.loaded))
        libraries: dict[tuple[str, str], list[NativeLibrary]] = {}
        for library in (*a.libraries, *b.libraries):
            libraries.setdefault((library.kind, _stem(library.name)), []).append(library)
        self._libraries = libraries

    def of(self, d: Difference) -> Used:
        """Return `loaded` when either run had it, `idle` when both were seen whole and neither had it."""
        if not self._sides:
            return ""
        match d.section:
            case "loaded":
                return "loaded"
            case "packages" if d.type:
                return self._package(d)
            case "libraries":
                return self._answer(any(self._has_library(side, d) for side in self._sides))
            case "frameworks":
                loaded = any(d.name in side.modules for side in self._sides)
                return self._answer(loaded, python=True)
            case "loading":
                return self._answer(any(_stem(d.name) in side.stems for side in self._sides))
            case _:
                return ""

    def _answer(self, loaded: bool, *, python: bool = False) -> Used:
        if loaded:
            return "loaded"
        whole = self._complete and (not python or all(side.modules_seen for side in self._sides))
        return "idle" if whole else ""

    def _package(self, d: Difference) -> Used:
        key = (d.type, normal_name(d.type, d.name))
        if any(_has_package(side, key, d.where) for side in self._sides):
            return "loaded"
        known = tables.package(*key)
        if known is not None and known.role in _DATA_ROLES:
            return ""
        if self._may_be_a_program(*key):
            return ""
        return self._answer(False, python=d.type in ("pypi", "conda"))

    def _may_be_a_program(self, type: str, name: str) -> bool:  # noqa: A002 - named as the field it takes
        """Whether an OS package may have a program that ran; those named `lib...` hold libraries."""
        programs = any(side.programs for side in self._sides)
        return programs and type in ("deb", "rpm", "apk") and not name.startswith("lib")

    def _has_library(self, side: _Side, d: Difference) -> bool:
        known = self._libraries.get((d.type, _stem(d.name)), [])
        # `where` tells copies of one name apart; a renamed place is judged by any copy of the name.
        exact = [library for library in known if library.path == d.where]
        return any(_is_loaded(library, side) for library in exact or known)


def _has_package(side: _Side, key: Key, where: str) -> bool:
    """Whether the copy at `where` was loaded; any copy, where this side has no such place."""
    loaded = side.loaded.get(key)
    if loaded is None:
        return False
    return where in loaded or where not in side.places[key]


def _is_loaded(library: NativeLibrary, side: _Side) -> bool:
    return (
        library.path in side.paths
        or (library.sha256 != "" and library.sha256 in side.digests)
        or (library.build_id != "" and library.build_id in side.digests)
    )


def _side(manifest: Manifest, loaded: Loaded) -> _Side:
    purls = {library.owner for library in loaded.libraries} - {""}
    paths = {library.path for library in loaded.libraries}
    paths |= {process.executable for process in loaded.processes}
    digests = {x for library in loaded.libraries for x in (library.sha256, library.build_id)} - {""}
    purls |= {
        library.owner
        for library in manifest.libraries
        if library.owner and (library.path in paths or library.sha256 in digests)
    }
    copies = _loaded_copies(manifest, loaded)
    packages = [p for p in manifest.every_package if p.purl in purls or id(p) in copies]
    owners = {package.owner for package in packages} - {""}
    projects = {normal_name("pypi", p.name) for p in packages if p.type == "pypi"}
    packages += [
        p
        for p in manifest.packages
        if p.purl in owners
        or (p.conda is not None and p.conda.pip_name and normal_name("pypi", p.conda.pip_name) in projects)
    ]
    pythons = [process for process in loaded.processes if process.python or process.seen != "maps"]
    return _Side(
        places=_places(manifest.every_package),
        loaded=_places(packages),
        paths=frozenset(paths),
        digests=frozenset(digests),
        stems=frozenset(_stem(name) for x in loaded.libraries for name in (x.soname, _base(x.path)) if name),
        modules=frozenset(module.name for module in loaded.modules),
        programs=frozenset(
            _base(process.executable)
            for process in loaded.processes
            if process.executable and not process.python
        ),
        modules_seen=bool(pythons) and all(process.seen != "maps" for process in pythons),
    )


def _places(packages: Iterable[Package]) -> dict[Key, frozenset[str]]:
    found: dict[Key, set[str]] = {}
    for package in packages:
        places = found.setdefault((package.type, normal_name(package.type, package.name)), set())
        places.add(package.architecture)
        if package.python is not None:
            places.update((package.python.environment, package.python.location))
        if package.conda is not None:
            places.add(package.conda.prefix)
    return {key: frozenset(places) for key, places in found.items()}


def _loaded_copies(manifest: Manifest, loaded: Loaded) -> frozenset[int]:
    """Return the identities of the distributions that modules came from; of several copies the likely."""
    imported: dict[str, list[tuple[str, str]]] = {}
    for module in loaded.modules:
        if module.distribution:
            name = normal_name("pypi", module.distribution)
            imported.setdefault(name, []).append((module.version, module.path))
    found: set[int] = set()
    copies: dict[str, list[Package]] = {}
    for package in manifest.every_package:
        if package.type == "pypi":
            copies.setdefault(normal_name("pypi", package.name), []).append(package)
    for name, seen in imported.items():
        found.update(id(package) for package in _meant(copies.get(name, []), seen))
    return frozenset(found)


def _meant(copies: list[Package], seen: Iterable[tuple[str, str]]) -> list[Package]:
    found: list[Package] = []
    for version, path in seen:
        chosen = [p for p in copies if p.version == version] or copies
        nearer = [
            p for p in chosen if p.python is not None and path.startswith(f"{p.python.location.rstrip('/')}/")
        ]
        found += nearer or chosen
    return found


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(name: str) -> str:
    return name.partition(".so")[0]
