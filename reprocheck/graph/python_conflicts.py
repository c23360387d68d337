"""Conflicts of one Python environment, each with its causes and the smallest change that mends it."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from reprocheck.graph import rules
from reprocheck.graph.paths import adjacency, chain_to, components, fold, shortest_cycle, shortest_ways
from reprocheck.graph.python import Installed, Link, PythonGraph
from reprocheck.graph.tags import judge, platform_of
from reprocheck.model.conflict import Cause, Conflict, ConflictKind
from reprocheck.model.manifest import Manifest
from reprocheck.model.rule import Rule
from reprocheck.model.unknown import Unknown

if TYPE_CHECKING:
    from reprocheck.graph.paths import Tree
    from reprocheck.graph.solving import Solver

MOST_STEPS = 16
"""Steps of a cycle that are told as causes."""


class Examination:
    """Holds what every conflict of one environment needs: who asks for what, and the way from a root."""

    def __init__(self, graph: PythonGraph, manifest: Manifest) -> None:
        """Take an evaluated environment and the manifest that it is of."""
        self.graph = graph
        self.manifest = manifest
        self.edges = adjacency(graph.installed, ((link.parent, link.target) for link in graph.links))
        wanted = {link.target for link in graph.links if link.parent != link.target}
        self.roots = tuple(k for k, node in graph.installed.items() if node.requested or k not in wanted)
        self.marked: set[str] = set()
        """Keys of the distributions that a conflict is about."""
        self.unfit: set[str] = set(graph.wrong_python)
        """Keys of the distributions that do not fit the interpreter themselves."""
        self.unknowns: list[Unknown] = []

    def conflicts(self) -> tuple[Conflict, ...]:
        """Give the failing requirements, the wrong interpreters and wheels, and the cycles."""
        failing = [self._unmet(link) for link in self.graph.links if link.fails]
        wrong = [self._wrong_python(key) for key in self.graph.wrong_python]
        return (*failing, *wrong, *self._misfits(), *self._cycles())

    @cached_property
    def tree(self) -> Tree:
        """The shortest ways from the roots; nothing is searched in an environment without a conflict."""
        return shortest_ways(self.edges, self.roots)

    @cached_property
    def asking(self) -> dict[str, list[Link]]:
        """Who asks for a package, by its key."""
        found: dict[str, list[Link]] = defaultdict(list)
        for link in self.graph.links:
            found[link.target].append(link)
        return found

    @cached_property
    def install(self) -> str:
        """How a distribution is installed into this environment."""
        from reprocheck.model.installing import pip_command

        return pip_command("install", self.graph.executable, self.manifest)

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
        solution = self.solver.solve(link)
        pins = bool(link.need.pin) and any(other.need.pin for other in solution.against)
        rule = rules.MISSING if target is None else rules.PINS if pins else rules.UNSATISFIED
        return Conflict(
            code=rule.code,
            kind="missing" if target is None else "unsatisfied",
            severity=rule.severity,
            package=parent.name,
            requirement=link.need.display,
            found="" if target is None else target.version,
            causes=(self._cause(link), *(self._cause(other) for other in solution.against)),
            broken=True,
            fix=solution.fix,
            environment=self.graph.executable,
            type="pypi",
            extra=link.extra,
            minimal=tuple(self._cause(one) for one in solution.minimal),
            solution=solution.answer,
            change=solution.change,
        )

    @cached_property
    def solver(self) -> Solver:
        """Imported for the first failing requirement only: it brings `packaging` along."""
        from reprocheck.graph.solving import Solver

        return Solver(self.graph, self.asking, self.install)

    def _wrong_python(self, key: str) -> Conflict:
        node = self.graph.installed[key]
        assert node.package.python is not None
        wanted = node.package.python.requires_python
        version = self.graph.python.version
        return self._own(
            node,
            rules.WRONG_PYTHON,
            kind="requires-python",
            requirement=f"Python {wanted}",
            found=version,
            fix=f"Use Python {wanted}, or a release of {node.name} for Python {version}.",
        )

    def _misfits(self) -> list[Conflict]:
        """Wheels of another platform, as `pip check` tells them since pip 24.2."""
        platform = platform_of(self.graph.python, self.graph.interpreter, self.manifest)
        found = []
        for key, node in self.graph.installed.items():
            own = node.package.python
            judged = judge(own.tags, platform) if own is not None and own.tags else ""
            if judged is None:
                reason = f"whether its wheel {own.tags[0][:100] if own else ''!r} fits could not be told"
                self.unknowns.append(Unknown(section="graph", where=node.label, reason=reason))
            elif judged:
                self.unfit.add(key)
                found.append(
                    self._own(
                        node,
                        rules.WHEEL,
                        kind="wheel-tag",
                        requirement=f"{judged}",
                        found=str(platform),
                        fix=f"{self.install} --force-reinstall --no-deps --no-cache-dir {node.key}"
                        f"=={node.version}, or use an image that the wheel was built for.",
                    )
                )
        return found

    def _own(
        self, node: Installed, rule: Rule, *, kind: ConflictKind, requirement: str, found: str, fix: str
    ) -> Conflict:
        """Give a conflict of a distribution with its interpreter."""
        cause = Cause(requirement=requirement, parent=node.label, chain=self._chain(node.key))
        return Conflict(
            code=rule.code,
            kind=kind,
            severity=rule.severity,
            package=node.name,
            requirement=requirement,
            found=found,
            causes=(cause,),
            broken=True,
            fix=fix,
            environment=self.graph.executable,
            type="pypi",
        )

    def _cycles(self) -> list[Conflict]:
        found = []
        for component in components(self.edges):
            cycle = shortest_cycle(self.edges, component)
            names = fold(tuple(self.graph.installed[key].name for key in cycle))
            steps = [self._needs[a, b] for a, b in pairwise(cycle[: MOST_STEPS + 1])]
            if len(cycle) <= MOST_STEPS:  # nobody reads the picture of a longer one
                self.marked.update(cycle)
            found.append(
                Conflict(
                    code=rules.CYCLE.code,
                    kind="cycle",
                    severity=rules.CYCLE.severity,
                    package=names[0],
                    requirement=" → ".join(names),
                    found=f"{len(component)} packages require each other",
                    causes=tuple(self._cause(step) for step in steps),
                    broken=False,
                    fix="",
                    environment=self.graph.executable,
                    type="pypi",
                )
            )
        return found

    @cached_property
    def _needs(self) -> dict[tuple[str, str], Link]:
        return {(link.parent, link.target): link for link in reversed(self.graph.links)}
