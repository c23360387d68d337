"""Nodes and edges for pictures: the conflicts, the chains to them and their neighbours, or everything."""

from __future__ import annotations

from reprocheck.graph.debian import DebianGraph, DebianLink
from reprocheck.graph.paths import adjacency, climb, shortest_ways
from reprocheck.graph.python import PythonGraph
from reprocheck.model.conflict import Edge, Node
from reprocheck.model.package import Package


def draw(
    pythons: tuple[PythonGraph, ...], debian: DebianGraph, *, full: bool
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Give the nodes, sorted by id, and the edges, sorted by source, target and requirement."""
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    roots: set[str] = set()
    for graph in pythons:
        _draw_python(graph, nodes, edges, roots)
    _draw_debian(debian, nodes, edges, roots)
    edges.sort(key=lambda e: (e.source, e.target, e.requirement))
    if not full:
        kept = _near(nodes, edges, roots)
        nodes = {name: node for name, node in nodes.items() if name in kept}
        edges = [e for e in edges if e.source in kept and e.target in kept]
    return tuple(nodes[name] for name in sorted(nodes)), tuple(edges)


def _draw_python(graph: PythonGraph, nodes: dict[str, Node], edges: list[Edge], roots: set[str]) -> None:
    def name_of(key: str) -> str:
        return f"pypi:{graph.executable}:{key}"

    wrong = set(graph.wrong_python)
    broken = {link.parent for link in graph.links if not link.present or link.fits is False} | wrong
    wanted = {link.target for link in graph.links if link.parent != link.target}
    for key, node in graph.installed.items():
        name = name_of(key)
        nodes[name] = Node(id=name, label=node.label, type=node.package.type, broken=key in broken)
        if node.requested or key not in wanted:
            roots.add(name)
    for link in graph.links:
        target = name_of(link.target)
        if not link.present:
            nodes[target] = Node(id=target, label=f"{link.target} (missing)", type="pypi", broken=True)
        failing = not link.present or link.fits is False
        edges.append(
            Edge(source=name_of(link.parent), target=target, requirement=link.need.display, broken=failing)
        )


def _draw_debian(graph: DebianGraph, nodes: dict[str, Node], edges: list[Edge], roots: set[str]) -> None:
    broken = {_debian_id(link.parent) for link in graph.links if link.target is None}
    by_name = {package.name: package for package in reversed(graph.packages)}
    wanted = set()
    for package in graph.packages:
        name = _debian_id(package)
        label = f"{package.name} {package.version}"
        nodes[name] = Node(id=name, label=label, type="deb", broken=name in broken)
    for link in graph.links:
        target = _debian_target(link, by_name, nodes)
        wanted.add(target)
        edges.append(
            Edge(
                source=_debian_id(link.parent),
                target=target,
                requirement=link.group,
                broken=link.target is None,
            )
        )
    roots |= {_debian_id(package) for package in graph.packages} - wanted


def _debian_id(package: Package) -> str:
    return f"deb:{package.name}:{package.architecture}"


def _debian_target(link: DebianLink, by_name: dict[str, Package], nodes: dict[str, Node]) -> str:
    """The node that a group points at: who meets it, else what is there in another version, else a gap."""
    there = link.target or next((by_name[t.name] for t in link.terms if t.name in by_name), None)
    if there is not None:
        return _debian_id(there)
    first = link.terms[0].name
    name = f"deb:{first}:missing"
    nodes[name] = Node(id=name, label=f"{first} (missing)", type="deb", broken=True)
    return name


def _near(nodes: dict[str, Node], edges: list[Edge], roots: set[str]) -> set[str]:
    """Ids of the broken ones, of the chains to them from a root, and of their direct neighbours."""
    tree = shortest_ways(adjacency(nodes, ((e.source, e.target) for e in edges)), roots)
    bad = {name for name, node in nodes.items() if node.broken}
    bad |= {e.target for e in edges if e.broken}
    kept = set(bad)
    for name in sorted(bad):
        # A chain that joins one already kept need not be walked again: this stays linear.
        for step in climb(tree.parents, name):
            if step in kept and step != name:
                break
            kept.add(step)
    for edge in edges:
        if edge.source in bad or edge.target in bad:
            kept |= {edge.source, edge.target}
    return kept
