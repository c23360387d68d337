"""The Python dependency graph of one interpreter: what is installed, what it requires, what fails."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from reprocheck.graph.interpreter import Interpreter, describe_interpreter
from reprocheck.graph.marker import Alternatives, normalise
from reprocheck.graph.release import Reading, admits, read_release
from reprocheck.graph.requirement import Need, RequirementReader
from reprocheck.model.base import Frozen
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

MOST_EVALUATIONS = 100_000
"""Markers of one environment that only `packaging` can evaluate, each counted once for every extra that is
asked for; those beyond are unknown."""

EXTRA = "extra"
"""The marker variable that an installer sets for the extra that it was asked for."""


@dataclass(kw_only=True, slots=True)
class Installed:
    """One effective distribution of an environment."""

    key: str
    """Normalised name."""
    name: str
    version: str
    reading: Reading | None
    package: Package
    requested: bool

    @property
    def label(self) -> str:
        """`name version`, as causes write it."""
        return f"{self.name} {self.version}".rstrip()


class Link(NamedTuple):
    """A requirement that applies. `fits` is None when the installed version cannot be compared."""

    parent: str
    target: str
    need: Need
    present: bool
    fits: bool | None
    extra: str
    """The extra of the parent that it belongs to, '' when it applies anyway."""

    @property
    def fails(self) -> bool:
        """Whether it is not met."""
        return not self.present or self.fits is False


class PythonGraph(Frozen, frozen=True, kw_only=True):
    """One environment, evaluated."""

    python: PythonEnvironment
    interpreter: Interpreter
    installed: dict[str, Installed]
    """By normalised name, in name order."""
    links: tuple[Link, ...]
    """Sorted by parent, target and requirement."""
    wrong_python: tuple[str, ...]
    """Keys of the distributions whose Requires-Python the interpreter does not meet."""
    unknowns: tuple[Unknown, ...]

    @property
    def executable(self) -> str:
        """Path of the interpreter: the environment's name."""
        return self.python.executable


def effective_distributions(manifest: Manifest, python: PythonEnvironment) -> dict[str, Installed]:
    """Give the distributions that an import in this environment finds, by normalised name, in name order.

    A conda package that names its distribution counts where its own metadata directory was not seen.
    """
    found: dict[str, Installed] = {}
    for package in manifest.packages:
        own = package.python
        if own is not None and own.environment == python.executable and own.effective:
            _keep(found, package, package.name, requested=own.requested)
    for package in manifest.packages:
        conda = package.conda
        if package.python is None and conda is not None and conda.pip_name and conda.prefix == python.prefix:
            _keep(found, package, conda.pip_name, requested=False)
    return dict(sorted(found.items()))


def build_graph(manifest: Manifest, python: PythonEnvironment, reader: RequirementReader) -> PythonGraph:
    """Evaluate every requirement that applies in one environment.

    Extras are followed when another requirement asks for them (`pkg[extra]`), which `pip check` does not do;
    pre-releases satisfy a specifier, as they do for pip.
    """
    search = _Search(effective_distributions(manifest, python), describe_interpreter(python, manifest))
    search.walk(reader)
    wrong = tuple(key for key, node in search.installed.items() if not search.runs(node))
    return PythonGraph(
        python=python,
        interpreter=search.interpreter,
        installed=search.installed,
        links=tuple(search.sorted_links()),
        wrong_python=wrong,
        unknowns=tuple(search.unknowns[k] for k in sorted(search.unknowns)),
    )


def _place(link: Link) -> tuple[str, str, str]:
    return link.target, link.need.display, link.extra


@dataclass(kw_only=True, slots=True)
class _Waiting:
    """Requirements of one distribution that wait for somebody to ask for an extra."""

    lines: dict[str, list[tuple[str, Need, bool | None]]] = field(default_factory=lambda: defaultdict(list))
    """By extra: line, requirement, and whether the rest of its marker holds."""
    markers: list[tuple[str, Need]] = field(default_factory=list)
    """Those whose marker has to be evaluated for each extra."""


