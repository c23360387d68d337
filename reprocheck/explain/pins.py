"""Packages that moved because another one's requirements did: Requires-Dist of Python, `depends` of conda.

A package that changed version folds under one whose own lines changed, now forbid the old version and allow
the new one. A package that came or went folds under the head of all who ask for it. A conda package of equal
version folds under what it had to be built again for. Nothing here is a list of names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reprocheck.explain.conda_requirements import conda_allows, conda_demands
from reprocheck.explain.forest import Forest
from reprocheck.explain.judging import normal_name
from reprocheck.explain.markers import Environment, environment_of
from reprocheck.explain.requirements import allows, demands, required_names
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

Place = tuple[str, str]
"""Where a package lives (its environment, location or prefix) and its normalised name."""

_ROUNDS = 64
"""Rounds of folding what came or went: longer chains than this stay unfolded, they never loop."""
_MOST_LINES = 200_000
"""Requirements that are read on one side; what a hostile document holds beyond folds nothing."""
_MOST_WEIGHED = 20_000
"""Pairs of packages whose requirements are parsed and weighed, likewise."""


def fold_pins(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: Forest) -> None:
    """Link every Python and conda package that another one's requirements moved."""
    for kind in ("pypi", "conda"):
        moved = _moved(suspicions, kind)
        if len(moved) > 1:
            before, after = _Installed(a, kind, moved), _Installed(b, kind, moved)
            if kind == "conda":  # first: what had to be built again explains nothing about its cause
                _fold_builds(moved, suspicions, before, after, forest)
            _fold_versions(moved, before, after, forest)
            _fold_presence(moved, before, after, forest)


def _moved(suspicions: Sequence[Suspicion], kind: str) -> dict[Place, int]:
    telling = ("version", "presence", "build") if kind == "conda" else ("version", "presence")
    moved: dict[Place, int] = {}
    for attribute in telling:
        for index, s in enumerate(suspicions):
            d = s.difference
            if d.section == "packages" and d.type == kind and d.attribute == attribute and not s.alike:
                moved.setdefault((d.where, normal_name(kind, d.name)), index)
    return dict(sorted(moved.items(), key=lambda item: item[1]))


class _Installed:
    """The packages of one type on one side, as far as folding needs them."""

    def __init__(self, manifest: Manifest, kind: str, moved: Mapping[Place, int]) -> None:
        self.kind = kind
        self.packages: dict[Place, Package] = {}
        self.askers: dict[Place, set[str]] = {}
        self._demands: dict[Place, dict[str, tuple[str, ...]]] = {}
        self._markers: dict[str, Environment | None] = {}
        self._manifest = manifest
        known: dict[str, list[tuple[str, Package]]] = {}
        for package in sorted(manifest.every_package, key=lambda p: (p.name, p.purl)):
            home = _home(package, kind)
            if home is not None:
                known.setdefault(home, []).append((normal_name(kind, package.name), package))
        left = _MOST_LINES
        for where in sorted({where for where, _ in moved}):
            # A renamed environment carries the other side's name; when it is the only one, it is meant.
            members = known.get(where) or (next(iter(known.values())) if len(known) == 1 else [])
            for name, package in members:
                place = (where, name)
                if place not in self.packages or (package.python is not None and package.python.effective):
                    self.packages[place] = package
            for name, package in members:
                if self.packages[where, name] is package and left > 0:
                    left -= self._ask(where, name, package, moved)

    def _ask(self, where: str, name: str, package: Package, moved: Mapping[Place, int]) -> int:
        """Note who asks for what moved; return the number of lines read."""
        names = required_names(package) if self.kind == "pypi" else self.demands_of((where, name)).keys()
        for wanted in names:
            if (where, wanted) in moved and wanted != name:
                self.askers.setdefault((where, wanted), set()).add(name)
        lines = package.python.requires if package.python is not None else ()
        return 1 + len(lines) + (len(package.conda.depends) if package.conda is not None else 0)

    def demands_of(self, parent: Place) -> dict[str, tuple[str, ...]]:
        """Return the lines of `parent` by the name that they are about."""
        if parent not in self._demands:
            package = self.packages.get(parent)
            read = demands if self.kind == "pypi" else conda_demands
            self._demands[parent] = read(package) if package is not None else {}
        return self._demands[parent]

    def demands(self, parent: Place, name: str) -> tuple[str, ...]:
        """Return the lines of `parent` about `name`."""
        return self.demands_of(parent).get(name, ())

    def allows(self, lines: tuple[str, ...], package: Package) -> bool:
        """Whether lines of this side allow a version (for conda, and a build)."""
        if self.kind == "conda":
            return conda_allows(lines, package.version, package.conda.build if package.conda else "")
        home = package.python.environment if package.python is not None else ""
        if home not in self._markers:
            self._markers[home] = environment_of(self._manifest, home)
        return allows(lines, package.version, self._markers[home])


