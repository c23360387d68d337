"""One graph of all parts, and what a picture opens on: conflicts, the chains to them, their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.graph.parts import Drawn, Part, python_id
from reprocheck.graph.paths import adjacency, climb, shortest_ways
from reprocheck.graph.python import PythonGraph
from reprocheck.model.base import replace
from reprocheck.model.conflict import Edge, Node


def draw(parts: Sequence[Part], *, full: bool) -> Drawn:
    """Give the nodes, sorted by id, and the edges, sorted by source, target, requirement and kind.

    An edge from or to a node that no part knows is left out.
    """
    if not full and not any(part.marked or part.broken or _has_broken(part) for part in parts):
        return (), ()
    nodes: dict[str, Node] = {}
    given: list[Edge] = []
    for part in parts:
        more_nodes, more_edges = part.later() if part.later is not None else ((), ())
        for node in (*part.nodes, *more_nodes):
            known = nodes.setdefault(node.id, node)
            if node.broken and not known.broken:
                nodes[node.id] = replace(known, broken=True)
        given += (*part.edges, *more_edges)
    edges = {
        (e.source, e.target, e.requirement, e.kind, not e.broken): e
        for e in given
        if e.source in nodes and e.target in nodes
    }
    ordered = [edges[key] for key in sorted(edges)]
    if not full:
        roots = frozenset().union(*(part.roots for part in parts)) & nodes.keys()
        marked = frozenset().union(*(part.marked for part in parts)) & nodes.keys()
        kept = _near(nodes, ordered, roots, marked)
        nodes = {name: node for name, node in nodes.items() if name in kept}
        ordered = [e for e in ordered if e.source in kept and e.target in kept]
    return tuple(nodes[name] for name in sorted(nodes)), tuple(ordered)


def draw_python(graph: PythonGraph, unfit: frozenset[str]) -> Drawn:
    """Give the distributions of one environment as nodes, their requirements as edges."""
    names = {key: python_id(graph.executable, key) for key in graph.installed}
    gaps = sorted({link.target for link in graph.links if not link.present})
    names.update((key, python_id(graph.executable, key)) for key in gaps)
    broken = {link.parent for link in graph.links if link.fails} | unfit
    nodes = [
        Node(id=names[key], label=node.label, type=node.package.type, broken=key in broken)
        for key, node in graph.installed.items()
    ]
    nodes += [Node(id=names[key], label=f"{key} (missing)", type="pypi", broken=True) for key in gaps]
    edges = tuple(
        Edge(
            source=names[link.parent],
            target=names[link.target],
            requirement=link.need.display,
            broken=link.fails,
        )
        for link in graph.links
    )
    return tuple(nodes), edges


def _has_broken(part: Part) -> bool:
    return any(node.broken for node in part.nodes) or any(edge.broken for edge in part.edges)


def _near(
    nodes: dict[str, Node], edges: list[Edge], roots: frozenset[str], marked: frozenset[str]
) -> set[str]:
    """Ids of the broken and marked ones, of the chains to them from a root, and of the neighbours."""
    pointed = {e.target for e in edges if e.source != e.target}
    free = roots | (nodes.keys() - pointed)
    tree = shortest_ways(adjacency(nodes, ((e.source, e.target) for e in edges)), free)
    bad = {name for name, node in nodes.items() if node.broken}
    bad |= {e.target for e in edges if e.broken}
    kept = bad | marked
    for name in sorted(kept):
        # A chain that joins one already kept need not be walked again: this stays linear.
        for step in climb(tree.parents, name):
            if step in kept and step != name:
                break
            kept.add(step)
    for edge in edges:
        if edge.source in bad or edge.target in bad:
            kept |= {edge.source, edge.target}
    return kept
