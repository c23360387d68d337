"""What one module of this room has to say about a manifest, and how its nodes are called.

Node ids are the border between the modules: an edge of one may end in a node of another.
"""

from __future__ import annotations

from collections.abc import Callable

from reprocheck.model.base import Frozen
from reprocheck.model.conflict import Conflict, Edge, Node, Unexamined
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

DRIVER = "driver:"
"""Id of the one NVIDIA driver."""


Drawn = tuple[tuple[Node, ...], tuple[Edge, ...]]


class Part(Frozen, frozen=True, kw_only=True):
    """Conflicts and unknowns, and what of the graph belongs to them. Any order; the caller sorts.

    A node that several parts give is broken when one of them says so; its label is the first one's. An edge
    to a node that no part gives is left out of the picture.
    """

    conflicts: tuple[Conflict, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    later: Callable[[], Drawn] | None = None
    """Gives more nodes and edges; called only when a picture is drawn."""
    broken: bool = False
    """Whether `later` has something broken to draw."""
    roots: frozenset[str] = frozenset()
    """Ids of nodes where chains may begin; nodes that nothing points at are roots anyway."""
    marked: frozenset[str] = frozenset()
    """Ids of nodes that a conflict is about although nothing is broken; the picture opens on them too."""
    packages: int = 0
    requirements: int = 0
    not_examined: tuple[Unexamined, ...] = ()


Pair = tuple[tuple[Conflict, ...], tuple[Unknown, ...]]
"""Conflicts and unknowns of a module that draws nothing."""

Finder = Callable[[Manifest], Part | Pair]


def python_id(environment: str, key: str) -> str:
    """Id of a Python distribution: interpreter and normalised name."""
    return f"pypi:{environment}:{key}"


def conda_id(prefix: str, name: str) -> str:
    """Id of a conda package: prefix and name."""
    return f"conda:{prefix}:{name}"


def os_id(package: Package) -> str:
    """Id of a package of dpkg, rpm or apk: type, name and architecture."""
    return f"{package.type}:{package.name}:{package.architecture}"


def missing_id(type: str, name: str) -> str:  # noqa: A002 - named as the field it takes
    """Id of what an OS package requires and nothing provides."""
    return f"{type}:{name}:missing"


def library_id(path: str) -> str:
    """Id of a native library."""
    return f"library:{path}"


def gpu_id(index: int) -> str:
    """Id of an accelerator."""
    return f"gpu:{index}"
