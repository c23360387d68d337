"""Dependencies of OS packages, whatever their manager: who needs and who forbids what, and the way there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from reprocheck.graph import rules
from reprocheck.graph.paths import adjacency, chain_to, shortest_ways
from reprocheck.model.base import Frozen
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown


class SystemLink(Frozen, frozen=True, kw_only=True):
    """One requirement and who meets it; `target` is None when nobody does."""

    parent: Package
    requirement: str
    target: Package | None
    there: tuple[Package, ...] = ()
    """Packages that bear the name and do not meet it."""


class Clash(Frozen, frozen=True, kw_only=True):
    """Two installed packages of which one forbids the other."""

    parent: Package
    requirement: str
    """With the name of the field: `Breaks: libfoo (<< 2)`."""
    other: Package


class SystemGraph(Frozen, frozen=True, kw_only=True):
    """Every requirement of every installed package of one manager."""

    packages: tuple[Package, ...]
    """Sorted by name, architecture and version."""
    links: tuple[SystemLink, ...]
    clashes: tuple[Clash, ...] = ()
    unknowns: tuple[Unknown, ...] = ()


class Notes:
    """Collects what could not be read or compared, each once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Unknown] = {}

    def add(self, package: Package, text: str, reason: str) -> None:
        """Note why a relation of a package is not told."""
        where, reason = label(package), f"the dependency {text[:200]!r} {reason}"
        self._found[where, reason] = Unknown(section="graph", where=where, reason=reason)

    def sorted(self) -> tuple[Unknown, ...]:
        """Give them sorted by place and reason."""
        return tuple(self._found[key] for key in sorted(self._found))


def sorted_packages(packages: Iterable[Package], kind: str) -> tuple[Package, ...]:
    """Give the packages of one manager by name, architecture and version."""
    return tuple(
        sorted((p for p in packages if p.type == kind), key=lambda p: (p.name, p.architecture, p.version))
    )


def label(package: Package) -> str:
    """`name version`, as causes write it."""
    return f"{package.name} {package.version}"


def find_system_conflicts(graph: SystemGraph, fix: Callable[[SystemLink], str]) -> tuple[Conflict, ...]:
    """Give the requirements that nothing installed meets, and the packages that forbid each other (DEP-430).

    `fix` gives the command that adds what a failing link asks for.
    """
    failing = [link for link in graph.links if link.target is None]
    if not failing and not graph.clashes:
        return ()
    chain = _chains(graph)
    found = []
    for link in failing:
        parent = label(link.parent)
        found.append(
            Conflict(
                code=rules.OS_PACKAGE.code,
                kind="unsatisfied" if link.there else "missing",
                severity=rules.OS_PACKAGE.severity,
                package=link.parent.name,
                requirement=link.requirement,
                found=", ".join(label(package) for package in link.there),
                causes=(Cause(requirement=link.requirement, parent=parent, chain=chain(link.parent)),),
                broken=True,
                fix=fix(link),
                type=link.parent.type,
            )
        )
    for clash in graph.clashes:
        cause = Cause(requirement=clash.requirement, parent=label(clash.parent), chain=chain(clash.parent))
        wanted = _asking(graph, clash.other, chain)
        found.append(
            Conflict(
                code=rules.OS_PACKAGE.code,
                kind="unsatisfied",
                severity=rules.OS_PACKAGE.severity,
                package=clash.parent.name,
                requirement=clash.requirement,
                found=label(clash.other),
                causes=(cause, *wanted),
                broken=True,
                fix="",
                type=clash.parent.type,
            )
        )
    return tuple(found)


def _asking(
    graph: SystemGraph, other: Package, chain: Callable[[Package], tuple[str, ...]]
) -> tuple[Cause, ...]:
    """Give the first package that needs what another forbids."""
    for link in graph.links:
        if link.target is other and link.parent is not other:
            parent = link.parent
            return (Cause(requirement=link.requirement, parent=label(parent), chain=chain(parent)),)
    return ()


def _chains(graph: SystemGraph) -> Callable[[Package], tuple[str, ...]]:
    """Make the function that gives the shortest way from a package that nobody needs, as labels."""

    def name(package: Package) -> str:
        return f"{package.name}\0{package.architecture}\0{package.version}"

    labels = {name(package): label(package) for package in graph.packages}
    pairs = [(name(link.parent), name(link.target)) for link in graph.links if link.target is not None]
    wanted = {target for source, target in pairs if source != target}
    roots = [one for one in labels if one not in wanted]
    tree = shortest_ways(adjacency(labels, pairs), roots)

    def chain(package: Package) -> tuple[str, ...]:
        return tuple(labels.get(step, step) for step in chain_to(tree, name(package)))

    return chain


def by_name(packages: Iterable[Package]) -> dict[str, list[Package]]:
    """Index packages by name, in their order."""
    found: dict[str, list[Package]] = defaultdict(list)
    for package in packages:
        found[package.name].append(package)
    return found


class NoOrder(ValueError):
    """Two versions have no order."""
