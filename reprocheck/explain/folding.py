"""Root causes: what moved only because something else did stands behind it, as `+n`.

Python packages fold under the package whose own Requires-Dist made them move, OS packages under the first of
their source package, native libraries under the package that brings them, and facets of one CPU or package
under the most telling one. Nothing is folded by a list of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reprocheck.explain.judging import normal_name
from reprocheck.explain.requirements import allows, demands, required_names
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

Place = tuple[str, str]
"""Where a Python package lives (its environment or location) and its normalised name."""

_MOVED = ("version", "presence")
_MAX_DEPTH = 64
"""Rounds of folding: longer chains of requirements than this stay unfolded, they never loop."""
_FACETS: dict[str, tuple[str, ...]] = {
    "cpu.features": ("cpu.level",),
    "cpu.microcode": ("cpu.model",),
    "cpu.vendor": ("cpu.model",),
    "version_id": ("id",),
    "codename": ("id", "version_id"),
}
"""Of one machine or one distribution: what stands behind which, the first that differs."""


class _Forest:
    """Who stands behind whom; refuses a link that would close a circle."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def root(self, member: int) -> int:
        while member in self._parents:
            member = self._parents[member]
        return member

    def link(self, child: int, parent: int) -> bool:
        head = self.root(parent)
        if child in self._parents or head == child:
            return False
        # Linked to the head itself, so that a chain of a thousand costs one step and not a thousand.
        self._parents[child] = head
        return True


def fold(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest) -> dict[int, int]:
    """Map each suspicion (by its place in `suspicions`) that stands behind another one to that one."""
    forest = _Forest()
    _fold_facets(suspicions, forest)
    _fold_requirements(suspicions, a, b, forest)
    _fold_sources(suspicions, a, b, forest)
    _fold_libraries(suspicions, a, b, forest)
    heads = {index: forest.root(index) for index in range(len(suspicions))}
    return {index: head for index, head in heads.items() if head != index}


def _fold_facets(suspicions: Sequence[Suspicion], forest: _Forest) -> None:
    """Fold what else differs about one package, CPU or distribution under its most telling facet."""
    versions: dict[tuple[str, str, str], int] = {}
    others: dict[tuple[str, str], int] = {}
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.section == "packages" and d.attribute == "version":
            versions.setdefault((d.type, d.name, d.where), index)
        elif d.section in ("host", "os"):
            others[d.section, d.name] = index
    for index, s in enumerate(suspicions):
        d = s.difference
        head = None
        if d.section == "packages" and d.attribute not in _MOVED:
            head = versions.get((d.type, d.name, d.where))
        elif d.section in ("host", "os"):
            tellers = ((d.section, name) for name in _FACETS.get(d.name, ()))
            head = next((others[teller] for teller in tellers if teller in others), None)
        if head is not None:
            forest.link(index, head)


def _fold_requirements(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: _Forest) -> None:
    moved: dict[Place, int] = {}
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.section == "packages" and d.type == "pypi" and d.attribute in _MOVED:
            moved.setdefault((d.where, normal_name("pypi", d.name)), index)
    if len(moved) < 2:
        return
    before, after = _Installed(a, moved), _Installed(b, moved)
    parents = {place: _asked_for(place, before, after, moved) for place in moved}
    # Repeat until nothing folds any more: who is asked for by folded packages alone folds with them.
    for _ in range(_MAX_DEPTH):
        linked = False
        for place, index in moved.items():
            if forest.root(index) != index:
                continue
            for parent in parents[place]:
                if _explains(place, parent, before, after, moved, forest):
                    linked = forest.link(index, moved[parent]) or linked
                    break
        if not linked:
            return


