"""Root causes: what moved only because something else did stands behind it, as `+n`.

Packages fold under the one whose requirements made them move (`pins`), OS packages under the first of their
source package, libraries and modules under the package that brings them, and facets of one CPU, package or
framework under the most telling one. What is built for another machine folds under the machine, what lies in
an environment that one side alone has under that, and what runs show of one cause under it. Nothing is folded
by a list of names, and what looks like another name is never folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reprocheck.explain.architecture import fold_architecture
from reprocheck.explain.environments import fold_cards, fold_environments
from reprocheck.explain.forest import Forest
from reprocheck.explain.judging import normal_name
from reprocheck.explain.observed import fold_module_files, fold_threads, fold_written
from reprocheck.explain.pins import fold_pins
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest

Key = tuple[str, str]
"""Package type and normalised name."""

_MOVED = ("version", "presence")
_FACETS: dict[str, tuple[str, ...]] = {
    "cpu.features": ("cpu.architecture", "cpu.level"),
    "cpu.level": ("cpu.architecture",),
    "cpu.microcode": ("cpu.architecture", "cpu.model"),
    "cpu.model": ("cpu.architecture",),
    "cpu.vendor": ("cpu.architecture", "cpu.model"),
    "version_id": ("id",),
    "codename": ("id", "version_id"),
    "numa.memory_bytes": ("memory_bytes",),
}
"""Of one machine or one distribution: what stands behind which, the first that differs."""


def fold(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest) -> dict[int, int]:
    """Map each suspicion (by its place in `suspicions`) that stands behind another one to that one."""
    forest = Forest()
    moved = _moved_packages(suspicions)
    _fold_facets(suspicions, forest)
    fold_architecture(suspicions, forest)
    fold_environments(suspicions, a, b, forest)
    fold_cards(suspicions, forest)
    _fold_frameworks(suspicions, moved, a, b, forest)
    fold_pins(suspicions, a, b, forest)
    _fold_sources(suspicions, a, b, forest)
    _fold_brought(suspicions, moved, a, b, forest)
    fold_written(suspicions, moved, a, b, forest)
    fold_threads(suspicions, forest)
    fold_module_files(suspicions, forest)
    heads = {index: forest.root(index) for index in range(len(suspicions))}
    return {index: head for index, head in heads.items() if head != index}


def _moved_packages(suspicions: Sequence[Suspicion]) -> dict[Key, int]:
    """Return the first difference of each package, one about its version or presence before all others."""
    moved: dict[Key, int] = {}
    for telling in (True, False):
        for index, s in enumerate(suspicions):
            d = s.difference
            if d.section == "packages" and d.type and (d.attribute in _MOVED) == telling:
                moved.setdefault((d.type, normal_name(d.type, d.name)), index)
    return moved


def _fold_facets(suspicions: Sequence[Suspicion], forest: Forest) -> None:
    """Fold what else differs about one package, CPU or distribution under its most telling facet."""
    versions: dict[tuple[str, str, str], int] = {}
    others: dict[tuple[str, str], int] = {}
    libc: int | None = None
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.section == "packages" and d.attribute == "version" and s.code == "CPU-110" and libc is None:
            libc = index
        if d.section == "packages" and d.attribute == "version":
            versions.setdefault((d.type, d.name, d.where), index)
        elif d.section in ("host", "os") or (d.section == "pythons" and _other_series(d)):
            others[d.section, d.name] = index
    for index, s in enumerate(suspicions):
        d = s.difference
        head = None
        if d.section == "packages" and d.attribute not in _MOVED:
            head = versions.get((d.type, d.name, d.where))
            if head is None and d.attribute == "tags":  # a wheel for another series of Python
                head = others.get(("pythons", d.where))
        elif d.section in ("host", "os"):
            tellers = ((d.section, name) for name in _FACETS.get(d.name, ()))
            head = next((others[teller] for teller in tellers if teller in others), None)
            if (d.section, d.name) == ("os", "libc"):
                head = libc
        if head is not None:
            forest.link(index, head)


def _other_series(d: Difference) -> bool:
    if d.attribute != "version":
        return False
    before, after = ((side or "").split(".")[:2] for side in (d.before, d.after))
    return before != after


def _fold_frameworks(
    suspicions: Sequence[Suspicion], moved: Mapping[Key, int], a: Manifest, b: Manifest, forest: Forest
) -> None:
    """Fold how a framework was built under the package that brought it, else under its own version."""
    carriers: dict[str, set[Key]] = {}
    for package in (*a.packages, *b.packages):
        name = normal_name("pypi", package.name)
        if package.type == "pypi":
            carriers.setdefault(name, set()).add(("pypi", name))
        elif package.conda is not None and package.conda.pip_name:
            brought = normal_name("pypi", package.conda.pip_name)
            carriers.setdefault(brought, set()).add(("conda", normal_name("conda", package.name)))
    heads: dict[tuple[str, str], int] = {}
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.section != "frameworks":
            continue
        own = heads.setdefault((d.name, d.where), index)
        carrier = _only(moved, carriers.get(normal_name("pypi", d.name), ()))
        if carrier is not None:
            forest.link(index, carrier)
        elif own != index:
            forest.link(index, own)


def _only(moved: Mapping[Key, int], keys: Iterable[Key]) -> int | None:
    """Return the first difference of the packages that moved; one project may come by two managers."""
    places = [moved[key] for key in keys if key in moved]
    return min(places) if places else None


def _fold_sources(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: Forest) -> None:
    """Fold the binary packages of one source package that moved together."""
    sources: dict[Key, str] = {
        (p.type, p.name.lower()): p.source_name
        for p in sorted((*a.packages, *b.packages), key=lambda p: p.source_name)
        if p.type in ("deb", "rpm", "apk") and p.source_name
    }
    heads: dict[Key, int] = {}
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.section != "packages" or d.attribute != "version":
            continue
        source = sources.get((d.type, d.name.lower()))
        if source is not None:
            head = heads.setdefault((d.type, source), index)
            if head != index:
                forest.link(index, head)


def _fold_brought(
    suspicions: Sequence[Suspicion], moved: Mapping[Key, int], a: Manifest, b: Manifest, forest: Forest
) -> None:
    """Fold libraries, what the loader finds and what runs loaded under the package that brought them."""
    keys = {p.purl: (p.type, normal_name(p.type, p.name)) for p in (*a.packages, *b.packages)}
    owners = _owners(a, b)
    for index, s in enumerate(suspicions):
        d = s.difference
        purls = owners.get((d.section, d.type, d.name), frozenset())
        found = {keys.get(purl) for purl in purls}
        if len(found) == 1 and not s.alike:
            owner = next(iter(found))
            if owner is not None and owner in moved:
                forest.link(index, moved[owner])


def _owners(a: Manifest, b: Manifest) -> dict[tuple[str, str, str], frozenset[str]]:
    """Map section, type and name of what may differ to the purls of the packages that brought it.

    '' stands for something that no package brought, so that it never folds under one.
    """
    found: dict[tuple[str, str, str], set[str]] = {}
    for place, purl in (*_brought(a), *_brought(b)):
        found.setdefault(place, set()).add(purl)
    return {place: frozenset(purls) for place, purls in found.items()}


def _brought(side: Manifest) -> Iterator[tuple[tuple[str, str, str], str]]:
    by_path = {library.path: library.owner for library in side.libraries}
    for library in side.libraries:
        yield ("libraries", library.kind, library.name), library.owner
    for choice in side.loading:
        yield ("loading", "", choice.soname), by_path.get(choice.path or choice.consumer, "")
    projects = {
        (normal_name("pypi", p.name), p.version): p.purl for p in side.every_package if p.type == "pypi"
    }
    for package in side.every_package:
        if package.type == "pypi" and package.owner:
            yield ("packages", "pypi", package.name), package.owner
    if side.loaded is None:
        return
    for loaded in side.loaded.libraries:
        name = loaded.path.rpartition("/")[2]
        stem = name.partition(".so")[0]
        yield (
            ("loaded", loaded.kind, stem if loaded.kind or name.startswith("lib") else loaded.path),
            loaded.owner,
        )
    for module in side.loaded.modules:
        project = (normal_name("pypi", module.distribution), module.version)
        yield ("loaded", "", module.name), projects.get(project, "")
