"""What the shared objects of Python distributions want of the image, and whether the loader finds it.

Two questions for each of them, answered without running anything: which DT_NEEDED names no rule of the loader
finds (collect.loader says what is assumed), and which symbol versions (.gnu.version_r) the found library does
not define (.gnu.version_d). Most of the answers are yes and say nothing; so of each package only the newest
GLIBC and GLIBCXX version is told, and what is not there.

An object can need a library that is in the process already, since Python has imported another module before:
torchvision needs libc10.so, which only torch has. So a name that some object of the same site directories
answers to is not missed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reprocheck.collect.elf_names import is_extension, is_runtime
from reprocheck.collect.loader import PLACES_EACH, Mains, Search, prepare
from reprocheck.collect.native_strings import NUMPY_1, NUMPY_2
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import portable
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import LinkNeed, PythonEnvironment
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

Objects = tuple[tuple[str, LibraryFacts], ...]

_TOLD = {"GLIBC": (2, 28), "GLIBCXX": (3, 4, 24)}
"""Families of which the newest version is told even if it is there, above what manylinux_2_28 (PEP 600) has;
of CXXABI nothing, as it grows with GLIBCXX."""
_VERSION = re.compile(r"(.+?)_([0-9]{1,9}(?:\.[0-9]{1,9}){0,7})")
_IN_MUSL = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\..*")
"""Names that musl answers to itself (ldso/dynlink.c, `load_library`)."""


class Linking(Frozen, frozen=True, kw_only=True):
    """What is wanted, sorted by owner, SONAME, version and consumer."""

    needs: tuple[LinkNeed, ...]
    unknowns: tuple[Unknown, ...] = ()


def links_of(
    view: ContainerView,
    limits: Limits,
    objects: Objects,
    pythons: tuple[PythonEnvironment, ...],
    library_path: str,
    owners: Mapping[str, str],
) -> Linking:
    """Tell what objects below the search paths of these interpreters want; `owners` are purls by path."""
    search, mains, _ = prepare(view, limits, objects, pythons, library_path)
    sites = _Sites(pythons)
    inside = tuple((path, facts) for path, facts in sorted(objects) if sites.holds(path))
    survey = _Survey(search=search, mains=mains, owners=owners)
    for path, facts in inside:
        if search.tried[0] > limits.libraries * PLACES_EACH:
            limit = f"the limit libraries ({limits.libraries})"
            reason = f"what it and later ones need was not searched for: {limit}"
            survey.problems.append(unknown("libraries", path, reason))
            break
        if survey.is_native(path, facts):
            survey.take(path, facts)
    known = frozenset(name for path, facts in inside for name in (path.rpartition("/")[2], facts.soname))
    return Linking(needs=survey.rows(known), unknowns=tuple(dict.fromkeys(survey.problems)))


class _Sites:
    """The directories on search paths, and what lies below them."""

    def __init__(self, pythons: tuple[PythonEnvironment, ...]) -> None:
        self._places = frozenset(place for python in pythons for place in python.search_path)

    def holds(self, path: str) -> bool:
        while path:
            path = path.rpartition("/")[0]
            if path in self._places:
                return True
        return False


@dataclass(kw_only=True, slots=True)
class _Survey:
    """Collects needs object by object."""

    search: Search
    mains: Mains
    owners: Mapping[str, str]
    problems: list[Unknown] = field(default_factory=list)
    missing: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Consumers by owner and SONAME."""
    wanted: dict[tuple[str, str, str, str], tuple[tuple[int, ...], str, str]] = field(default_factory=dict)
    """(order, version, consumer) by owner, SONAME, family and provider: the newest that is there."""
    unmet: dict[tuple[str, str, str, str], tuple[tuple[int, ...], str, str]] = field(default_factory=dict)
    """The same of what is not."""
    numpy: dict[str, str] = field(default_factory=dict)
    """By owner, the first object that was built for NumPy 1 alone."""
    targets: dict[str, list[str]] = field(default_factory=dict)
    """Which objects each object leads to."""
    extensions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Extension modules by owner."""
    others: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def is_native(self, path: str, facts: LibraryFacts) -> bool:
        """Whether the object can be loaded into the interpreter at all: debugpy brings foreign ones."""
        main = self.mains.of(path).facts
        return not main.machine or (main.machine, main.bits) == (facts.machine, facts.bits)

    def take(self, path: str, facts: LibraryFacts) -> None:
        owner, main = self.owners.get(portable(path), ""), self.mains.of(path)
        (self.extensions if is_extension(path) else self.others)[owner].append(path)
        found: dict[str, str] = {}
        for soname in facts.needed:
            if self.search.musl and _IN_MUSL.fullmatch(soname):
                continue
            found[soname] = self.search.first(soname, path, facts, main)
            if not found[soname]:
                self.missing[owner, soname].append(path)
        told = dict(facts.versions)
        if NUMPY_1 in told and NUMPY_2 not in told:
            self.numpy.setdefault(owner, path)
        self.targets[path] = [target for target in found.values() if target]
        if self.search.musl:  # which passes over symbol versions
            return
        for soname, version in facts.wants:
            provider = found.get(soname, "")
            offering = self.search.objects.get(provider)
            if offering is None or offering.untold:
                if is_runtime(provider.rpartition("/")[2]):
                    self.problems.append(unknown("libraries", provider, "does not tell its symbol versions"))
            elif offering.offers:  # without any, glibc only warns
                self._want(owner, soname, version, provider, path, met=version in offering.offers)

    def _want(self, owner: str, soname: str, version: str, provider: str, path: str, *, met: bool) -> None:
        family, number = _split(version)
        if met and (family not in _TOLD or number <= _TOLD[family]):
            return
        rows = self.wanted if met else self.unmet
        key = (owner, soname, family, provider)
        known = rows.get(key)
        if known is None or (known[0], known[1]) < (number, version):
            rows[key] = (number, version, path)

    def rows(self, known: frozenset[str]) -> tuple[LinkNeed, ...]:
        imported = self._imported()
        missed = {
            (owner, soname): sorted(consumers, key=lambda path: (path not in imported, path))[0]
            for (owner, soname), consumers in self.missing.items()
            if soname not in known
        }
        places = self._places(frozenset(soname for _, soname in missed))
        needs = [
            LinkNeed(
                owner=owner,
                soname=portable(soname)[:4096] or "?",
                consumer=portable(consumer),
                elsewhere=portable(places.get(soname, "")),
                imported=consumer in imported,
            )
            for (owner, soname), consumer in missed.items()
        ]
        needs += [
            LinkNeed(
                owner=owner, soname="numpy", consumer=portable(consumer), wanted="NUMPY_1", imported=True
            )
            for owner, consumer in self.numpy.items()
        ]
        newest: dict[tuple[str, str], tuple[tuple[int, ...], str, str, str, str]] = {}
        for (owner, soname, family, provider), (number, version, consumer) in sorted(self.wanted.items()):
            best = newest.get((owner, family))
            if best is None or best[0] < number:
                newest[owner, family] = (number, version, consumer, soname, provider)
        needs += [
            self._need(owner, soname, version, provider, consumer, met=True, imported=imported)
            for (owner, _), (_, version, consumer, soname, provider) in newest.items()
        ]
        needs += [
            self._need(owner, soname, version, provider, consumer, met=False, imported=imported)
            for (owner, soname, _, provider), (_, version, consumer) in self.unmet.items()
        ]
        return tuple(sorted(needs, key=lambda need: (need.owner, need.soname, need.wanted, need.consumer)))

    def _need(
        self,
        owner: str,
        soname: str,
        version: str,
        provider: str,
        consumer: str,
        *,
        met: bool,
        imported: set[str],
    ) -> LinkNeed:
        family, _ = _split(version)
        same = [
            (number, one)
            for one in self.search.objects[provider].offers
            for kind, number in (_split(one),)
            if kind == family
        ]
        return LinkNeed(
            owner=owner,
            soname=portable(soname),
            consumer=portable(consumer),
            wanted=portable(version),
            provider=portable(provider),
            offered=portable(max(same, default=((), ""))[1]),
            met=met,
            imported=consumer in imported,
        )

    def _imported(self) -> set[str]:
        """Objects that an extension module is or leads to.

        Of a package without such modules, all of its objects where none is led to: lightgbm opens its library
        by name. PyQt5-Qt5's are led to by PyQt5's, and the rest of them are plug-ins.
        """
        seen = self._reached(path for paths in self.extensions.values() for path in paths)
        alone = [
            path
            for owner, paths in self.others.items()
            if owner not in self.extensions and seen.isdisjoint(paths)
            for path in paths
        ]
        return seen | self._reached(alone)

    def _reached(self, starts: Iterable[str]) -> set[str]:
        queue = list(starts)
        seen = set(queue)
        while queue:
            for target in self.targets.get(queue.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    queue.append(target)
        return seen

    def _places(self, names: frozenset[str]) -> dict[str, str]:
        """Give the first path, by name, of files that the loader does not find."""
        if not names:
            return {}
        endings = tuple(sorted(f"/{name}" for name in names))
        found: dict[str, str] = {}
        for path in self.search.tree.entries:
            if path.endswith(endings) and "/stubs/" not in path:
                label = path.rpartition("/")[2]
                if label in names and path < found.get(label, "\U0010ffff"):
                    found[label] = path
        return found


def _split(version: str) -> tuple[str, tuple[int, ...]]:
    """Split `GLIBC_2.34` into family and number; what has no number is its own family."""
    match = _VERSION.fullmatch(version)
    return (match[1], tuple(map(int, match[2].split(".")))) if match is not None else (version, ())