class _Installed:
    """The Python packages of one side, as far as folding needs them."""

    def __init__(self, manifest: Manifest, places: Iterable[Place]) -> None:
        self.packages: dict[Place, Package] = {}
        self.askers: dict[Place, set[str]] = {}
        wheres = {where for where, _ in places}
        known: dict[str, list[tuple[str, Package]]] = {}
        for package in sorted(manifest.every_package, key=lambda p: (p.name, p.purl)):
            if package.type == "pypi" and package.python is not None:
                environment = package.python.environment or package.python.location
                known.setdefault(environment, []).append((normal_name("pypi", package.name), package))
        for where in wheres:
            # A renamed environment carries the other side's name; when it is the only one, it is meant.
            members = known.get(where) or (next(iter(known.values())) if len(known) == 1 else [])
            for name, package in members:
                place = (where, name)
                if place not in self.packages or (package.python is not None and package.python.effective):
                    self.packages[place] = package
            for name, package in members:
                if self.packages[where, name] is package:
                    for wanted in required_names(package):
                        self.askers.setdefault((where, wanted), set()).add(name)
        self._demands: dict[Place, dict[str, tuple[str, ...]]] = {}

    def demands(self, parent: Place, name: str) -> tuple[str, ...]:
        """Return the lines of `parent` about `name`."""
        if parent not in self._demands:
            package = self.packages.get(parent)
            self._demands[parent] = demands(package) if package is not None else {}
        return self._demands[parent].get(name, ())


def _asked_for(place: Place, before: _Installed, after: _Installed, moved: dict[Place, int]) -> list[Place]:
    """Return the moved packages that ask for this one on either side, the first suspects first."""
    where, name = place
    askers = before.askers.get(place, set()) | after.askers.get(place, set())
    places = [(where, asker) for asker in askers if (where, asker) in moved and asker != name]
    return sorted(places, key=lambda p: (moved[p], p))


def _explains(
    child: Place,
    parent: Place,
    before: _Installed,
    after: _Installed,
    moved: dict[Place, int],
    forest: _Forest,
) -> bool:
    old, new = before.packages.get(child), after.packages.get(child)
    if old is not None and new is not None:
        # Moved: the parent's line changed, now forbids the old version, and allows the new one.
        asked, asks = before.demands(parent, child[1]), after.demands(parent, child[1])
        return asked != asks and not allows(asks, old.version) and allows(asks, new.version)
    side, other = (after, before) if old is None else (before, after)
    if not side.demands(parent, child[1]) or other.demands(parent, child[1]):
        # Who asked for it all along does not explain why it came or went.
        return False
    head = forest.root(moved[parent])
    askers = side.askers.get(child, set())
    return all((child[0], asker) in moved and forest.root(moved[child[0], asker]) == head for asker in askers)


def _fold_sources(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: _Forest) -> None:
    """Fold the binary packages of one source package that moved together."""
    sources: dict[tuple[str, str], str] = {
        (p.type, p.name.lower()): p.source_name
        for p in sorted((*a.packages, *b.packages), key=lambda p: p.source_name)
        if p.type in ("deb", "rpm", "apk") and p.source_name
    }
    heads: dict[tuple[str, str], int] = {}
    for index in sorted(range(len(suspicions)), key=lambda i: suspicions[i].key):
        d = suspicions[index].difference
        if d.section != "packages" or d.attribute != "version":
            continue
        source = sources.get((d.type, d.name.lower()))
        if source is not None:
            head = heads.setdefault((d.type, source), index)
            if head != index:
                forest.link(index, head)


def _fold_libraries(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: _Forest) -> None:
    names = {p.purl: (p.type, normal_name(p.type, p.name)) for p in (*a.packages, *b.packages)}
    moved: dict[tuple[str, str], int] = {}
    for index, s in enumerate(suspicions):
        if s.difference.section == "packages":
            place = (s.difference.type, normal_name(s.difference.type, s.difference.name))
            moved.setdefault(place, index)
    owners: dict[tuple[str, str], set[tuple[str, str] | None]] = {}
    for library in (*a.libraries, *b.libraries):
        owners.setdefault((library.kind, library.name), set()).add(names.get(library.owner))
    for index, s in enumerate(suspicions):
        d = s.difference
        found = owners.get((d.type, d.name), set()) if d.section == "libraries" else set()
        if len(found) == 1:
            owner = next(iter(found))
            if owner is not None and owner in moved:
                forest.link(index, moved[owner])
