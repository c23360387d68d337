"""What the processes of both runs loaded."""

from __future__ import annotations

from reprocheck.compare.difference import differ, recorded_once
from reprocheck.compare.places import at_home, homes_of
from reprocheck.model.change import Delta, Difference
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary
from reprocheck.model.manifest import Manifest


def compare_loaded(a: Manifest, b: Manifest) -> Delta:
    """Differences of `loaded`: libraries by name up to `.so`, modules and settings by name."""
    before, after = a.loaded, b.loaded
    if before is None or after is None:
        return recorded_once("loaded", "loaded libraries (--observe)", before is not None, after is not None)
    return Delta(
        differences=(
            *_libraries(before, after),
            *_modules(before, after, homes_of(a, b)),
            *_state(before, after),
            *differ("loaded", "python", "interpreters", _interpreters(before), _interpreters(after)),
        ),
        unknowns=(),
    )


def _libraries(before: Loaded, after: Loaded) -> list[Difference]:
    old, new = _by_stem(before.libraries), _by_stem(after.libraries)
    found: list[Difference] = []
    for stem in old.keys() | new.keys():
        own, other = old.get(stem), new.get(stem)
        kind = max(x.kind for x in (*(own or ()), *(other or ())))
        if own is None or other is None:
            ends = (_paths(side) if side is not None else None for side in (own, other))
            found += differ("loaded", stem, "library", *ends, type=kind)
            continue
        found += (
            differ("loaded", stem, "sha256", _digests(own), _digests(other), type=kind)
            or differ("loaded", stem, "build_id", _builds(own), _builds(other), type=kind)
            or differ("loaded", stem, "path", _paths(own), _paths(other), type=kind)
            or differ("loaded", stem, "owner", _owners(own), _owners(other), type=kind)
            or differ("loaded", stem, "origin", _origins(own), _origins(other), type=kind)
            or differ("loaded", stem, "soname", _sonames(own), _sonames(other), type=kind)
            or differ("loaded", stem, "kind", _kinds(own), _kinds(other), type=kind)
        )
    return found


def _by_stem(libraries: tuple[LoadedLibrary, ...]) -> dict[str, list[LoadedLibrary]]:
    found: dict[str, list[LoadedLibrary]] = {}
    for library in libraries:
        name = library.path.rpartition("/")[2]
        # An extension module of Python is known by its path: many packages have a `_core.so`.
        owned = library.kind or name.startswith("lib")
        found.setdefault(name.partition(".so")[0] if owned else library.path, []).append(library)
    return found


def _digests(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.sha256 for x in libraries}))


def _builds(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.build_id for x in libraries}))


def _paths(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.path for x in libraries}))


def _owners(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.owner for x in libraries}))


def _origins(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.origin for x in libraries}))


def _sonames(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.soname for x in libraries}))


def _kinds(libraries: list[LoadedLibrary]) -> tuple[str, ...]:
    return tuple(sorted({x.kind for x in libraries}))


def _modules(before: Loaded, after: Loaded, homes: tuple[str, ...]) -> list[Difference]:
    old, new = _by_name(before.modules), _by_name(after.modules)
    found: list[Difference] = []
    for name in old.keys() | new.keys():
        own, other = old.get(name), new.get(name)
        made = differ("loaded", name, "module", _came_from(own), _came_from(other))
        if not made and own is not None and other is not None:
            # The same distribution of the same version, found elsewhere.
            made = differ("loaded", name, "module-path", _places(own, homes), _places(other, homes))
        found += made
    return found


def _by_name(modules: tuple[ImportedModule, ...]) -> dict[str, list[ImportedModule]]:
    found: dict[str, list[ImportedModule]] = {}
    for module in modules:
        found.setdefault(module.name, []).append(module)
    return found


def _came_from(modules: list[ImportedModule] | None) -> tuple[str, ...] | None:
    if modules is None:
        return None
    origins = {
        f"{module.distribution} {module.version}".strip() or module.path or "standard library"
        for module in modules
    }
    return tuple(sorted(origins))


def _places(modules: list[ImportedModule], homes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({at_home(module.path, homes) for module in modules}))


def _state(before: Loaded, after: Loaded) -> list[Difference]:
    """Compare by name what all processes said: which process said it is told by no stable number."""
    old, new = _values(before), _values(after)
    found: list[Difference] = []
    for name in old.keys() | new.keys():
        found += differ("loaded", name, "state", old.get(name), new.get(name))
    return found


def _interpreters(loaded: Loaded) -> tuple[str, ...] | None:
    """Which Pythons reported; whether a short-lived program was sampled beside them is chance."""
    reported = {f"{x.executable} {x.python}" for x in loaded.processes if x.seen != "maps"}
    return tuple(sorted(reported)) or None


def _values(loaded: Loaded) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for flag in loaded.state:
        found.setdefault(flag.name, set()).add(flag.value)
    return {name: tuple(sorted(values)) for name, values in found.items()}
