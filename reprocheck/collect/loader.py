"""Which copy of a native library the dynamic loader would take (ld.so(8), glibc elf/dl-load.c).

Told from the files alone, for each numeric library that a shared object needs. What is assumed:

- the object is loaded by its real path, so `$ORIGIN` is its own directory, and nothing with the needed SONAME
  is in the process yet: the loader takes one that is there wherever it came from (an earlier import, a
  `ctypes.CDLL`, LD_PRELOAD);
- of the objects that led to it only the interpreter is known; its DT_RPATH counts as glibc makes it count;
- the CPU has x86-64-v3, what subdirectories of `glibc-hwcaps` are asked for by;
- LD_LIBRARY_PATH elements that are empty or relative mean the program's working directory, which is not
  known: they are passed over, with a note.

musl is simpler: LD_LIBRARY_PATH, then DT_RPATH or DT_RUNPATH, then its default directories; no cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from reprocheck.collect.ld_cache import BrokenCache, Row, fits, parse_cache
from reprocheck.collect.native_names import kind_of
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, field
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import LoaderChoice, PythonEnvironment
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

CACHE = "/etc/ld.so.cache"
PLACES_EACH = 40
"""Directories that are searched, on average, for each shared object that the limit allows."""

Rule = Literal["rpath", "LD_LIBRARY_PATH", "runpath", "cache", "default", "none"]
_LEVELS = {62: ("x86-64-v3", "x86-64-v2")}
"""Subdirectories of `glibc-hwcaps` by e_machine, the best first."""
_PLATFORMS = {3: "i686", 62: "x86_64", 183: "aarch64", 21: "powerpc64le", 22: "s390x", 243: "riscv64"}
_TRIPLETS = {3: "i386-linux-gnu", 21: "powerpc64le-linux-gnu"}
_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")


class Loading(Frozen, frozen=True, kw_only=True):
    """What the loader would do."""

    choices: tuple[LoaderChoice, ...]
    """Sorted by SONAME, path, rule."""
    unknowns: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """The cache alone: everything else is in the shared objects."""
    return path == CACHE


def choices_of(
    view: ContainerView,
    limits: Limits,
    objects: tuple[tuple[str, LibraryFacts], ...],
    pythons: tuple[PythonEnvironment, ...],
    library_path: str,
) -> Loading:
    """Tell the choice for every numeric library that one of these shared objects needs.

    One row for each SONAME, choice and rule, with the first consumer by path; `shadowed` is what any of its
    consumers would have found next.
    """
    search, mains, problem = prepare(view, limits, objects, pythons, library_path)
    rows: dict[tuple[str, str, Rule], tuple[str, dict[str, None]]] = {}
    most = limits.libraries * PLACES_EACH
    needs = ((path, facts, soname) for path, facts in sorted(objects) for soname in facts.needed)
    problems = [] if problem is None else [problem]
    for path, facts, soname in needs:
        if not kind_of(soname):
            continue
        if search.tried[0] > most:
            reason = (
                f"what it and later ones need was not searched for: the limit libraries ({limits.libraries})"
            )
            problems.append(unknown("libraries", path, reason))
            break
        rule, chosen, later = search.choose(soname, path, facts, mains.of(path))
        _, shadowed = rows.setdefault((soname, chosen, rule), (path, {}))
        shadowed.update(dict.fromkeys(later))
    return Loading(
        choices=tuple(
            LoaderChoice(
                soname=portable(soname),
                consumer=portable(consumer),
                path=portable(chosen),
                rule=rule,
                shadowed=tuple(map(portable, shadowed)),
            )
            for (soname, chosen, rule), (consumer, shadowed) in sorted(rows.items())
        ),
        unknowns=tuple(problems),
        notes=_notes(_split(library_path)),
    )


def prepare(
    view: ContainerView,
    limits: Limits,
    objects: tuple[tuple[str, LibraryFacts], ...],
    pythons: tuple[PythonEnvironment, ...],
    library_path: str,
) -> tuple[Search, Mains, Unknown | None]:
    """Make ready to search as the loader of this tree does; with why its cache could not be read, if so."""
    tree = view.tree
    musl = any(name.startswith("ld-musl-") for place in ("/lib", "/usr/lib") for name in _names(tree, place))
    cache, problem = ({}, None) if musl or CACHE not in tree.entries else _cache(view, limits)
    search = Search(
        tree=tree,
        objects=dict(objects),
        cache=cache,
        library_path=tuple(place for place in _split(library_path) if place.startswith(("/", "$"))),
        musl=musl,
    )
    return search, Mains(tree, pythons, search.objects), problem


def _split(library_path: str) -> list[str]:
    return re.split("[:;]", library_path) if library_path else []


def _names(tree: FileTree, directory: str) -> tuple[str, ...]:
    entry = tree.resolve(directory)
    return tree.names(entry.path) if entry is not None else ()


def _cache(view: ContainerView, limits: Limits) -> tuple[dict[str, tuple[Row, ...]], Unknown | None]:
    raw = read(view, CACHE, limits.record_file, "libraries")
    if isinstance(raw, Unknown):
        return {}, raw
    try:
        return parse_cache(raw), None
    except BrokenCache as error:
        return {}, unknown("libraries", CACHE, str(error))


def _notes(places: list[str]) -> tuple[str, ...]:
    passed = sorted({place for place in places if not place.startswith(("/", "$"))})
    named = [f"the relative element {portable(place)!r}" if place else "an empty element" for place in passed]
    return tuple(
        f"LD_LIBRARY_PATH has {name}, which means the program's working directory and was not searched"
        for name in named
    )


class Main(Frozen, frozen=True, kw_only=True):
    """The interpreter that an object is loaded into."""

    path: str = ""
    facts: LibraryFacts = field(default_factory=LibraryFacts)


class Mains:
    """Finds the interpreter whose search path holds an object, the first by path of several."""

    def __init__(
        self, tree: FileTree, pythons: tuple[PythonEnvironment, ...], objects: dict[str, LibraryFacts]
    ) -> None:
        self._by_place: dict[str, Main] = {}
        for python in sorted(pythons, key=lambda item: item.executable, reverse=True):
            entry = tree.resolve(python.executable)
            if entry is not None and entry.path in objects:
                main = Main(path=entry.path, facts=objects[entry.path])
                self._by_place.update(dict.fromkeys(python.search_path, main))

    def of(self, path: str) -> Main:
        """Give the interpreter of an object; one without a path where none is known."""
        place = path
        while self._by_place and place:
            place = place.rpartition("/")[0]
            if place in self._by_place:
                return self._by_place[place]
        return Main()


class Search(Frozen, frozen=True, kw_only=True):
    """Searches for libraries as the loader of one tree does."""

    tree: FileTree
    objects: dict[str, LibraryFacts]
    cache: dict[str, tuple[Row, ...]]
    library_path: tuple[str, ...]
    musl: bool
    tried: list[int] = field(default_factory=lambda: [0])
    """In how many directories files were looked for, in one cell."""
    _real: dict[str, str] = field(default_factory=dict)
    """Directories as named, and as resolved: '' for one that is not there."""
    _found: dict[tuple[str, ...], str] = field(default_factory=dict)

    def first(self, soname: str, path: str, facts: LibraryFacts, main: Main) -> str:
        """Give the path of the copy that would be taken, '' for none. Objects of one place share the work."""
        key = (
            *(soname, path.rpartition("/")[0], main.path, str(facts.machine), str(facts.bits)),
            *(str(facts.no_default), ":".join(facts.rpath), ":".join(facts.runpath)),
        )
        if key not in self._found:
            candidates = (
                real
                for _, one in self._candidates(soname, path, facts, main)
                if (real := self._file(one, facts))
            )
            self._found[key] = next(candidates, "")
        return self._found[key]

    def choose(
        self, soname: str, path: str, facts: LibraryFacts, main: Main
    ) -> tuple[Rule, str, tuple[str, ...]]:
        """Give rule, path and what would have come next; links are resolved."""
        found: dict[str, Rule] = {}
        for rule, candidate in self._candidates(soname, path, facts, main):
            real = self._file(candidate, facts)
            if real:
                found.setdefault(real, rule)
        if not found:
            return "none", "", ()
        first, *rest = found
        return found[first], first, tuple(rest)

    def _candidates(
        self, soname: str, path: str, facts: LibraryFacts, main: Main
    ) -> Iterator[tuple[Rule, str]]:
        origin = path.rpartition("/")[0] or "/"
        if "/" in soname:  # a path, which is not searched for; glibc takes a relative one from the cwd
            yield "default", self._expand(soname, facts.machine, origin)
            return
        for rule, place, own in self._places(facts, main):
            for directory in self._with_hwcaps(self._expand(place, facts.machine, own or origin), facts):
                yield rule, f"{directory}/{soname}"
        if not facts.no_default and not self.musl:
            levels = ("", *reversed(_LEVELS.get(facts.machine, ())))
            rows = [row for row in self.cache.get(soname, ()) if fits(row, facts.machine, facts.bits)]
            for level in reversed(levels):
                yield from (("cache", row.path) for row in rows if row.hwcaps == level)
        if not facts.no_default:
            for place in self._defaults(facts):
                for directory in self._with_hwcaps(place, facts):
                    yield "default", f"{directory}/{soname}"

    def _places(self, facts: LibraryFacts, main: Main) -> Iterator[tuple[Rule, str, str]]:
        """Yield rule, directory as written, and the origin where it is another than the object's own."""
        main_origin = main.path.rpartition("/")[0]
        inherited: list[tuple[Rule, str, str]] = []
        if not main.facts.runpath or self.musl:
            inherited = [("rpath", place, main_origin) for place in main.facts.rpath]
        preset: list[tuple[Rule, str, str]] = [
            ("LD_LIBRARY_PATH", place, main_origin)
            for place in self.library_path
            if main_origin or "ORIGIN" not in place
        ]
        if self.musl:
            yield from preset
            yield from (("runpath", place, "") for place in facts.runpath or facts.rpath)
            yield from inherited
            return
        if not facts.runpath:
            yield from (("rpath", place, "") for place in facts.rpath)
            yield from inherited
        yield from preset
        yield from (("runpath", place, "") for place in facts.runpath)

    def _with_hwcaps(self, place: str, facts: LibraryFacts) -> Iterator[str]:
        self.tried[0] += 1
        directory = self._directory(place)
        if not directory:
            return
        if not self.musl and f"{directory}/glibc-hwcaps" in self.tree.entries:
            for level in _LEVELS.get(facts.machine, ()):
                yield f"{directory}/glibc-hwcaps/{level}"
        yield directory

    def _directory(self, place: str) -> str:
        if not place.startswith("/"):
            return ""
        if place not in self._real:
            entry = self.tree.resolve(place)
            self._real[place] = entry.path if entry is not None and entry.kind == "directory" else ""
        return self._real[place]

    def _file(self, candidate: str, facts: LibraryFacts) -> str:
        """Resolve to a regular file of the same architecture; the loader passes over those of another."""
        if candidate not in self.tree.entries and "/glibc-hwcaps/" not in candidate:
            parent, _, label = candidate.rpartition("/")
            candidate = f"{self._directory(parent)}/{label}"
        entry = self.tree.resolve(candidate) if candidate.startswith("/") else None
        if entry is None or entry.kind != "file":
            return ""
        other = self.objects.get(entry.path)
        if other is not None and other.machine and (other.machine, other.bits) != (facts.machine, facts.bits):
            return ""
        return entry.path

    def _defaults(self, facts: LibraryFacts) -> tuple[str, ...]:
        if self.musl:
            return ("/lib", "/usr/local/lib", "/usr/lib")
        triplet = _triplet(facts.machine)
        multiarch = (f"/lib/{triplet}", f"/usr/lib/{triplet}") if triplet else ()
        wide = ("/lib64", "/usr/lib64") if facts.bits == 64 else ()
        return (*multiarch, *wide, "/lib", "/usr/lib")

    def _expand(self, place: str, machine: int, origin: str) -> str:
        if "$" not in place:
            return place
        triplet = _triplet(machine)
        debian = bool(triplet and self._directory(f"/usr/lib/{triplet}"))
        values = {
            "ORIGIN": origin,
            "LIB": f"lib/{triplet}" if debian else "lib64" if self._directory("/usr/lib64") else "lib",
            "PLATFORM": _PLATFORMS.get(machine, ""),
        }
        return _TOKEN.sub(lambda match: values[match[1] or match[2]], place)


def _triplet(machine: int) -> str:
    platform = _PLATFORMS.get(machine, "")
    return _TRIPLETS.get(machine, f"{platform}-linux-gnu") if platform else ""
