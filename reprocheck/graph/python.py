"""The Python dependency graph of one interpreter: what is installed, what it requires, what fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprocheck.graph.interpreter import Interpreter, describe_interpreter
from reprocheck.graph.requirement import Need, RequirementReader
from reprocheck.model.installing import pip_of
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

Note = Callable[[str, str], None]
"""Takes where and why a reading failed."""


@dataclass(kw_only=True, slots=True)
class Installed:
    """One effective distribution of an environment while the graph is built."""

    key: str
    """Normalised name."""
    name: str
    version: str
    parsed: Version | None
    package: Package
    requested: bool
    extras: set[str] = field(default_factory=set)
    """Extras that some other distribution asks for."""

    @property
    def label(self) -> str:
        """`name version`, as causes write it."""
        return f"{self.name} {self.version}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A requirement that applies. `fits` is None when the installed version cannot be compared."""

    parent: str
    target: str
    need: Need
    present: bool
    fits: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonGraph:
    """One environment, evaluated."""

    executable: str
    pip: str
    """How its pip is called."""
    installed: dict[str, Installed]
    """By normalised name, in name order."""
    links: tuple[Link, ...]
    """Sorted by parent, target and requirement."""
    wrong_python: tuple[str, ...]
    """Keys of the distributions whose Requires-Python the interpreter does not meet."""
    python_version: str
    unknowns: tuple[Unknown, ...]


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
    interpreter = describe_interpreter(python, manifest)
    installed = effective_distributions(manifest, python)
    unknowns: dict[tuple[str, str], Unknown] = {}

    def note(where: str, reason: str) -> None:
        unknowns.setdefault((where, reason), Unknown(section="graph", where=where, reason=reason))

    needs = {key: tuple(_needs(node, reader, note)) for key, node in installed.items()}
    links: dict[tuple[str, str], Link] = {}
    queue = deque(installed)
    waiting = set(installed)
    while queue:
        key = queue.popleft()
        waiting.discard(key)
        node = installed[key]
        extras = tuple(sorted(node.extras))
        for line, need in needs[key]:
            applies = interpreter.holds(need.marker, extras)
            if applies is None:
                note(
                    node.label, f"the marker of {line[:200]!r} could not be evaluated for {python.executable}"
                )
            if not applies or (key, line) in links:
                continue
            links[key, line] = _link(key, need, installed.get(need.name), note)
            target = installed.get(need.name)
            if target is not None and not target.extras.issuperset(need.extras):
                target.extras.update(need.extras)
                if target.key not in waiting:
                    waiting.add(target.key)
                    queue.append(target.key)
    wrong = tuple(key for key, node in installed.items() if not _python_fits(node, interpreter, note))
    return PythonGraph(
        executable=python.executable,
        pip=pip_of(python.executable, manifest.pythons),
        installed=installed,
        links=tuple(sorted(links.values(), key=lambda a: (a.parent, a.target, a.need.display))),
        wrong_python=wrong,
        python_version=python.version,
        unknowns=tuple(unknowns[k] for k in sorted(unknowns)),
    )


def _keep(found: dict[str, Installed], package: Package, name: str, *, requested: bool) -> None:
    key = canonicalize_name(name)
    if key in found:
        return
    try:
        parsed = Version(package.version)
    except ValueError:
        parsed = None
    found[key] = Installed(
        key=key, name=name, version=package.version, parsed=parsed, package=package, requested=requested
    )


def _needs(node: Installed, reader: RequirementReader, note: Note) -> Iterator[tuple[str, Need]]:
    own = node.package.python
    for line in sorted(set(own.requires)) if own is not None else ():
        need = reader.read(line)
        if isinstance(need, str):
            note(node.label, f"the requirement {line[:200]!r} {need}")
        else:
            yield line, need


def _link(parent: str, need: Need, target: Installed | None, note: Note) -> Link:
    fits: bool | None = None
    if target is not None:
        if not len(need.specifier):
            fits = True
        elif target.parsed is not None:
            fits = need.specifier.contains(target.parsed, prereleases=True)
        else:
            note(target.label, f"the version {target.version[:80]!r} is not a PEP 440 version")
    return Link(parent=parent, target=need.name, need=need, present=target is not None, fits=fits)


def _python_fits(node: Installed, interpreter: Interpreter, note: Note) -> bool:
    own = node.package.python
    wanted = "" if own is None else own.requires_python
    if not wanted:
        return True
    try:
        specifier = SpecifierSet(wanted)
        answers = {specifier.contains(version, prereleases=True) for version in interpreter.versions}
    except (InvalidSpecifier, InvalidVersion, ValueError):
        note(node.label, f"Requires-Python {wanted[:200]!r} is malformed")
        return True
    if len(answers) != 1:
        note(
            node.label,
            f"Requires-Python {wanted[:200]!r} could not be compared: the version is not known in full",
        )
        return True
    return answers.pop()
