"""Facts of interpreters, frameworks, native libraries, the loader, what was loaded, and installed files."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import attrgetter
from typing import TypeVar

from reprocheck.compare.difference import by_key
from reprocheck.compare.fleet_facts import Context, Fact
from reprocheck.compare.places import at_home
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.loaded import Loaded, LoadedLibrary
from reprocheck.model.package import (
    Framework,
    LinkNeed,
    LoaderChoice,
    NativeLibrary,
    PythonEnvironment,
    Remnant,
    WheelFile,
)

Item = TypeVar("Item")


def groups_of(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    """Gather items by a key."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def python_facts(pythons: tuple[PythonEnvironment, ...], _: Context) -> Iterator[Fact]:
    """Facts of interpreters, known by their path."""
    for name, python in by_key(pythons, lambda x: x.executable).items():
        yield Fact("pythons", name, "version", python.version, anchor=True)
        for attribute in ("implementation", "kind", "active", "base", "platform", "prefix", "customizations"):
            yield Fact("pythons", name, attribute, getattr(python, attribute))
        files = tuple(
            f"{item.path.rpartition('/')[2]}{' (executes)' if item.executes else ''}"
            for item in python.path_files
            if item.adds or item.executes
        )
        lines = tuple(
            f"{item.path}: {' '.join((*item.adds, *(f'{line} (missing)' for line in item.missing)))}"
            for item in python.path_files
        )
        yield Fact("pythons", name, "path_files", files)
        yield Fact("pythons", name, "abi", python.abi, given=(python.version,))
        yield Fact("pythons", name, "search_path", python.search_path, given=(python.version,))
        given = (python.version, python.search_path, files)
        yield Fact("pythons", name, "pth-lines", lines, given=given)


def framework_facts(frameworks: tuple[Framework, ...], context: Context) -> Iterator[Fact]:
    """Facts of deep-learning frameworks."""
    for name, side in groups_of(frameworks, lambda x: x.name).items():
        crowded = ("framework", name) in context.several
        for where, framework in _placed(side, lambda x: x.location, crowded):
            fields = ("version", "cuda", "hip", "cudnn", "git", "debug", "pins", "architectures")
            for attribute in fields:
                value, first = getattr(framework, attribute), attribute == "version"
                yield Fact("frameworks", name, attribute, value, where=where, anchor=first)
            place = at_home(framework.location, context.homes)
            given = tuple(getattr(framework, attribute) for attribute in fields)
            yield Fact("frameworks", name, "location", place, where=where, given=given)


def _placed(side: list[Item], key: Callable[[Item], str], crowded: bool) -> Iterator[tuple[str, Item]]:
    """Yield items with what tells them apart, which is nothing where no member has several."""
    seen: dict[str, int] = {}
    for item in sorted(side, key=repr):
        where = key(item) if crowded else ""
        seen[where] = seen.get(where, 0) + 1
        yield (where if seen[where] == 1 else f"{where} (copy {seen[where]})"), item


def library_facts(libraries: tuple[NativeLibrary, ...], context: Context) -> Iterator[Fact]:
    """Facts of native libraries, known by their kind and their name up to `.so`."""
    homes = context.homes
    for (kind, stem), side in _by_stem(libraries).items():
        crowded = (kind, stem) in context.several
        for where, library in _placed(side, lambda x: at_home(x.path, homes), crowded):

            def fact(attribute: str, value: str | tuple[str, ...], given: tuple[Hashable, ...] = ()) -> Fact:
                return Fact("libraries", stem, attribute, value, kind, where, given)  # noqa: B023 - used at once

            told = {
                "version": library.version,
                "name": library.name,
                "path": at_home(library.path, homes),
                "owner": unversioned(library.owner),
                "soname": library.soname,
            }
            for attribute, value in told.items():
                yield fact(attribute, value)._replace(anchor=attribute == "version")
            same = (library.version, library.name)
            if library.sha256:
                yield fact("sha256", library.sha256, same)
            else:
                reason = "it was not hashed, so equal versions may be other bytes"
                yield fact("sha256", "", same)._replace(value=None, open="mixed", reason=reason)
            if library.build_id:
                yield fact("build_id", library.build_id, (*same, library.sha256))
            claims = tuple(sorted(f"{claim.version} by {claim.source}" for claim in library.others))
            yield fact("claims", claims, (*told.values(), library.sha256, library.build_id))


def stem_of(library: NativeLibrary) -> tuple[str, str]:
    """Return what a native library is known by."""
    return library.kind, library.name.partition(".so")[0]


def _by_stem(libraries: tuple[NativeLibrary, ...]) -> dict[tuple[str, str], list[NativeLibrary]]:
    found: dict[tuple[str, str], list[NativeLibrary]] = {}
    for library in libraries:
        found.setdefault(stem_of(library), []).append(library)
    return found


