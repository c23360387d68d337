"""uv.lock, version 1 (docs.astral.sh/uv, "Project structure: the lockfile").

A universal lock: it holds packages for every platform. What belongs to one interpreter is found by walking
from the project along edges whose markers hold. What only an extra or a group leads to is optional.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from reprocheck.errors import InputFault
from reprocheck.foreign.markers import Target, applies
from reprocheck.foreign.reading import (
    check_count,
    fault,
    is_name,
    is_version,
    list_in,
    object_in,
    short,
    text_in,
    unread,
)
from reprocheck.foreign.urls import plain_url
from reprocheck.limits import Limits
from reprocheck.model.lock import Lock, Pin
from reprocheck.model.unknown import Unknown

_KNOWN = 1
_PROJECT = ("virtual", "editable")

Entry = Mapping[str, object]
Edge = tuple[Entry, bool]
"""A dependency as written, and whether an extra or a group leads to it."""


def read_uv(document: Mapping[str, object], *, where: str, target: Target, limits: Limits) -> Lock:
    """Read uv.lock. Raises InputFault (E_LOCK_VERSION, E_FOREIGN, E_TOO_LARGE)."""
    version = document.get("version")
    if version != _KNOWN or isinstance(version, bool):
        raise InputFault(
            "E_LOCK_VERSION",
            f"{where} is a uv.lock of version {short(str(version), 20)}; version {_KNOWN} is known",
            hint="Update reprocheck, or lock with a uv that writes this version.",
        )
    entries = list_in(document, "package")
    check_count(len(entries), where=where, limits=limits)
    walk = _Walk(where=where, target=target, limits=limits)
    for number, entry in enumerate(entries):
        walk.add(entry, number)
    manifest = object_in(document, "manifest")
    walk.run(manifest)
    return Lock(
        format="uv.lock",
        pins=tuple(sorted(walk.pins(), key=lambda pin: (pin.name, pin.specifier, pin.url))),
        types=("pypi",),
        complete=True,
        python=text_in(document, "requires-python"),
        unknowns=tuple(walk.unknowns),
    )


@dataclass(kw_only=True, slots=True)
class _Walk:
    where: str
    target: Target
    limits: Limits
    by_name: dict[str, list[Entry]] = field(default_factory=dict)
    unknowns: list[Unknown] = field(default_factory=list)
    edges: int = 0
    reached: dict[int, bool] = field(default_factory=dict)
    """Entry by its id() to whether it is optional."""
    answers: dict[str, bool | None] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)

    def add(self, entry: object, number: int) -> None:
        """Take one `[[package]]`."""
        place = f"{self.where} package[{number}]"
        name, version = text_in(entry, "name"), text_in(entry, "version")
        if not isinstance(entry, Mapping) or not is_name(name, pypi=True):
            raise fault(place, "has no valid name")
        if version and not is_version(version):
            raise fault(place, "has no valid version")
        self.by_name.setdefault(canonicalize_name(name), []).append(entry)

    def run(self, manifest: Mapping[str, object]) -> None:
        """Walk from the projects; from everything where the lock names none."""
        queue: deque[tuple[Entry, bool, frozenset[str]]] = deque()
        members = {canonicalize_name(name) for name in list_in(manifest, "members") if isinstance(name, str)}
        wanted = [item for item in list_in(manifest, "requirements") if isinstance(item, Mapping)]
        roots = [
            entry
            for name, group in self.by_name.items()
            for entry in group
            if name in members
            or text_in(object_in(entry, "source"), "virtual") == "."
            or text_in(object_in(entry, "source"), "editable") == "."
        ]
        everything = [entry for group in self.by_name.values() for entry in group]
        for entry in roots or ([] if wanted else everything):
            queue.append((entry, False, frozenset({"*"}) if roots else frozenset()))
        for item in wanted:
            queue.extend(self._follow((item, False)))
        visited: set[tuple[int, bool, frozenset[str]]] = set()
        while queue:
            entry, optional, extras = queue.popleft()
            mark = (id(entry), optional, extras)
            if mark in visited:
                continue
            visited.add(mark)
            self.reached[id(entry)] = self.reached.get(id(entry), True) and optional
            for edge in self._edges(entry, optional, extras):
                queue.extend(self._follow(edge))

    def _edges(self, entry: Entry, optional: bool, extras: frozenset[str]) -> Iterator[Edge]:
        for item in list_in(entry, "dependencies"):
            yield from self._edge(item, optional)
        whole = "*" in extras
        for section in ("optional-dependencies", "dev-dependencies") if whole else ("optional-dependencies",):
            for extra, items in object_in(entry, section).items():
                if isinstance(items, list) and (whole or canonicalize_name(extra) in extras):
                    for item in items:
                        yield from self._edge(item, optional or whole)

    def _edge(self, item: object, optional: bool) -> Iterator[Edge]:
        self.edges += 1
        if self.edges > self.limits.graph_edges:
            raise InputFault(
                "E_TOO_LARGE",
                f"{self.where} has more dependencies than the limit of {self.limits.graph_edges}",
                hint="Raise it with --limit-scale if you trust the file.",
            )
        if isinstance(item, Mapping):
            yield item, optional

    def _follow(self, edge: Edge) -> Iterator[tuple[Entry, bool, frozenset[str]]]:
        item, optional = edge
        marker = text_in(item, "marker")
        if marker not in self.answers:
            self.answers[marker] = applies(self.target, marker)
        # Extras that exclude each other are encoded in markers: which one was chosen is not in the lock.
        chosen = "extra ==" in marker or "extra !=" in marker
        holds = None if chosen else self.answers[marker]
        name = canonicalize_name(text_in(item, "name"))
        if holds is False:
            return
        if holds is None and not chosen and name not in self.doubted:
            self.doubted.add(name)
            reason = f"its marker cannot be evaluated ({short(marker)})"
            self.unknowns.append(unread(f"{self.where} {short(name)}", reason))
        extras = frozenset(
            canonicalize_name(extra) for extra in list_in(item, "extra") if isinstance(extra, str)
        )
        version, source = text_in(item, "version"), item.get("source")
        for entry in self.by_name.get(name, []):
            if version and text_in(entry, "version") != version:
                continue
            if source is not None and entry.get("source") != source:
                continue
            yield entry, optional or holds is None, extras

    def pins(self) -> Iterator[Pin]:
        """Everything that the walk reached."""
        for name, group in self.by_name.items():
            for entry in group:
                if id(entry) in self.reached:
                    yield _pin(name, entry, optional=self.reached[id(entry)])


def _pin(name: str, entry: Entry, *, optional: bool) -> Pin:
    source = object_in(entry, "source")
    project = any(key in source for key in _PROJECT)
    version = text_in(entry, "version")
    url, commit = "", ""
    if git := text_in(source, "git"):
        url, commit = plain_url(f"git+{git.partition('?')[0].partition('#')[0]}"), git.partition("#")[2]
    elif place := text_in(source, "url"):
        url = plain_url(place)
    elif "path" in source or "directory" in source:
        url = "file:"
    return Pin(
        type="pypi",
        name=name,
        # The version of a project under development moves without the lock.
        specifier="" if project or not version else f"==={version}",
        hashes=_hashes(entry),
        url=url,
        commit=commit,
        optional=optional or project,
    )


def _hashes(entry: Entry) -> tuple[str, ...]:
    files = [entry.get("sdist"), *list_in(entry, "wheels")]
    return tuple(sorted({text for file in files if (text := text_in(file, "hash"))}))
