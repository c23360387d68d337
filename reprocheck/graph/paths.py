"""Shortest chains and cycles. Iterative throughout; networkx never leaves this module."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from reprocheck.model.base import Frozen

LONGEST_CHAIN = 64
"""Names of one chain that are kept; the middle of a longer one is folded, with a count."""

_HALF = LONGEST_CHAIN // 2

Adjacency = Mapping[str, tuple[str, ...]]
"""Sorted successors by node, in sorted node order."""


def adjacency(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Sort nodes and edges into successors; edges to unknown nodes and to oneself are left out."""
    successors: dict[str, list[str]] = {node: [] for node in sorted(nodes)}
    for source, target in edges:
        if source != target and source in successors and target in successors:
            successors[source].append(target)
    return {
        node: tuple(sorted(set(targets)) if len(targets) > 1 else targets)
        for node, targets in successors.items()
    }


class Tree(Frozen, frozen=True, kw_only=True):
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
    """Strongly connected components of more than one node, each sorted, in order of their first name.

    What is on no cycle is peeled off first; a usual environment leaves a handful of nodes or none, and the
    import of networkx would cost more than everything else that is done for it.
    """
    rest = _peel(_peel(graph))
    if not rest:
        return ()
    if len(rest) > FEW:
        return _tarjan(rest)
    found: list[tuple[str, ...]] = []
    placed: set[str] = set()
    backwards = _turned(rest)
    for node in rest:
        if node not in placed:
            part = _reached(rest, node) & _reached(backwards, node)
            placed |= part
            if len(part) > 1:
                found.append(tuple(sorted(part)))
    return tuple(sorted(found))


FEW = 256
"""Nodes for which a search from each one is cheap."""


def _peel(graph: Adjacency) -> dict[str, tuple[str, ...]]:
    """Give what is left of a graph, its edges turned round, without the nodes that no cycle leads to."""
    backwards = _turned(graph)
    waiting = {node: len(sources) for node, sources in backwards.items()}
    free = deque(node for node, count in waiting.items() if not count)
    while free:
        node = free.popleft()
        del waiting[node]
        for target in graph[node]:
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    return {node: tuple(s for s in backwards[node] if s in waiting) for node in waiting}


def _turned(graph: Adjacency) -> dict[str, tuple[str, ...]]:
    sources: dict[str, list[str]] = {node: [] for node in graph}
    for source, targets in graph.items():
        for target in targets:
            sources[target].append(source)
    return {node: tuple(found) for node, found in sources.items()}


def _reached(graph: Adjacency, start: str) -> set[str]:
    return set(shortest_ways(graph, (start,)).parents)


def _tarjan(graph: Adjacency) -> tuple[tuple[str, ...], ...]:
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
