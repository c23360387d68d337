"""Takes in one manifest after another and keeps of each only what no earlier one had.

Equal packages, variables and sections of all members are held once, with the set of members that have them:
memory grows with what is distinct, not with the number of manifests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from reprocheck.compare.fleet_facts import (
    Context,
    Fact,
    Setting,
    host_facts,
    image_facts,
    job_facts,
    os_facts,
    settings_of,
)
from reprocheck.compare.fleet_packages import OS_TYPES, Slot, environment_of, ordered
from reprocheck.compare.fleet_runs import code_facts, data_facts, hub_facts, run_facts
from reprocheck.compare.fleet_software import (
    framework_facts,
    integrity_facts,
    leftover_facts,
    library_facts,
    loaded_facts,
    loading_facts,
    python_facts,
)
from reprocheck.compare.packages import normal_name
from reprocheck.errors import InputFault
from reprocheck.model.base import Frozen
from reprocheck.model.change import Section
from reprocheck.model.manifest import Manifest, UnknownField
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

Thing = TypeVar("Thing", bound=Hashable)


class Part(Frozen, frozen=True, kw_only=True):
    """One section of a manifest that is taken in as a whole."""

    section: Section
    read: Callable[[Manifest], Hashable]
    """None where this manifest does not tell the section."""
    facts: Callable[..., Iterator[Fact]]
    requested: str = ""
    """What is recorded on request only, so that its absence is no unknown; '' for every other section."""


PARTS: tuple[Part, ...] = (
    Part(section="data", read=lambda m: m.data or None, facts=data_facts, requested="data sets (--data)"),
    Part(section="hub", read=lambda m: m.hub, facts=hub_facts),
    Part(section="code", read=lambda m: m.code or None, facts=code_facts, requested="git working trees"),
    Part(section="run", read=lambda m: m.run, facts=run_facts),
    Part(section="job", read=lambda m: (m.job, m.labels), facts=job_facts),
    Part(
        section="loaded",
        read=lambda m: m.loaded,
        facts=loaded_facts,
        requested="loaded libraries (--observe)",
    ),
    Part(section="packages", read=lambda m: (m.wheels, m.remnants), facts=leftover_facts),
    Part(section="frameworks", read=lambda m: m.frameworks, facts=framework_facts),
    Part(section="libraries", read=lambda m: m.libraries, facts=library_facts),
    Part(section="loading", read=lambda m: (m.loading, m.linking), facts=loading_facts),
    Part(section="pythons", read=lambda m: m.pythons, facts=python_facts),
    Part(
        section="integrity",
        read=lambda m: m.integrity,
        facts=integrity_facts,
        requested="installed files (--integrity)",
    ),
    Part(section="os", read=lambda m: m.os, facts=os_facts),
    Part(section="image", read=lambda m: m.image, facts=image_facts),
    Part(section="host", read=lambda m: m.host, facts=host_facts),
)
"""Every section but packages and variables, which are taken in one by one."""


@dataclass(kw_only=True, slots=True)
class Stock:
    """A package, and which members have it."""

    slot: Slot
    copies: tuple[Package, ...]
    members: int = 0


@dataclass(kw_only=True, slots=True)
class Arrival:
    """What is kept of one member by itself."""

    name: str
    file: str
    group: str
    places: frozenset[tuple[str, str]]
    """(package type, environment) of its Python distributions and conda packages."""


@dataclass(kw_only=True, slots=True)
class Census:
    """What all members hold, each thing once."""

    group_by: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    packages: dict[Package, Stock] = field(default_factory=dict)
    crowds: dict[tuple[Package, ...], Stock] = field(default_factory=dict)
    """Several copies that one member has at one slot."""
    settings: dict[Setting, int] = field(default_factory=dict)
    silent: int = 0
    """Members whose source cannot tell variables."""
    parts: tuple[dict[Hashable, int], ...] = field(default_factory=lambda: tuple({} for _ in PARTS))
    unknowns: dict[Unknown, int] = field(default_factory=dict)
    newer: dict[UnknownField, int] = field(default_factory=dict)
    contents: dict[tuple[str, str], int] = field(default_factory=dict)
    identities: dict[tuple[str, str], int] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)

    def add(self, file: str, manifest: Manifest) -> None:
        """Take in one manifest; `file` names it. Raises InputFault (E_FLEET_DOCUMENT)."""
        if manifest.source.covers is not None:
            raise InputFault(
                "E_FLEET_DOCUMENT",
                f"{file} is a document of another tool, which cannot tell most of what a fleet is judged by",
                hint="Take a manifest of that machine with `reprocheck snapshot`, or compare the two alone.",
            )
        bit = 1 << len(self.arrivals)
        places = self._take_packages(manifest.every_package, bit)
        self.arrivals.append(
            Arrival(
                name=_node(manifest) or file.rpartition("/")[2],
                file=file,
                group=group_of(manifest, self.group_by, file) if self.group_by else "",
                places=places,
            )
        )
        if manifest.source.kind in ("rootfs", "environment") and not manifest.environment:
            self.silent |= bit
        for setting in settings_of(manifest.environment):
            _mark(self.settings, setting, bit)
        for part, table in zip(PARTS, self.parts, strict=True):
            _mark(table, part.read(manifest), bit)
        for unknown in set(manifest.unknowns):
            _mark(self.unknowns, unknown, bit)
        for newer in set(manifest.unknown_fields):
            _mark(self.newer, newer, bit)
        if manifest.digests is not None:
            _mark(self.contents, (manifest.schema_version, manifest.digests.content), bit)
            if manifest.digests.identity is not None:
                _mark(self.identities, ("", manifest.digests.identity), bit)

    def _take_packages(self, packages: tuple[Package, ...], bit: int) -> frozenset[tuple[str, str]]:
        known = self.packages
        stocks = [known.get(package) or self._learn(package) for package in packages]
        slots = [stock.slot for stock in stocks]
        crowded: dict[Slot, list[Package]] = {}
        if len(set(slots)) < len(slots):
            crowded = {slot: [] for slot, count in Counter(slots).items() if count > 1}
        for stock, package in zip(stocks, packages, strict=True):
            if crowded and stock.slot in crowded:
                crowded[stock.slot].append(package)
            else:
                stock.members |= bit
        for slot, several in crowded.items():
            copies = ordered(several)
            self.crowds.setdefault(copies, Stock(slot=slot, copies=copies)).members |= bit
        return frozenset((slot[0], slot[2]) for slot in set(slots) if slot[2])

    def _learn(self, package: Package) -> Stock:
        place = "" if package.type in OS_TYPES else environment_of(package)
        slot = (package.type, normal_name(package), place)
        self.packages[package] = stock = Stock(slot=slot, copies=(package,))
        return stock

    @property
    def everybody(self) -> int:
        """Return the set of all members."""
        return (1 << len(self.arrivals)) - 1


def _mark(table: dict[Thing, int], thing: Thing, bit: int) -> None:
    table[thing] = table.get(thing, 0) | bit


def _node(manifest: Manifest) -> str:
    return next((label.value for label in manifest.labels if label.name == "node"), "")


def group_of(manifest: Manifest, by: str, file: str) -> str:
    """Return what a member is grouped by: a label, else what its job or host says; '' when it has none."""
    labels = {label.name: label.value for label in manifest.labels}
    if labels.get(by):
        return labels[by]
    if by == "node":
        host = manifest.host.name if manifest.host is not None else ""
        return labels.get("host") or host or file.rpartition("/")[2]
    job = manifest.job
    if job is None:
        return ""
    facts = {fact.name: fact.value for fact in job.facts}
    told = {"rank", "local_rank", "node_rank", "world_size", "nodes", "scheduler", "id"}
    return facts.get(by) or (str(getattr(job, by)) if by in told else "")


def context_of(census: Census) -> Context:
    """Return what the facts of one member owe to all the others."""
    homes = _homes(census)
    several: set[tuple[str, str]] = set()
    for part, table in zip(PARTS, census.parts, strict=True):
        if part.section in ("libraries", "frameworks"):
            for payload in table:
                several |= _several(payload)
    hidden = {setting[0].name for setting in census.settings if setting[0].state != "recorded"}
    hidden |= {setting[0].name for setting in census.settings if setting[0].value is None}
    return Context(homes=homes, several=frozenset(several), hidden=frozenset(hidden))


def _several(payload: object) -> set[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for item in payload if isinstance(payload, tuple) else ():
        known_by = (item.kind, item.name.partition(".so")[0]) if hasattr(item, "kind") else None
        counts[known_by or ("framework", item.name)] += 1
    return {key for key, count in counts.items() if count > 1}


def _homes(census: Census) -> tuple[str, ...]:
    owned: dict[str, int] = {}
    index = next(i for i, part in enumerate(PARTS) if part.section == "pythons")
    for payload, members in census.parts[index].items():
        for python in payload if isinstance(payload, tuple) else ():
            if python.kind != "system" and python.prefix.rstrip("/"):
                home = python.prefix.rstrip("/")
                owned[home] = owned.get(home, 0) | members
    homes = [home for home, members in owned.items() if members != census.everybody]
    return tuple(sorted(homes, key=lambda home: (-len(home), home)))
