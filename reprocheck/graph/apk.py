"""Dependencies of Alpine's packages: names, `so:`, `cmd:` and `pc:` provides, versions, `!` for conflicts.

Source: apk-package(5) and apk-world(5). A provide without a version meets no versioned dependency.
"""

from __future__ import annotations

import re
from collections import defaultdict

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

_RELATION = re.compile(
    r"(?P<name>[^\s<>=~@!]+)(?:(?P<sign><=|>=|<|>|=~|~=|=|~|><)(?P<version>[^\s<>=~@!]+))?(?:@\S+)?"
)


class Relation(Frozen, frozen=True, kw_only=True):
    """`name`, `name>=1.2`; the version may be fuzzy (`~1.2` is 1.2 and 1.2.3)."""

    name: str
    sign: str
    version: str


def read_relation(text: str) -> Relation:
    """Read one word of `D:` or `p:`. Raises ValueError when it is malformed."""
    match = _RELATION.fullmatch(text)
    if match is None:
        raise ValueError("is malformed")
    if match["sign"] == "><":
        raise ValueError("names a package by its checksum")
    return Relation(name=match["name"], sign=match["sign"] or "", version=match["version"] or "")


def build_apk(manifest: Manifest) -> SystemGraph:
    """Resolve every dependency against what is installed."""
    packages, notes = sorted_packages(manifest.packages, "apk"), Notes()
    offers: dict[str, list[tuple[Package, str]]] = defaultdict(list)
    for package in packages:
        offers[package.name].append((package, package.version))
        for text in package.provides:
            try:
                offer = read_relation(text)
            except ValueError as error:
                notes.add(package, text, str(error))
                continue
            offers[offer.name].append((package, offer.version if offer.sign == "=" else ""))
    links: list[SystemLink] = []
    clashes: list[Clash] = []
    for package in packages:
        for text in sorted({*package.depends, *(f"!{one}" for one in package.conflicts)}):
            try:
                need = read_relation(text.removeprefix("!"))
                there = offers.get(need.name, [])
                found = [other for other, version in there if _meets(version, need)]
            except ValueError as error:
                notes.add(package, text, str(error))
                continue
            if text.startswith("!"):
                clashes += [
                    Clash(parent=package, requirement=text, other=other)
                    for other in dict.fromkeys(found)
                    if other.name != package.name
                ]
                continue
            target = package if package in found else found[0] if found else None
            others = () if found else tuple(dict.fromkeys(other for other, _ in there))
            links.append(SystemLink(parent=package, requirement=text, target=target, there=others))
    return SystemGraph(packages=packages, links=tuple(links), clashes=tuple(clashes), unknowns=notes.sorted())


def find_apk_conflicts(graph: SystemGraph) -> tuple[Conflict, ...]:
    """Give the dependencies that nothing meets (DEP-430), and what must not stand together."""
    return find_system_conflicts(graph, lambda link: f"apk add {link.requirement!r}")


def find_apk(manifest: Manifest) -> tuple[tuple[Conflict, ...], tuple[Unknown, ...]]:
    """Build and examine in one step."""
    graph = build_apk(manifest)
    return find_apk_conflicts(graph), graph.unknowns


def _meets(version: str, need: Relation) -> bool:
    """Compare a version with a dependency. Raises NoOrder."""
    if not need.sign:
        return True
    if not version:
        return False
    if need.sign in ("~", "=~", "~="):
        rest = version.removeprefix(need.version)
        return rest != version and not rest[:1].isdigit()
    from reprocheck.versions import order

    sense = order("apk", version, need.version)
    if sense is None:
        raise NoOrder("names a version that apk cannot order")
    return {"<": sense < 0, "<=": sense <= 0, "=": sense == 0, ">=": sense >= 0, ">": sense > 0}[need.sign]