def _home(package: Package, kind: str) -> str | None:
    if package.type != kind:
        return None
    if kind == "conda":
        return package.conda.prefix if package.conda is not None else None
    return (package.python.environment or package.python.location) if package.python is not None else None


def _fold_versions(moved: Mapping[Place, int], before: _Installed, after: _Installed, forest: Forest) -> None:
    weighed = 0
    for child, index in moved.items():
        old, new = before.packages.get(child), after.packages.get(child)
        if old is None or new is None:
            continue
        for parent in _parents(child, before, after, moved)[: _MOST_WEIGHED - weighed]:
            weighed += 1
            asked, asks = before.demands(parent, child[1]), after.demands(parent, child[1])
            explains = asked != asks and not after.allows(asks, old) and after.allows(asks, new)
            if explains and forest.link(index, moved[parent]):
                break


def _fold_builds(
    moved: Mapping[Place, int],
    suspicions: Sequence[Suspicion],
    before: _Installed,
    after: _Installed,
    forest: Forest,
) -> None:
    """Fold another build of an equal version under what it was built again for: its own lines tell."""
    for child, index in moved.items():
        if suspicions[index].difference.attribute != "build":
            continue
        needs = after.demands_of(child)
        for name in sorted(needs, key=lambda n: moved.get((child[0], n), len(suspicions))):
            parent = (child[0], name)
            new = after.packages.get(parent)
            if parent not in moved or parent == child or new is None:
                continue
            asked = before.demands(child, name)
            rebuilt = asked and not before.allows(asked, new) and after.allows(needs[name], new)
            if rebuilt and forest.link(index, moved[parent]):
                break


def _parents(child: Place, before: _Installed, after: _Installed, moved: Mapping[Place, int]) -> list[Place]:
    """Return the moved packages that ask for this one on either side, the first suspects first."""
    askers = before.askers.get(child, set()) | after.askers.get(child, set())
    places = [(child[0], asker) for asker in askers if (child[0], asker) in moved]
    return sorted(places, key=lambda place: (moved[place], place))


@dataclass(kw_only=True, slots=True)
class _Waiting:
    """Something that came or went, all of whose askers moved."""

    index: int
    askers: list[int]
    explains: list[int] = field(default_factory=list)
    """Those askers that did not ask for it on the other side."""


def _fold_presence(moved: Mapping[Place, int], before: _Installed, after: _Installed, forest: Forest) -> None:
    """Repeat until nothing folds any more: who is asked for by folded packages alone folds with them."""
    waiting = [w for child, index in moved.items() if (w := _waiting(child, index, before, after, moved))]
    for _ in range(_ROUNDS):
        left = [w for w in waiting if not _link_present(w, forest.root, forest)]
        if len(left) == len(waiting):
            return
        waiting = left


def _waiting(
    child: Place, index: int, before: _Installed, after: _Installed, moved: Mapping[Place, int]
) -> _Waiting | None:
    old, new = before.packages.get(child), after.packages.get(child)
    if (old is None) == (new is None):
        return None
    side, other = (after, before) if old is None else (before, after)
    places = [(child[0], asker) for asker in side.askers.get(child, ())]
    if not places or any(place not in moved for place in places):
        return None
    # Who asked for it all along does not explain why it came or went.
    explains = [moved[place] for place in places if not other.demands(place, child[1])]
    return _Waiting(index=index, askers=[moved[p] for p in places], explains=sorted(explains))


def _link_present(waiting: _Waiting, root: Callable[[int], int], forest: Forest) -> bool:
    heads = {root(asker) for asker in waiting.askers}
    return len(heads) == 1 and bool(waiting.explains) and forest.link(waiting.index, waiting.explains[0])
