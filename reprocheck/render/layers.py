"""Places for the nodes of a directed graph: columns from left to right, few crossings, always the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from reprocheck.model.base import Frozen

SWEEPS = 6
"""How often the columns are ordered by the places of their neighbours."""

MOST_BENDS = 2_000
"""Bends of one picture; pairs beyond go straight."""

Pairs = Sequence[tuple[int, int]]


class Arrangement(Frozen, frozen=True, kw_only=True):
    """Nodes in columns, and the bends of the pairs that pass a column."""

    columns: tuple[tuple[int, ...], ...]
    """Node numbers from top to bottom; from `count` on they are bends."""
    bends: tuple[tuple[int, ...], ...]
    """For each pair its bends, on the way from its first node to its second."""


def arrange(count: int, pairs: Pairs) -> Arrangement:
    """Put the nodes 0..count-1 in columns, so that most pairs (from, to) go from left to right.

    Each node stands one column right of the last node that points at it (longest path), and one that nothing
    points at stands just left of what it points at; a cycle is cut at the node with the fewest incoming pairs
    left, the first one of several.
    """
    layers = _layers(count, pairs)
    bends: list[tuple[int, ...]] = []
    legs: list[tuple[int, int]] = []
    for source, target in pairs:
        passed = range(layers[source] + 1, layers[target])
        if len(layers) + len(passed) > count + MOST_BENDS:
            passed = range(0)
        own = tuple(range(len(layers), len(layers) + len(passed)))
        layers += passed
        bends.append(own)
        legs += pairwise((source, *own, target))
    return Arrangement(columns=_sorted(layers, legs), bends=tuple(bends))


def _sorted(layers: list[int], pairs: Pairs) -> tuple[tuple[int, ...], ...]:
    """Order each column by the places of its neighbours in the others."""
    found: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for node, layer in enumerate(layers):
        found[layer].append(node)
    neighbours: dict[int, list[int]] = {node: [] for node in range(len(layers))}
    for source, target in pairs:
        neighbours[source].append(target)
        neighbours[target].append(source)
    for sweep in range(SWEEPS):
        order = range(len(found)) if sweep % 2 == 0 else range(len(found) - 1, -1, -1)
        for index in order:
            places = {node: place for column in found for node, place in _spread(column)}
            found[index].sort(key=lambda n: (_middle(places, neighbours[n], n), n))
    return tuple(tuple(column) for column in found)


def _layers(count: int, pairs: Pairs) -> list[int]:
    targets: list[set[int]] = [set() for _ in range(count)]
    for source, target in pairs:
        if source != target:
            targets[source].add(target)
    waiting = [0] * count
    for found in targets:
        for target in found:
            waiting[target] += 1
    layers, left = [0] * count, set(range(count))
    while left:
        ready = sorted(node for node in left if not waiting[node])
        for node in ready or [min(left, key=lambda n: (waiting[n], n))]:
            left.discard(node)
            for target in targets[node] & left:
                waiting[target] -= 1
                layers[target] = max(layers[target], layers[node] + 1)
    pointed = set().union(*targets) if targets else set()
    for node, found in enumerate(targets):
        if node not in pointed and found:
            layers[node] = max(min(layers[target] for target in found) - 1, 0)
    return layers


def _spread(column: Sequence[int]) -> Iterable[tuple[int, float]]:
    """Places of a column's nodes around its middle, so that columns of all heights compare."""
    return ((node, place - (len(column) - 1) / 2) for place, node in enumerate(column))


def _middle(places: Mapping[int, float], neighbours: Sequence[int], node: int) -> float:
    if not neighbours:
        return places[node]
    return sum(places[n] for n in neighbours) / len(neighbours)
