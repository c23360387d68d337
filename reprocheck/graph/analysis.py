"""From a manifest to its dependency graph and its conflicts."""

from __future__ import annotations

from reprocheck.errors import InputFault
from reprocheck.graph.debian import build_debian, find_debian_conflicts
from reprocheck.graph.driver import find_driver_conflicts
from reprocheck.graph.picture import draw
from reprocheck.graph.python import build_graph
from reprocheck.graph.python_conflicts import find_conflicts, find_duplicates
from reprocheck.graph.requirement import RequirementReader
from reprocheck.limits import Limits
from reprocheck.model.change import SEVERITIES
from reprocheck.model.conflict import Conflict, GraphReport
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

GRAPH_VERSION = "1.0"


def analyse(manifest: Manifest, *, limits: Limits, full: bool = False) -> GraphReport:
    """Find every dependency conflict of a manifest, with causes.

    The nodes and edges are those of the conflicts, of the chains to them and of their neighbours; with `full`
    all of them. Conflicts are sorted by broken first, severity, code, environment, package and requirement.
    Unknowns of the manifest's packages and interpreters are carried along: they forbid a clean answer.

    Raises InputFault E_LIMIT_GRAPH over `limits.packages` or `limits.graph_edges`.
    """
    lines = sum(len(p.depends) + (len(p.python.requires) if p.python else 0) for p in manifest.packages)
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
    reader = RequirementReader()
    pythons = tuple(build_graph(manifest, python, reader) for python in _environments(manifest))
    debian = build_debian(manifest)
    drivers, driver_unknowns = find_driver_conflicts(manifest)
    conflicts = [
        *(conflict for graph in pythons for conflict in find_conflicts(graph)),
        *find_duplicates(manifest),
        *find_debian_conflicts(debian),
        *drivers,
    ]
    unknowns = {
        *(u for u in manifest.unknowns if u.section in {"packages", "pythons"}),
        *(u for graph in pythons for u in graph.unknowns),
        *debian.unknowns,
        *driver_unknowns,
    }
    nodes, edges = draw(pythons, debian, full=full)
    return GraphReport(
        schema_version=GRAPH_VERSION,
        conflicts=tuple(sorted(conflicts, key=_rank)),
        packages=sum(len(graph.installed) for graph in pythons) + len(debian.packages),
        requirements=sum(len(graph.links) for graph in pythons) + len(debian.links),
        nodes=nodes,
        edges=edges,
        unknowns=tuple(sorted(unknowns, key=lambda u: (u.section, u.where, u.reason))),
    )


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
