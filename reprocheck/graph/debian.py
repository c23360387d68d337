"""Dependencies of Debian packages: groups of alternatives, versions in dpkg's order, Provides, Breaks.

Source: Debian Policy, chapter 7; for architectures dpkg's lib/dpkg/depcon.c. Only
what is installed is known, so every unmet group is a real gap.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from reprocheck.graph.system import (
    Clash,
    NoOrder,
    Notes,
    SystemGraph,
    SystemLink,
    find_system_conflicts,
    sorted_packages,
)
from reprocheck.model.base import Frozen
from reprocheck.model.conflict import Conflict
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

LONGEST = 65_536
"""Characters of one dependency group."""

_TERM = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+._-]*)(?::(?P<arch>[a-z0-9-]+))?"
    r"\s*(?:\(\s*(?P<op><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s()]+)\s*\))?\s*(?:\[[^\[\]]*\]|<[^<>]*>|\s)*"
)


class Term(Frozen, frozen=True, kw_only=True):
    """One alternative: `name:arch (operator version)`."""

    name: str
    arch: str
    operator: str
    version: str


class DebianLink(Frozen, frozen=True, kw_only=True):
    """One dependency group and who meets it; `target` is None when nobody does."""

    parent: Package
    group: str
    terms: tuple[Term, ...]
    target: Package | None


class DebianGraph(Frozen, frozen=True, kw_only=True):
    """Every dependency group of every installed Debian package."""

    packages: tuple[Package, ...]
    links: tuple[DebianLink, ...]
    unknowns: tuple[Unknown, ...]
    clashes: tuple[Clash, ...] = ()


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
    packages, notes = sorted_packages(manifest.packages, "deb"), Notes()
    offers = _Offers(packages, notes)
    links: list[DebianLink] = []
    clashes: list[Clash] = []
    for package in packages:
        for group in sorted(set(package.depends)):
            terms = _read(group, package, notes)
            if not terms:
                continue
            try:
                target = next((found[0] for term in terms if (found := offers.meeting(term, package))), None)
            except NoOrder as error:
                notes.add(package, group, str(error))
            else:
                links.append(DebianLink(parent=package, group=group, terms=terms, target=target))
        for text in sorted(set(package.conflicts)):
            clashes += _clashes(package, text, offers, notes)
    return DebianGraph(packages=packages, links=tuple(links), unknowns=notes.sorted(), clashes=tuple(clashes))


def find_debian_conflicts(graph: DebianGraph) -> tuple[Conflict, ...]:
    """Give the dependency groups that nothing installed meets, and what must not stand together."""
    named: dict[str, list[Package]] = defaultdict(list)
    for package in graph.packages:
        named[package.name].append(package)
    first: dict[str, str] = {}
    links = []
    for link in graph.links:
        there = () if link.target else tuple(p for t in link.terms for p in named.get(t.name, ()))
        first[link.group] = link.terms[0].name
        links.append(SystemLink(parent=link.parent, requirement=link.group, target=link.target, there=there))
    whole = SystemGraph(packages=graph.packages, links=tuple(links), clashes=graph.clashes)
    return find_system_conflicts(
        whole, lambda link: f"apt-get install --fix-broken, or apt-get install {first[link.requirement]}"
    )


def _read(text: str, package: Package, notes: Notes) -> tuple[Term, ...]:
    try:
        return read_group(text)
    except ValueError as error:
        notes.add(package, text, str(error))
        return ()


class _Offers:
    """The installed packages by name, and by what they provide."""

    def __init__(self, packages: tuple[Package, ...], notes: Notes) -> None:
        self.real: dict[str, list[Package]] = defaultdict(list)
        self.virtual: dict[str, list[tuple[Package, str]]] = defaultdict(list)
        for package in packages:
            self.real[package.name].append(package)
            for text in package.provides:
                for term in _read(text, package, notes):
                    version = term.version if term.operator == "=" else ""
                    self.virtual[term.name].append((package, version))
        counts = Counter(p.architecture for p in packages if p.architecture not in {"", "all"})
        own = [p.architecture for p in self.real.get("dpkg", ())]
        self.native = own[0] if len(own) == 1 else max(sorted(counts), key=counts.__getitem__, default="")

    def meeting(self, term: Term, parent: Package | None) -> tuple[Package, ...]:
        """Give who meets a term; without a parent its architecture does not count. Raises NoOrder."""
        found = [
            p
            for p in self.real.get(term.name, ())
            if self._fits(term, p, parent) and _compares(p.version, term)
        ]
        found += [
            p
            for p, version in self.virtual.get(term.name, ())
            # An unversioned Provides never meets a versioned dependency (Policy 7.5).
            if self._fits(term, p, parent) and (not term.operator or (version and _compares(version, term)))
        ]
        return tuple(found)

    def _fits(self, term: Term, package: Package, parent: Package | None) -> bool:
        have = self.native if package.architecture in {"", "all"} else package.architecture
        if term.arch:
            return term.arch in {"any", have}
        if parent is None or package.multi_arch == "foreign":
            return True
        return have == (self.native if parent.architecture in {"", "all"} else parent.architecture)


def _clashes(package: Package, text: str, offers: _Offers, notes: Notes) -> list[Clash]:
    """Give what a Conflicts or Breaks forbids. A package never forbids itself in another architecture."""
    others: dict[Package, None] = {}
    for term in _read(text, package, notes):
        try:
            others.update(dict.fromkeys(offers.meeting(term, None)))
        except NoOrder as error:
            notes.add(package, text, str(error))
    return [
        Clash(parent=package, requirement=f"Conflicts or Breaks: {text}", other=other)
        for other in others
        if other.name != package.name
    ]


def _compares(version: str, term: Term) -> bool:
    from reprocheck.versions import order

    if not term.operator:
        return True
    sign = order("deb", version, term.version)
    if sign is None:
        raise NoOrder("names a version that dpkg cannot order")
    return {"<<": sign < 0, "<=": sign <= 0, "=": sign == 0, ">=": sign >= 0, ">>": sign > 0}[term.operator]
