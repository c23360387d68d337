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
    "wheel-tag",
    "file-owned-twice",
    "shadowed",
    "pins-collide",
    "needed-library",
    "symbol-version",
    "gpu-architecture",
    "numpy-abi",
    "two-runtimes",
    "two-copies",
]


class Cause(Value, frozen=True, kw_only=True):
    """One requirement and who makes it (resolvelib's shape: never a sentence)."""

    requirement: str
    parent: str
    """`name version` of the package that asks."""
    chain: tuple[str, ...] = ()
    """From a root package down to `parent`, both included; of a native library the file that is taken."""


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
    extra: str = ""
    """The extra of `package` that makes the requirement apply, because another package asks for it; '' when
    it applies anyway. `pip check` does not look at extras."""
    minimal: tuple[Cause, ...] = ()
    """The smallest set of requirements that cannot hold together; empty when one alone fails."""
    solution: Literal["version", "none", ""] = ""
    """`version`: `change` satisfies everyone; `none`: no version can; '' when that was not worked out."""
    change: str = ""
    """The smallest change that satisfies every requirement that is known (`numpy<2,>=1.26`)."""
    waived: str = ""
    """Reason of the waiver in the configuration file; a waived conflict decides no exit code."""


class Node(Value, frozen=True, kw_only=True):
    """A package, library or device in the graph, for pictures."""

    id: str
    label: str
    type: str
    """`pypi`, `conda`, `deb`, `rpm`, `apk`, `library`, `cuda`, `driver` or `gpu`."""
    broken: bool = False


class Edge(Value, frozen=True, kw_only=True):
    """`source` requires `target`, owns it, or needs it loaded."""

    source: str
    target: str
    requirement: str
    broken: bool = False
    kind: Literal["requires", "owns", "needs"] = "requires"
    """`requires`: by its metadata; `owns`: `source` installed the files of `target`; `needs`: the loader, the
    driver or the GPU has to give it at run time."""


class Waiver(Value, frozen=True, kw_only=True):
    """A conflict that somebody decided to live with, until a day."""

    code: str
    package: str
    """The package whose requirement fails (`Conflict.package`) or the one that it requires; any spelling."""
    reason: str
    expires: str
    """The last day on which it holds, ISO 8601 (`2027-01-31`)."""


class WaiverUse(Value, frozen=True, kw_only=True):
    """What became of one waiver."""

    waiver: Waiver
    state: Literal["used", "expired", "unmatched", "malformed"]
    """`expired` and `malformed` (the day is no day) waive nothing; `unmatched`: there is no such conflict."""
    conflicts: Count = 0
    """How many conflicts it names."""


class Unexamined(Value, frozen=True, kw_only=True):
    """A question that this manifest cannot answer."""

    what: str
    """`files that two packages own`."""
    needs: str
    """What would answer it: `snapshot --integrity`."""


class GraphReport(Stamped, frozen=True, kw_only=True):
    """The result of `graph`."""

    conflicts: tuple[Conflict, ...]
    packages: Count
    requirements: Count
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    unknowns: tuple[Unknown, ...]
    since: str = ""
    """With `--since`: the other manifest; only conflicts that it does not have are listed."""
    inherited: Count = 0
    """With `--since`: conflicts that both have."""
    waivers: tuple[WaiverUse, ...] = ()
    """Every waiver that was given, in the order given."""
    not_examined: tuple[Unexamined, ...] = ()
    """What the manifest does not hold, so that nothing can be said of it. Facts, not unknowns."""