class _Search:
    """Finds what applies: each extra of each distribution is followed once, so the work stays linear."""

    def __init__(self, installed: dict[str, Installed], interpreter: Interpreter) -> None:
        self.installed = installed
        self.interpreter = interpreter
        self.links: dict[tuple[str, str], Link] = {}
        self.unknowns: dict[tuple[str, str], Unknown] = {}
        self.waiting: dict[str, _Waiting] = defaultdict(_Waiting)
        self.asked: set[tuple[str, str]] = set()
        self.queue: deque[tuple[str, str]] = deque()
        self.budget = MOST_EVALUATIONS

    def note(self, where: str, reason: str) -> None:
        self.unknowns.setdefault((where, reason), Unknown(section="graph", where=where, reason=reason))

    def walk(self, reader: RequirementReader) -> None:
        for node in self.installed.values():
            own = node.package.python
            lines = own.requires if own is not None else ()
            for line in lines if len(lines) < 2 else sorted(set(lines)):
                need = reader.read(line)
                if isinstance(need, str):
                    self.note(node.label, f"the requirement {line[:200]!r} {need}")
                elif need.alternatives is None:
                    self._evaluate(node, line, need, "")
                    if EXTRA in str(need.marker):
                        self.waiting[node.key].markers.append((line, need))
                else:
                    self._sort(node, line, need, need.alternatives)
        while self.queue:
            key, extra = self.queue.popleft()
            waiting = self.waiting[key]
            for line, need, holds in waiting.lines.pop(extra, ()):
                self._apply(self.installed[key], line, need, holds, extra)
            for line, need in waiting.markers:
                self._evaluate(self.installed[key], line, need, extra)

    def sorted_links(self) -> Iterator[Link]:
        """Give the links by parent, target and requirement; parents are in order already."""
        grouped: dict[str, list[Link]] = defaultdict(list)
        for link in self.links.values():
            grouped[link.parent].append(link)
        for key in self.installed:
            own = grouped.get(key, [])
            yield from sorted(own, key=_place) if len(own) > 1 else own

    def _sort(self, node: Installed, line: str, need: Need, alternatives: Alternatives) -> None:
        """Let a requirement apply now, wait for the extras that it is for, or drop it."""
        now: bool | None = False
        for alternative in alternatives:
            wants = set(alternative.wants)
            if len(wants) > 1 or not wants.isdisjoint(alternative.refuses):
                continue
            holds = self.interpreter.meets(alternative) if alternative.clauses else True
            if wants and holds is not False:
                self.waiting[node.key].lines[wants.pop()].append((line, need, holds))
            elif not wants and now is not True and holds is not False:
                now = holds
        if now is not False:
            self._apply(node, line, need, now, "")

    def _evaluate(self, node: Installed, line: str, need: Need, extra: str) -> None:
        assert need.marker is not None
        if (node.key, line) in self.links:
            return
        self.budget -= 1
        if self.budget < 0:
            self.note(node.label, f"more than {MOST_EVALUATIONS} markers of its environment ask for extras")
            return
        holds = self.interpreter.holds(need.marker, extra)
        if holds is not False:
            self._apply(node, line, need, holds, extra)

    def _apply(self, node: Installed, line: str, need: Need, holds: bool | None, extra: str) -> None:
        if holds is None:
            where = self.interpreter.executable
            self.note(node.label, f"the marker of {line[:200]!r} could not be evaluated for {where}")
            return
        if (node.key, line) in self.links:
            return
        target = self.installed.get(need.name)
        fits = None if target is None else self._fits(need, target)
        self.links[node.key, line] = Link(node.key, need.name, need, target is not None, fits, extra)
        if target is not None:
            for wanted in need.extras:
                if (target.key, wanted) not in self.asked:
                    self.asked.add((target.key, wanted))
                    self.queue.append((target.key, wanted))

    def _fits(self, need: Need, target: Installed) -> bool | None:
        if not need.specifiers:
            return True
        if need.bounds is not None and target.reading is not None:
            answer = admits(need.bounds, target.reading)
            if answer is not None:
                return answer
        from packaging.version import InvalidVersion, Version

        try:
            return need.specifier.contains(Version(target.version), prereleases=True)
        except (InvalidVersion, ValueError):
            self.note(target.label, f"the version {target.version[:80]!r} is not a PEP 440 version")
            return None

    def runs(self, node: Installed) -> bool:
        """Whether Requires-Python allows the interpreter; what cannot be told is noted, and no conflict."""
        own = node.package.python
        wanted = "" if own is None else own.requires_python
        if not wanted:
            return True
        try:
            answer = self.interpreter.admitted(wanted)
        except ValueError:
            self.note(node.label, f"Requires-Python {wanted[:200]!r} is malformed")
            return True
        if answer is None:
            reason = "could not be compared: the version is not known in full"
            self.note(node.label, f"Requires-Python {wanted[:200]!r} {reason}")
        return answer is not False


def _keep(found: dict[str, Installed], package: Package, name: str, *, requested: bool) -> None:
    key = normalise(name)
    if key not in found:
        found[key] = Installed(
            key=key,
            name=name,
            version=package.version,
            reading=read_release(package.version),
            package=package,
            requested=requested,
        )
