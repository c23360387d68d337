"""What the second side has to mend with: package managers, environments, and a pip for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reprocheck.explain.mending_vital import SYSTEMS, has_system, vital_of
from reprocheck.explain.sides import Sides
from reprocheck.model.base import Frozen
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Tool
from reprocheck.model.package import PythonEnvironment

MANAGERS: Mapping[str, tuple[Tool, frozenset[str]]] = {
    "deb": ("apt", frozenset({"apt"})),
    "rpm": ("dnf", frozenset({"dnf", "dnf5", "dnf4"})),
    "apk": ("apk", frozenset({"apk-tools"})),
}
"""The tool of a type of package, and the packages that bring it."""


class Ground(Frozen, frozen=True, kw_only=True):
    """Both sides, with what is looked up for every difference worked out once."""

    sides: Sides
    managed: frozenset[str]
    """Types of system packages whose tool the second side has; all of them when only a document tells it."""
    pips: Mapping[str, str]
    """Version of pip by interpreter of the second side."""
    prefixes: frozenset[str]
    """Conda environments of the second side."""
    moved: str
    """Of these the one that stands for a prefix that only the first side has, '' for none."""
    vital: frozenset[tuple[str, str]]
    """Type and normalised name of what the second side's system does not run without."""
    systems: frozenset[str]
    """Types of system packages of which the first side holds a system."""
    running: frozenset[str]
    """Conda environments that hold conda itself, which the first side has nowhere."""


def ground_of(sides: Sides) -> Ground:
    """Look at the second side once."""
    here, there = _prefixes(sides.b), _prefixes(sides.a)
    names = {(p.type, p.name) for p in sides.b.packages if p.type in MANAGERS}
    managed = {kind for kind, (_, bringers) in MANAGERS.items() if any((kind, x) in names for x in bringers)}
    first, second = (
        {p.conda.prefix for p in side.packages if p.conda is not None and p.name == "conda"}
        for side in (sides.a, sides.b)
    )
    return Ground(
        sides=sides,
        managed=frozenset(managed if sides.b.source.covers is None else MANAGERS),
        pips={python.executable: pip for python in sides.b.pythons if (pip := pip_version(sides, python))},
        prefixes=here,
        moved=min(here - there) if len(here - there) == len(there - here) == 1 else "",
        vital=vital_of(sides.b.packages),
        systems=frozenset(kind for kind in SYSTEMS if has_system(kind, sides.packages_a)),
        running=frozenset() if first else frozenset(second),
    )


def pip_version(sides: Sides, python: PythonEnvironment) -> str:
    """Return the version of pip that an interpreter of the second side can import, '' for none."""
    for place in _places(python):
        found = sides.packages_b.get(("pypi", "pip", None, place))
        if found is not None:
            return found.version
    return ""


def _places(python: PythonEnvironment) -> Iterable[str]:
    return (python.executable, *python.search_path)


def _prefixes(manifest: Manifest) -> frozenset[str]:
    return frozenset(p.conda.prefix for p in manifest.packages if p.conda is not None)
