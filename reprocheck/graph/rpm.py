"""Dependencies of rpm packages: capabilities with ranges of versions, files, and boolean expressions.

Source: rpm's manual, "Dependencies" and "Boolean dependencies"; the comparison of two ranges is that of
lib/rpmds.c (`rpmdsCompareEVR`): ranges that overlap meet, and a release counts where both sides have one.
"""

from __future__ import annotations

import re
from collections import defaultdict

from reprocheck.graph.rpm_boolean import BadExpression, Expression, read_expression
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

_RELATION = re.compile(r"(?P<name>\S+)(?: (?P<sign><=|>=|<|>|=) (?P<version>\S+))?")


class Capability(Frozen, frozen=True, kw_only=True):
    """`name`, or a range of its versions."""

    name: str
    sign: str = ""
    version: str = ""


def read_capability(text: str) -> Capability:
    """Read `libfoo >= 1:1.2-3`. Raises ValueError when it is malformed."""
    match = _RELATION.fullmatch(text)
    if match is None:
        raise ValueError("is malformed")
    return Capability(name=match["name"], sign=match["sign"] or "", version=match["version"] or "")


def meets(offer: Capability, need: Capability) -> bool:
    """Whether two ranges of one capability overlap. Raises NoOrder."""
    if not offer.sign or not need.sign:
        return True
    first, second = offer.version, need.version
    if ("-" in first) != ("-" in second):
        first, second = first.rpartition("-")[0] or first, second.rpartition("-")[0] or second
    from reprocheck.versions import order

    sense = order("rpm", first, second)
    if sense is None:
        raise NoOrder("names a version that rpm cannot order")
    if sense < 0:
        return ">" in offer.sign or "<" in need.sign
    if sense > 0:
        return "<" in offer.sign or ">" in need.sign
    return any(sign in offer.sign and sign in need.sign for sign in "=<>")


class _Offers:
    """What the installed packages provide, their own names included."""

    def __init__(self, packages: tuple[Package, ...], notes: Notes) -> None:
        self.rows: dict[str, list[tuple[Package, Capability]]] = defaultdict(list)
        self.names: dict[str, list[Package]] = defaultdict(list)
        for package in packages:
            own = Capability(name=package.name, sign="=", version=package.version)
            self.rows[package.name].append((package, own))
            self.names[package.name].append(package)
            for text in package.provides:
                try:
                    offer = read_capability(text)
                except ValueError as error:
                    notes.add(package, text, str(error))
                    continue
                self.rows[offer.name].append((package, offer))
        self.knows_files = any(name.startswith("/") for name in self.rows)

    def meeting(self, need: Capability) -> tuple[Package, ...]:
        """Give the packages that offer it. Raises NoOrder."""
        return tuple(package for package, offer in self.rows.get(need.name, ()) if meets(offer, need))


def build_rpm(manifest: Manifest) -> SystemGraph:
    """Resolve every requirement against what is installed.

    A file that no package lists is unknown unless the manifest tells of files at all.
    """
    packages, notes = sorted_packages(manifest.packages, "rpm"), Notes()
    offers = _Offers(packages, notes)
    links: list[SystemLink] = []
    clashes: list[Clash] = []
    for package in packages:
        for text in sorted(set(package.depends)):
            link = _link(package, text, offers, notes)
            if link is not None:
                links.append(link)
        for text in sorted(set(package.conflicts)):
            clashes += _clashes(package, text, offers, notes)
    return SystemGraph(packages=packages, links=tuple(links), clashes=tuple(clashes), unknowns=notes.sorted())


def find_rpm_conflicts(graph: SystemGraph) -> tuple[Conflict, ...]:
    """Give the requirements that nothing meets (DEP-430), and what must not stand together."""
    return find_system_conflicts(graph, _fix)


def find_rpm(manifest: Manifest) -> tuple[tuple[Conflict, ...], tuple[Unknown, ...]]:
    """Build and examine in one step."""
    graph = build_rpm(manifest)
    return find_rpm_conflicts(graph), graph.unknowns


def _fix(link: SystemLink) -> str:
    name = link.requirement.partition(" ")[0]
    return f"dnf install {name!r}" if "(" in name else f"dnf install {name}"


def _link(package: Package, text: str, offers: _Offers, notes: Notes) -> SystemLink | None:
    if text.startswith("rpmlib("):  # a feature of rpm itself
        return None
    try:
        if text.startswith("("):
            return _boolean(package, text, offers)
        need = read_capability(text)
        found = offers.meeting(need)
    except ValueError as error:
        notes.add(package, text, str(error))
        return None
    there = () if found else tuple(dict.fromkeys(p for p, _ in offers.rows.get(need.name, ())))
    if not found and text.startswith("/") and not offers.knows_files:
        notes.add(package, text, "names a file, and which files packages hold was not told")
        return None
    return SystemLink(parent=package, requirement=text, target=_best(package, found), there=there)


def _best(package: Package, found: tuple[Package, ...]) -> Package | None:
    """The package itself where it provides what it needs, else the first."""
    return package if package in found else found[0] if found else None


def _boolean(package: Package, text: str, offers: _Offers) -> SystemLink:
    """Evaluate `(a if b else c)`. Raises BadExpression or NoOrder."""
    met, found = _evaluate(read_expression(text), offers)
    target = _best(package, found) or package
    return SystemLink(parent=package, requirement=text, target=target if met else None)


def _evaluate(root: Expression, offers: _Offers) -> tuple[bool, tuple[Package, ...]]:
    """Return whether it holds, and packages that make it so."""
    values: list[tuple[bool, tuple[Package, ...]]] = []
    for item in root.postfix:
        if not item.operator:
            found = offers.meeting(read_capability(item.text))
            values.append((bool(found), found))
            continue
        parts = values[len(values) - item.count :]
        del values[len(values) - item.count :]
        values.append(_combine(item.operator, parts))
    return values[0]


def _combine(
    operator: str, parts: list[tuple[bool, tuple[Package, ...]]]
) -> tuple[bool, tuple[Package, ...]]:
    if operator in ("and", "or"):
        met = all(part[0] for part in parts) if operator == "and" else any(part[0] for part in parts)
        return met, next((part[1] for part in parts if part[1]), ())
    if operator in ("with", "without"):
        found = parts[0][1]
        for _, other in parts[1:]:
            found = tuple(p for p in found if (p in other) == (operator == "with"))
        return bool(found), found
    condition = parts[1][0]
    if condition == (operator == "if"):
        return parts[0]
    return parts[2] if len(parts) > 2 else (True, ())


def _clashes(package: Package, text: str, offers: _Offers, notes: Notes) -> list[Clash]:
    try:
        if text.startswith("("):
            raise BadExpression("is a boolean expression in a conflict, which is not evaluated")
        others = offers.meeting(read_capability(text))
    except ValueError as error:
        notes.add(package, text, str(error))
        return []
    # A package may provide what it forbids to the others: it is then the only one of its kind.
    return [
        Clash(parent=package, requirement=f"Conflicts: {text}", other=other)
        for other in dict.fromkeys(others)
        if other.name != package.name
    ]
