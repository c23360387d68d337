"""Dependency conflicts, with causes as data."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Stamped, Value
from reprocheck.model.change import Severity
from reprocheck.model.unknown import Unknown

ConflictKind = Literal[
    "missing",
    "unsatisfied",
    "requires-python",
    "duplicate",
    "driver-too-old",
    "cycle",
]


class Cause(Value, frozen=True, kw_only=True):
    """One requirement and who makes it (resolvelib's shape: never a sentence)."""

    requirement: str
    parent: str
    """`name version` of the package that asks."""
    chain: tuple[str, ...] = ()
    """From a root package down to `parent`, both included."""


class Conflict(Value, frozen=True, kw_only=True):
    """Something in the environment that does not fit together."""

    code: str
    kind: ConflictKind
    severity: Severity
    package: str
    """The package whose requirement fails."""
    requirement: str
    found: str
    """What is there instead; '' when it is missing."""
    causes: tuple[Cause, ...]
    broken: bool
    """A broken requirement (exit 1) rather than a remark."""
    fix: str
    environment: str = ""
    type: str = ""


class Node(Value, frozen=True, kw_only=True):
    """A package in the graph, for pictures."""

    id: str
    label: str
    type: str
    broken: bool = False


class Edge(Value, frozen=True, kw_only=True):
    """`source` requires `target`."""

    source: str
    target: str
    requirement: str
    broken: bool = False


class GraphReport(Stamped, frozen=True, kw_only=True):
    """The result of `graph`."""

    conflicts: tuple[Conflict, ...]
    packages: Count
    requirements: Count
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    unknowns: tuple[Unknown, ...]
