"""Both manifests, indexed for the fixes."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.explain.judging import normal_name
from reprocheck.model.base import Frozen, replace
from reprocheck.model.change import Difference
from reprocheck.model.environment import Variable
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

Index = Mapping[tuple[str, str, str | None, str], Package]
"""By type, normalised name, version (None for any) and place ('' for any)."""


class Sides(Frozen, frozen=True, kw_only=True):
    """Both manifests, with what fixes look up in them."""

    a: Manifest
    b: Manifest
    packages_a: Index
    packages_b: Index
    values: frozenset[tuple[str, str | None]]
    """Names and values of the recorded variables of `a`."""
    variables_a: Mapping[str, tuple[Variable, ...]]
    variables_b: Mapping[str, tuple[Variable, ...]]
    renamed: Mapping[str, str]
    """The one interpreter that only `a` has to the one that only `b` has."""

    def about(self, d: Difference) -> Sides:
        """Return the same with the variables of one name alone: ten thousand are not searched each time."""
        if d.section != "environment":
            return self
        return replace(
            self,
            a=replace(self.a, environment=self.variables_a.get(d.name, ())),
            b=replace(self.b, environment=self.variables_b.get(d.name, ())),
        )

    def before(self, d: Difference) -> Package | None:
        """Return the package of `a` that a difference is about."""
        return _find(self.packages_a, d, d.before)

    def after(self, d: Difference) -> Package | None:
        """Return the package of `b` that a difference is about."""
        return _find(self.packages_b, d, d.after)

    def interpreter(self, d: Difference) -> str:
        """Return the interpreter of `b` whose package differs, '' when it cannot be told."""
        here = {python.executable for python in self.b.pythons}
        places = [d.where]
        for package in (self.after(d), self.before(d)):
            if package is not None and package.python is not None:
                places += [package.python.environment, self.renamed.get(package.python.environment, "")]
        return next((place for place in places if place in here), min(here) if len(here) == 1 else "")

    def prefix(self, d: Difference) -> str:
        """Return the conda prefix of `b` whose package differs, '' when it cannot be told."""
        here = {package.conda.prefix for package in self.b.packages if package.conda is not None}
        condas = [package.conda for package in (self.after(d), self.before(d)) if package is not None]
        places = [conda.prefix for conda in condas if conda is not None]
        return next((place for place in places if place in here), min(here) if len(here) == 1 else "")


def sides_of(a: Manifest, b: Manifest) -> Sides:
    """Index both manifests once."""
    only_a = {p.executable for p in a.pythons} - {p.executable for p in b.pythons}
    only_b = {p.executable for p in b.pythons} - {p.executable for p in a.pythons}
    return Sides(
        a=a,
        b=b,
        packages_a=_index(a),
        packages_b=_index(b),
        values=frozenset((v.name, v.value) for v in a.environment if v.state == "recorded"),
        variables_a=_by_name(a.environment),
        variables_b=_by_name(b.environment),
        renamed={min(only_a): min(only_b)} if len(only_a) == len(only_b) == 1 else {},
    )


def _by_name(variables: tuple[Variable, ...]) -> dict[str, tuple[Variable, ...]]:
    names: dict[str, list[Variable]] = {}
    for variable in variables:
        names.setdefault(variable.name, []).append(variable)
    return {name: tuple(found) for name, found in names.items()}


def _index(manifest: Manifest) -> Index:
    index: dict[tuple[str, str, str | None, str], Package] = {}
    for package in sorted(manifest.every_package, key=lambda p: (p.version, p.purl, _places(p))):
        name = normal_name(package.type, package.name)
        for version in (package.version, None):
            for place in (*_places(package), ""):
                index.setdefault((package.type, name, version, place), package)
    return index


def _find(index: Index, d: Difference, value: str | None) -> Package | None:
    if d.attribute == "presence" and value is None:
        return None
    version = value if d.attribute in ("version", "presence") else None
    kind, name = d.type, normal_name(d.type, d.name)
    return index.get((kind, name, version, d.where)) or index.get((kind, name, version, ""))


def _places(package: Package) -> tuple[str, ...]:
    if package.python is not None:
        return (package.python.environment, package.python.location)
    return (package.conda.prefix,) if package.conda is not None else (package.architecture,)
