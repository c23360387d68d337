"""Shortest chains and cycles. Iterative throughout; networkx never leaves this module."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

LONGEST_CHAIN = 64
"""Names of one chain that are kept; the middle of a longer one is folded, with a count."""

_HALF = LONGEST_CHAIN // 2

Adjacency = Mapping[str, tuple[str, ...]]
"""Sorted successors by node, in sorted node order."""


def adjacency(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Sort nodes and edges into successors; edges to unknown nodes and to oneself are left out."""
    successors: dict[str, set[str]] = {node: set() for node in sorted(nodes)}
    for source, target in edges:
        if source != target and source in successors and target in successors:
            successors[source].add(target)
    return {node: tuple(sorted(targets)) for node, targets in successors.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """The shortest way from a root to each node that one reaches."""

    parents: Mapping[str, str]
    """Each reached node's predecessor, '' for a root."""
    depths: Mapping[str, int]
    anchors: Mapping[str, str]
    """For a node whose chain is folded: its ancestor at the last place before the fold."""


def shortest_ways(graph: Adjacency, roots: Iterable[str]) -> Tree:
    """Breadth-first search from all roots at once.

    Ties go to the root and the successor that sort first, so the tree is the same every time.
    """
    parents = dict.fromkeys(sorted(roots), "")
    depths = dict.fromkeys(parents, 0)
    anchors: dict[str, str] = {}
    queue = deque(parents)
    while queue:
        node = queue.popleft()
        for target in graph[node]:
            if target not in parents:
                parents[target] = node
                depths[target] = depth = depths[node] + 1
                if depth == _HALF:
                    anchors[target] = node
                elif depth > _HALF:
                    anchors[target] = anchors[node]
                queue.append(target)
    return Tree(parents=parents, depths=depths, anchors=anchors)


def climb(parents: Mapping[str, str], node: str) -> Iterator[str]:
    """Give `node`, its predecessor and so on up to a root; only `node` when no root reaches it."""
    while node:
        yield node
        node = parents.get(node, "")


def chain_to(tree: Tree, node: str) -> tuple[str, ...]:
    """Give the nodes from a root down to `node`, the middle of a long chain folded.

    Only the part that is shown is walked: a thousand conflicts at the end of one long chain stay cheap.
    """
    length = tree.depths.get(node, 0) + 1
    if length <= LONGEST_CHAIN:
        return tuple(climb(tree.parents, node))[::-1]
    head = tuple(climb(tree.parents, tree.anchors[node]))[::-1]
    tail = tuple(islice(climb(tree.parents, node), _HALF))[::-1]
    return (*head, _folded(length), *tail)


def fold(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Fold the middle of a chain that is too long to read, with a count."""
    if len(chain) <= LONGEST_CHAIN:
        return chain
    return (*chain[:_HALF], _folded(len(chain)), *chain[-_HALF:])


def _folded(length: int) -> str:
    return f"... ({length - 2 * _HALF} more)"


def components(graph: Adjacency) -> tuple[tuple[str, ...], ...]:
    """Strongly connected components of more than one node, each sorted, in order of their first name."""
    import networkx as nx

    directed: nx.DiGraph[str] = nx.DiGraph()
    directed.add_nodes_from(graph)
    directed.add_edges_from((source, target) for source, targets in graph.items() for target in targets)
    found = (tuple(sorted(part)) for part in nx.strongly_connected_components(directed) if len(part) > 1)
    return tuple(sorted(found))


def shortest_cycle(graph: Adjacency, component: tuple[str, ...]) -> tuple[str, ...]:
    """Give the shortest cycle through the component's first node: `a, b, a`."""
    start, members = component[0], set(component)
    tree: dict[str, str] = {start: ""}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for target in graph[node]:
            if target == start:
                return (*tuple(climb(tree, node))[::-1], start)
            if target in members and target not in tree:
                tree[target] = node
                queue.append(target)
    raise AssertionError("a strongly connected component has a cycle through each of its nodes")