def loading_facts(
    loader: tuple[tuple[LoaderChoice, ...], tuple[LinkNeed, ...]], context: Context
) -> Iterator[Fact]:
    """Facts of which copy the loader takes, and of what it does not find."""
    choices, needs = loader
    homes = context.homes
    for soname, side in groups_of(choices, lambda x: x.soname).items():
        taken = _distinct(f"{at_home(x.path, homes)} by {x.rule}" if x.path else "not found" for x in side)
        shadowed = _distinct(at_home(path, homes) for x in side for path in x.shadowed)
        consumers = _distinct(at_home(x.consumer, homes) for x in side)
        yield Fact("loading", soname, "choice", taken, anchor=True)
        yield Fact("loading", soname, "shadowed", shadowed, given=(" ".join(taken), taken))
        yield Fact("loading", soname, "consumers", consumers, given=(" ".join(taken), taken, shadowed))
    for soname, unmet in groups_of((x for x in needs if not x.met), lambda x: x.soname).items():
        wanted = _distinct(
            f"{x.wanted or x.soname} for {x.owner.partition('?')[0] or x.consumer}" for x in unmet
        )
        yield Fact("loading", soname, "unmet", wanted, anchor=True)


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def leftover_facts(
    leftovers: tuple[tuple[WheelFile, ...], tuple[Remnant, ...]], _: Context
) -> Iterator[Fact]:
    """Facts of files that look like packages and are not installed."""
    wheels, remnants = leftovers
    for wheel in wheels:
        words = " ".join(part for part in (wheel.name, wheel.version, *wheel.tags) if part)
        yield Fact("packages", wheel.path, "wheel", words, anchor=True)
    for remnant in remnants:
        yield Fact("packages", remnant.path, "remnant", remnant.reason, anchor=True)


def integrity_facts(integrity: Integrity, _: Context) -> Iterator[Fact]:
    """Facts of installed files that are not as their packages wrote them."""
    for fault in by_key(integrity.faults, lambda x: f"{x.path} {x.kind}").values():
        yield Fact("integrity", fault.path, fault.kind, _fault(fault), anchor=True)
    for purl in integrity.packages_without_list:
        yield Fact("integrity", unversioned(purl), "packages", "(without a list of files)", anchor=True)
    counts = (integrity.checked, integrity.without_digest, integrity.left_out)
    extent = Fact("integrity", "the whole target", "extent", " ".join(integrity.places))
    yield extent._replace(several="unknown", reason="it was checked in other directories")
    reason = "another number of them was checked, which follows from what is installed"
    yield extent._replace(name="checked files", value=str(counts), several="left-out", reason=reason)


def unversioned(purl: str) -> str:
    """Return a purl without version and qualifiers."""
    bare = purl.partition("?")[0]
    return bare.rpartition("@")[0] or bare


def _fault(fault: FileFault) -> str:
    states = (fault.kind, "(configuration)" if fault.configuration else "", fault.actual, *fault.owners)
    shown = " ".join(part for part in states if part)
    return f"{shown}, expected {fault.expected}" if fault.expected else shown


def loaded_facts(loaded: Loaded, context: Context) -> Iterator[Fact]:
    """Facts of what the processes of a run loaded."""
    for stem, libraries in groups_of(loaded.libraries, _loaded_stem).items():
        kind = max(x.kind for x in libraries)
        yield Fact("loaded", stem, "library", "(loaded)", kind, anchor=True)
        given: tuple[Hashable, ...] = ("",)
        for attribute in ("sha256", "build_id", "path", "owner", "origin", "soname", "kind"):
            found = _distinct(map(attrgetter(attribute), libraries))
            yield Fact("loaded", stem, attribute, found, kind, given=given)
            given += (found,)
    for name, modules in groups_of(loaded.modules, lambda x: x.name).items():
        came = _distinct(
            f"{x.distribution} {x.version}".strip() or x.path or "standard library" for x in modules
        )
        places = _distinct(at_home(x.path, context.homes) for x in modules)
        yield Fact("loaded", name, "module", came, anchor=True)
        yield Fact("loaded", name, "module-path", places, given=(" ".join(came), came))
    for name, flags in groups_of(loaded.state, lambda x: x.name).items():
        yield Fact("loaded", name, "state", _distinct(x.value for x in flags), anchor=True)
    reported = _distinct(f"{x.executable} {x.python}" for x in loaded.processes if x.seen != "maps")
    yield Fact("loaded", "python", "interpreters", reported or None)


def _loaded_stem(library: LoadedLibrary) -> str:
    # An extension module of Python is known by its path: many packages have a `_core.so`.
    name = library.path.rpartition("/")[2]
    owned = library.kind or name.startswith("lib")
    return name.partition(".so")[0] if owned else library.path
