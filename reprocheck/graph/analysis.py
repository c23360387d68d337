"""From a manifest to its dependency graph and its conflicts."""

from __future__ import annotations

from functools import partial

from reprocheck.errors import InputFault
from reprocheck.graph.accelerator import find_copy_conflicts, find_gpu_conflicts, find_pin_conflicts
from reprocheck.graph.copies import find_duplicates, find_shadowed, find_shared_files
from reprocheck.graph.driver import find_driver_conflicts
from reprocheck.graph.machine import draw_machine
from reprocheck.graph.native import find_native_conflicts
from reprocheck.graph.openmp import find_openmp_conflicts
from reprocheck.graph.os_parts import find_apk, find_conda, find_debian, find_rpm
from reprocheck.graph.parts import Drawn, Finder, Part, library_id, python_id
from reprocheck.graph.picture import draw, draw_python
from reprocheck.graph.python import build_graph
from reprocheck.graph.python_conflicts import Examination
from reprocheck.graph.requirement import RequirementReader
from reprocheck.limits import Limits
from reprocheck.model.change import SEVERITIES
from reprocheck.model.conflict import Conflict, GraphReport
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown

GRAPH_VERSION = "1.0"


def find_python(manifest: Manifest) -> Part:
    """Give the requirements of Python distributions, each environment on its own."""
    reader = RequirementReader()
    seen = []
    for python in _environments(manifest):
        graph = build_graph(manifest, python, reader)
        examination = Examination(graph, manifest)
        seen.append((graph, examination, examination.conflicts()))
    ids = [(graph, partial(python_id, graph.executable), one) for graph, one, _ in seen]

    def later() -> Drawn:
        drawn = [draw_python(graph, frozenset(one.unfit)) for graph, one, _ in seen]
        return tuple(n for nodes, _ in drawn for n in nodes), tuple(e for _, edges in drawn for e in edges)

    return Part(
        conflicts=tuple(conflict for _, _, conflicts in seen for conflict in conflicts),
        unknowns=tuple(u for graph, one, _ in seen for u in (*graph.unknowns, *one.unknowns)),
        later=later,
        broken=any(conflict.broken for _, _, conflicts in seen for conflict in conflicts),
        roots=frozenset(name(root) for _, name, one in ids for root in one.roots),
        marked=frozenset(name(key) for _, name, one in ids for key in one.marked),
        packages=sum(len(graph.installed) for graph, _, _ in seen),
        requirements=sum(len(graph.links) for graph, _, _ in seen),
    )


FINDERS: tuple[Finder, ...] = (
    find_python,
    find_duplicates,
    find_shadowed,
    find_shared_files,
    find_conda,
    find_debian,
    find_rpm,
    find_apk,
    find_native_conflicts,
    find_openmp_conflicts,
    find_pin_conflicts,
    find_copy_conflicts,
    find_gpu_conflicts,
    find_driver_conflicts,
    draw_machine,
)
"""Everything that looks at a manifest here, one line each; the order decides whose label a node bears."""


def analyse(manifest: Manifest, *, limits: Limits, full: bool = False) -> GraphReport:
    """Find every dependency conflict of a manifest, with causes.

    The nodes and edges are those of the conflicts, of the chains to them and of their neighbours; with `full`
    all of them. Conflicts are sorted by broken first, severity, code, environment, package and requirement.
    Unknowns of the manifest's packages and interpreters are carried along: they forbid a clean answer.

    Raises InputFault E_LIMIT_GRAPH over `limits.packages` or `limits.graph_edges`.
    """
    _check_limits(manifest, limits)
    parts = [found if isinstance(found, Part) else _bare(*found) for found in (f(manifest) for f in FINDERS)]
    unknowns = {u for u in manifest.unknowns if u.section in {"packages", "pythons"}}
    unknowns.update(unknown for part in parts for unknown in part.unknowns)
    nodes, edges = draw(parts, full=full)
    return GraphReport(
        schema_version=GRAPH_VERSION,
        conflicts=tuple(sorted((c for part in parts for c in part.conflicts), key=_rank)),
        packages=sum(part.packages for part in parts),
        requirements=sum(part.requirements for part in parts),
        nodes=nodes,
        edges=edges,
        unknowns=tuple(sorted(unknowns, key=lambda u: (u.section, u.where, u.reason))),
        not_examined=tuple(one for part in parts for one in part.not_examined),
    )


def _check_limits(manifest: Manifest, limits: Limits) -> None:
    lines = sum(
        len(p.depends)
        + (len(p.python.requires) if p.python else 0)
        + (len(p.conda.depends) if p.conda else 0)
        for p in manifest.packages
    )
    for what, count, most in (
        ("packages", len(manifest.packages), limits.packages),
        ("requirements", lines, limits.graph_edges),
    ):
        if count > most:
            raise InputFault(
                "E_LIMIT_GRAPH",
                f"the manifest holds {count} {what}, more than the limit of {most}; nothing was analysed",
                hint="Raise --limit-scale if this environment is really meant to be so large.",
            )


def _bare(conflicts: tuple[Conflict, ...], unknowns: tuple[Unknown, ...]) -> Part:
    """Files that a conflict names are nodes of the native part: the picture opens on them."""
    steps = {step for conflict in conflicts for cause in conflict.causes for step in cause.chain}
    marked = frozenset(library_id(step) for step in steps if step.startswith("/"))
    return Part(conflicts=conflicts, unknowns=unknowns, marked=marked)


def _environments(manifest: Manifest) -> list[PythonEnvironment]:
    return sorted({p.executable: p for p in manifest.pythons}.values(), key=lambda p: p.executable)


def _rank(conflict: Conflict) -> tuple[bool, int, str, str, str, str, str]:
    return (
        not conflict.broken,
        SEVERITIES.index(conflict.severity),
        conflict.code,
        conflict.environment,
        conflict.package,
        conflict.requirement,
        conflict.found,
    )
