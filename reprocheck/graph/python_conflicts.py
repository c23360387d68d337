"""Conflicts of one Python environment, each with its causes and the smallest change that mends it."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from reprocheck.graph import rules
from reprocheck.graph.paths import adjacency, chain_to, components, fold, shortest_cycle, shortest_ways
from reprocheck.graph.python import Link, PythonGraph
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.installing import pip_of, wanted
from reprocheck.model.manifest import Manifest

MOST_SPECIFIERS = 64
"""Distinct constraints on one package that are compared pairwise; with more, pip is left to find out."""

MOST_COMPARISONS = 1_000_000
"""Pairs of constraints that are compared in one environment; after that a cause names one side only."""


def find_conflicts(graph: PythonGraph) -> tuple[Conflict, ...]:
    """Give the failing requirements, the wrong interpreters and the cycles of one environment."""
    return _Examination(graph).conflicts()


def find_duplicates(manifest: Manifest) -> tuple[Conflict, ...]:
    """Give the projects that one directory holds twice (PKG-301)."""
    seen: dict[tuple[str, str], dict[str, tuple[str, str, bool, str]]] = defaultdict(dict)
    for package in manifest.every_package:
        own = package.python
        if own is not None and own.location:
            key = (own.location, canonicalize_name(package.name))
            known = seen[key].get(own.metadata)
            effective = own.effective or (known is not None and known[2])
            environment = own.environment if known is None else min(known[3], own.environment)
            seen[key][own.metadata] = (package.name, package.version, effective, environment)
    found = []
    for (location, _), copies in sorted(seen.items()):
        if len(copies) < 2:
            continue
        name, version, _, environment = min(copies.values(), key=lambda c: (not c[2], c[1], c[0]))
        listed = ", ".join(f"{copies[metadata][1]} ({metadata})" for metadata in sorted(copies))
        found.append(
            Conflict(
                code=rules.DUPLICATE.code,
                kind="duplicate",
                severity=rules.DUPLICATE.severity,
                package=name,
                requirement=f"one {name} in {location}",
                found=listed,
                causes=(),
                broken=False,
                fix=f"Delete the stale metadata directory in {location}, then: "
                f"{pip_of(environment, manifest.pythons)} install --force-reinstall --no-deps "
                + wanted(f"{name}=={version}", name=name, version=version),
                environment=environment,
                type="pypi",
            )
        )
    return tuple(found)


class _Examination:
    """Holds what every conflict of one environment needs: who asks for what, and the way from a root."""

    def __init__(self, graph: PythonGraph) -> None:
        self.graph = graph
        self.edges = adjacency(graph.installed, ((link.parent, link.target) for link in graph.links))
        wanted = {link.target for link in graph.links if link.parent != link.target}
        roots = [k for k, node in graph.installed.items() if node.requested or k not in wanted]
        self.tree = shortest_ways(self.edges, roots)
        self.asking: dict[str, list[Link]] = defaultdict(list)
        for link in graph.links:
            self.asking[link.target].append(link)
        self.budget = MOST_COMPARISONS
        self.constraints: dict[str, dict[str, SpecifierSet]] = {}
        self.joint: dict[str, SpecifierSet | None] = {}

    def conflicts(self) -> tuple[Conflict, ...]:
        failing = [self._unmet(link) for link in self.graph.links if not link.present or link.fits is False]
        wrong = [self._wrong_python(key) for key in self.graph.wrong_python]
        return (*failing, *wrong, *self._cycles())

    def _cause(self, link: Link) -> Cause:
        return Cause(
            requirement=link.need.display,
            parent=self.graph.installed[link.parent].label,
            chain=self._chain(link.parent),
        )

    def _chain(self, key: str) -> tuple[str, ...]:
        installed = self.graph.installed
        return tuple(installed[n].label if n in installed else n for n in chain_to(self.tree, key))

    def _unmet(self, link: Link) -> Conflict:
        parent = self.graph.installed[link.parent]
        target = self.graph.installed.get(link.target)
        against = self._opposed(link)
        pins = bool(link.need.pin) and any(other.need.pin for other in against)
        rule = rules.MISSING if target is None else rules.PINS if pins else rules.UNSATISFIED
        return Conflict(
            code=rule.code,
            kind="missing" if target is None else "unsatisfied",
            severity=rule.severity,
            package=parent.name,
            requirement=link.need.display,
            found="" if target is None else target.version,
            causes=(self._cause(link), *(self._cause(other) for other in against)),
            broken=True,
            fix=self._fix(link, against),
            environment=self.graph.executable,
            type="pypi",
        )

    def _constraints(self, target: str) -> dict[str, SpecifierSet]:
        """Distinct constraints on one package, by text."""
        if target not in self.constraints:
            asked = (link.need.specifier for link in self.asking[target])
            self.constraints[target] = {str(one): one for one in asked if len(one)}
        return self.constraints[target]

    def _opposed(self, link: Link) -> tuple[Link, ...]:
        """Give the first maker of each constraint that no version can meet together with this one."""
        constraints = self._constraints(link.target)
        if not len(link.need.specifier) or len(constraints) > MOST_SPECIFIERS:
            return ()
        self.budget -= len(constraints)
        if self.budget < 0:
            return ()
        own = link.need.specifier
        opposed = {text for text, other in constraints.items() if other.is_disjoint(own)}
        first: dict[str, Link] = {}
        for other in self.asking[link.target]:
            text = str(other.need.specifier)
            if text in opposed and other is not link:
                first.setdefault(text, other)
        return tuple(sorted(first.values(), key=lambda a: (a.parent, a.need.display)))

    def _joint(self, target: str) -> SpecifierSet | None:
        """Give the constraint that meets everybody's, None when no version can."""
        if target not in self.joint:
            joint = SpecifierSet("")
            for specifier in self._constraints(target).values():
                joint &= specifier
            self.joint[target] = None if joint.is_unsatisfiable() else joint
        return self.joint[target]

    def _fix(self, link: Link, against: tuple[Link, ...]) -> str:
        name = link.need.display.partition("[")[0] if link.need.extras else self._name(link)
        extras = f"[{','.join(link.need.extras)}]" if link.need.extras else ""
        if len(self._constraints(link.target)) > MOST_SPECIFIERS:
            return self._install(name, extras, link.need.specifier)
        joint = self._joint(link.target)
        if joint is not None:
            return self._install(name, extras, _simplest(joint))
        makers = [link, *against] if against else self.asking[link.target]
        demands = "; ".join(
            f"{self.graph.installed[a.parent].label} needs {a.need.display}" for a in makers[:8]
        )
        more = f"; {len(makers) - 8} more" if len(makers) > 8 else ""
        return (
            f"No version of {name} satisfies all: {demands}{more}. "
            "Choose other versions of these packages, or separate environments."
        )

    def _install(self, name: str, extras: str, specifier: SpecifierSet) -> str:
        local = min((one.version for one in specifier if "+" in one.version), default="")
        requirement = f"{name}{extras}{_text(specifier)}"
        return f"{self.graph.pip} install {wanted(requirement, name=name, version=local)}"

    def _name(self, link: Link) -> str:
        target = self.graph.installed.get(link.target)
        return target.name if target is not None else link.target

    def _wrong_python(self, key: str) -> Conflict:
        node = self.graph.installed[key]
        assert node.package.python is not None
        wanted = node.package.python.requires_python
        return Conflict(
            code=rules.WRONG_PYTHON.code,
            kind="requires-python",
            severity=rules.WRONG_PYTHON.severity,
            package=node.name,
            requirement=f"Python {wanted}",
            found=self.graph.python_version,
            causes=(Cause(requirement=f"Python {wanted}", parent=node.label, chain=self._chain(key)),),
            broken=True,
            fix=f"Use Python {wanted}, or a release of {node.name} for Python {self.graph.python_version}.",
            environment=self.graph.executable,
            type="pypi",
        )

    def _cycles(self) -> list[Conflict]:
        needs = {(link.parent, link.target): link for link in reversed(self.graph.links)}
        found = []
        for component in components(self.edges):
            cycle = shortest_cycle(self.edges, component)
            names = fold(tuple(self.graph.installed[key].name for key in cycle))
            steps = [needs[a, b] for a, b in pairwise(cycle)][:16]
            found.append(
                Conflict(
                    code=rules.CYCLE.code,
                    kind="cycle",
                    severity=rules.CYCLE.severity,
                    package=names[0],
                    requirement=" -> ".join(names),
                    found=f"{len(component)} packages require each other",
                    causes=tuple(self._cause(step) for step in steps),
                    broken=False,
                    fix="",
                    environment=self.graph.executable,
                    type="pypi",
                )
            )
        return found


def _simplest(specifier: SpecifierSet) -> SpecifierSet:
    """Return a joint constraint without what is implied."""
    return specifier.to_range().to_specifier_set() or specifier


def _text(specifier: SpecifierSet) -> str:
    """Write a constraint, lower bound first."""
    order = {"==": 0, "===": 0, "~=": 1, ">=": 2, ">": 2, "<": 3, "<=": 3, "!=": 4}
    return ",".join(str(s) for s in sorted(specifier, key=lambda s: (order.get(s.operator, 5), s.version)))
