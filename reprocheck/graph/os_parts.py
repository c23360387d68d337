"""Packages of dpkg, rpm, apk and conda as parts of the one graph, read only where there are any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reprocheck.graph.parts import Part, missing_id, os_id
from reprocheck.model.conflict import Conflict, Edge, Node
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown


class Tie(NamedTuple):
    """One requirement: who has it, its text, who meets it, and else what it points at."""

    parent: Package
    requirement: str
    target: Package | None
    instead: str
    """Name of what is asked for."""


def find_conda(manifest: Manifest) -> Part:
    """Unmet dependencies of conda's packages."""
    if not any(package.conda is not None for package in manifest.packages):
        return Part()
    from reprocheck.graph import conda

    return conda.find_conda(manifest)


def find_debian(manifest: Manifest) -> Part:
    """Unmet dependency groups of dpkg's packages."""
    if not _has(manifest, "deb"):
        return Part()
    from reprocheck.graph.debian import build_debian, find_debian_conflicts

    graph = build_debian(manifest)
    ties = [Tie(a.parent, a.group, a.target, a.terms[0].name) for a in graph.links]
    return _part("deb", graph.packages, ties, find_debian_conflicts(graph), graph.unknowns)


def find_rpm(manifest: Manifest) -> Part:
    """Unmet requirements of rpm's packages."""
    if not _has(manifest, "rpm"):
        return Part()
    from reprocheck.graph.rpm import build_rpm, find_rpm_conflicts

    graph = build_rpm(manifest)
    ties = [Tie(a.parent, a.requirement, a.target, a.requirement) for a in graph.links]
    return _part("rpm", graph.packages, ties, find_rpm_conflicts(graph), graph.unknowns)


def find_apk(manifest: Manifest) -> Part:
    """Unmet dependencies of apk's packages."""
    if not _has(manifest, "apk"):
        return Part()
    from reprocheck.graph.apk import build_apk, find_apk_conflicts

    graph = build_apk(manifest)
    ties = [Tie(a.parent, a.requirement, a.target, a.requirement) for a in graph.links]
    return _part("apk", graph.packages, ties, find_apk_conflicts(graph), graph.unknowns)


def _has(manifest: Manifest, kind: str) -> bool:
    return any(package.type == kind for package in manifest.packages)


def _part(
    kind: str,
    packages: tuple[Package, ...],
    ties: list[Tie],
    conflicts: tuple[Conflict, ...],
    unknowns: Iterable[Unknown],
) -> Part:
    blamed = {(conflict.package, cause.parent) for conflict in conflicts for cause in conflict.causes[:1]}
    named = {package.name: package for package in reversed(packages)}
    nodes: dict[str, Node] = {}
    for package in packages:
        label = f"{package.name} {package.version}"
        broken = (package.name, label) in blamed
        nodes[os_id(package)] = Node(id=os_id(package), label=label, type=kind, broken=broken)
    edges = []
    for tie in ties:
        there = tie.target or named.get(tie.instead)
        target = missing_id(kind, tie.instead) if there is None else os_id(there)
        if there is None:
            nodes[target] = Node(id=target, label=f"{tie.instead} (missing)", type=kind, broken=True)
        edges.append(
            Edge(
                source=os_id(tie.parent),
                target=target,
                requirement=tie.requirement,
                broken=tie.target is None,
            )
        )
    return Part(
        conflicts=conflicts,
        unknowns=tuple(unknowns),
        nodes=tuple(nodes.values()),
        edges=tuple(edges),
        packages=len(packages),
        requirements=len(ties),
    )
