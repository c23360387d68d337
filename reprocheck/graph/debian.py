"""Dependencies of Debian packages: groups of alternatives, versions in dpkg's order, Provides.

Source: Debian Policy, chapter 7. Only what is installed is known, so every unmet group is a real gap.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from reprocheck.graph import rules
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

LONGEST = 65_536
"""Characters of one dependency group."""

_TERM = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+._-]*)(?::(?P<arch>[a-z0-9-]+))?"
    r"\s*(?:\(\s*(?P<op><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s()]+)\s*\))?\s*(?:\[[^\[\]]*\]|<[^<>]*>|\s)*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One alternative: `name:arch (operator version)`."""

    name: str
    arch: str
    operator: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DebianLink:
    """One dependency group and who meets it; `target` is None when nobody does."""

    parent: Package
    group: str
    terms: tuple[Term, ...]
    target: Package | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DebianGraph:
    """Every dependency group of every installed Debian package."""

    packages: tuple[Package, ...]
    links: tuple[DebianLink, ...]
    unknowns: tuple[Unknown, ...]


def read_group(group: str) -> tuple[Term, ...]:
    """Read `a (>= 1) | b`. Raises ValueError when it is malformed."""
    if len(group) > LONGEST:
        raise ValueError(f"has {len(group)} characters, more than {LONGEST}")
    terms = []
    for text in group.split("|"):
        match = _TERM.fullmatch(text)
        if match is None:
            raise ValueError("is malformed")
        # The single < and > are obsolete spellings of <= and >= (Policy 7.1).
        operator = {"<": "<=", ">": ">="}.get(match["op"] or "", match["op"] or "")
        terms.append(
            Term(
                name=match["name"],
                arch=match["arch"] or "",
                operator=operator,
                version=match["version"] or "",
            )
        )
    return tuple(terms)


def build_debian(manifest: Manifest) -> DebianGraph:
    """Resolve every dependency group against the installed packages and what they provide."""
    packages = tuple(
        sorted(
            (p for p in manifest.packages if p.type == "deb"),
            key=lambda p: (p.name, p.architecture, p.version),
        )
    )
    real: dict[str, list[Package]] = defaultdict(list)
    virtual: dict[str, list[tuple[Package, str]]] = defaultdict(list)
    unknowns: dict[tuple[str, str], Unknown] = {}
    for package in packages:
        real[package.name].append(package)
        for text in package.provides:
            for term in _read(text, package, unknowns):
                virtual[term.name].append((package, term.version if term.operator == "=" else ""))
    links = []
    for package in packages:
        for group in sorted(set(package.depends)):
            terms = _read(group, package, unknowns)
            if not terms:
                continue
            try:
                target = next(
                    (t for t in (_meet(term, real, virtual) for term in terms) if t is not None), None
                )
            except _NoOrder as error:
                where, reason = f"{package.name} {package.version}", f"the dependency {group[:200]!r} {error}"
                unknowns[where, reason] = Unknown(section="graph", where=where, reason=reason)
            else:
                links.append(DebianLink(parent=package, group=group, terms=terms, target=target))
    ordered = tuple(unknowns[key] for key in sorted(unknowns))
    return DebianGraph(packages=packages, links=tuple(links), unknowns=ordered)


def find_debian_conflicts(graph: DebianGraph) -> tuple[Conflict, ...]:
    """Give the dependency groups that nothing installed meets."""
    versions: dict[str, list[str]] = defaultdict(list)
    for package in graph.packages:
        versions[package.name].append(package.version)
    found = []
    for link in graph.links:
        if link.target is not None:
            continue
        there = [f"{t.name} {v}" for t in link.terms for v in versions.get(t.name, ())]
        parent = f"{link.parent.name} {link.parent.version}"
        found.append(
            Conflict(
                code=rules.OS_PACKAGE.code,
                kind="unsatisfied" if there else "missing",
                severity=rules.OS_PACKAGE.severity,
                package=link.parent.name,
                requirement=link.group,
                found=", ".join(there),
                causes=(Cause(requirement=link.group, parent=parent, chain=(parent,)),),
                broken=True,
                fix=f"apt-get install --fix-broken, or apt-get install {link.terms[0].name}",
                type="deb",
            )
        )
    return tuple(found)


def _read(text: str, package: Package, unknowns: dict[tuple[str, str], Unknown]) -> tuple[Term, ...]:
    try:
        return read_group(text)
    except ValueError as error:
        where, reason = f"{package.name} {package.version}", f"the dependency {text[:200]!r} {error}"
        unknowns[where, reason] = Unknown(section="graph", where=where, reason=reason)
        return ()


def _meet(
    term: Term, real: dict[str, list[Package]], virtual: dict[str, list[tuple[Package, str]]]
) -> Package | None:
    for package in real.get(term.name, ()):
        fits_arch = term.arch in {"", "any", package.architecture} or package.architecture in {"", "all"}
        if fits_arch and _compares(package.version, term):
            return package
    for package, version in virtual.get(term.name, ()):
        # An unversioned Provides never meets a versioned dependency (Policy 7.5).
        if not term.operator or (version and _compares(version, term)):
            return package
    return None


class _NoOrder(Exception):
    """Two versions have no order."""


def _compares(version: str, term: Term) -> bool:
    from reprocheck.versions import order

    if not term.operator:
        return True
    sign = order("deb", version, term.version)
    if sign is None:
        raise _NoOrder("names a version that dpkg cannot order")
    return {"<<": sign < 0, "<=": sign <= 0, "=": sign == 0, ">=": sign >= 0, ">>": sign > 0}[term.operator]
