"""Constraints on one package: which of them cannot hold together, and what satisfies them all.

Everything is decided on version ranges (PEP 440 through `packaging`), so it holds for every version that may
ever exist, not only for those that somebody released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from packaging.specifiers import SpecifierSet

from reprocheck.graph.python import Link, PythonGraph
from reprocheck.model.base import Frozen

MOST_SPECIFIERS = 64
"""Distinct constraints on one package that are solved; with more, pip is left to find out."""

LONGEST = 1024
"""Characters of one constraint that is solved."""

MOST_COMPARISONS = 1_000_000
"""Pairs of constraints that are compared in one environment; after that nothing more is worked out."""


MOST_NAMED = 8
"""Requirements that one fix names."""


class Constraints:
    """The distinct constraints on one package, by their text, in the order of their text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(sorted({text for text in texts if text}))
        self.solvable = len(self.texts) <= MOST_SPECIFIERS and all(len(t) <= LONGEST for t in self.texts)
        self._sets: dict[str, SpecifierSet] = {}
        self._core: tuple[str, ...] | None = None
        self._joint: SpecifierSet | None = None

    def joint(self) -> SpecifierSet | None:
        """Give the constraint that meets all of them; None when no version can."""
        if self._joint is None:
            self._joint = self._all(self.texts)
        return None if self._joint.is_unsatisfiable() else self._joint

    def change(self) -> str:
        """Write the joint constraint without what is implied (`>=1.26,<2`); '' when nothing is asked."""
        joint = self.joint()
        return "" if joint is None else write(joint.to_range().to_specifier_set() or joint)

    def holds(self, own: str) -> bool:
        """Whether some version meets this constraint alone (`>=2,<1` is met by none)."""
        return not self._set(own).is_unsatisfiable()

    def opposed(self, own: str) -> tuple[str, ...]:
        """Give each constraint that no version can meet together with this one."""
        return tuple(text for text in self.texts if text != own and self._excludes(own, text))

    def core(self) -> tuple[str, ...]:
        """Give a smallest set of constraints that no version can meet: without any one of them, one could.

        Shrunk by deletion, the last ones first; empty when some version meets them all.
        """
        if self._core is None:
            kept = list(self.texts) if self.joint() is None else []
            for text in reversed(self.texts if kept else ()):
                without = [other for other in kept if other != text]
                if self._all(without).is_unsatisfiable():
                    kept = without
            self._core = tuple(kept)
        return self._core

    def _excludes(self, a: str, b: str) -> bool:
        return (self._set(a) & self._set(b)).is_unsatisfiable()

    def _set(self, text: str) -> SpecifierSet:
        if text not in self._sets:
            self._sets[text] = SpecifierSet(text)
        return self._sets[text]

    def _all(self, texts: Iterable[str]) -> SpecifierSet:
        return SpecifierSet(",".join(texts))


def write(specifier: SpecifierSet) -> str:
    """Write a constraint, lower bound first."""
    order = {"==": 0, "===": 0, "~=": 1, ">=": 2, ">": 2, "<": 3, "<=": 3, "!=": 4}
    return ",".join(str(s) for s in sorted(specifier, key=lambda s: (order.get(s.operator, 5), s.version)))


class Solution(Frozen, frozen=True, kw_only=True):
    """What can be done about one failing requirement."""

    against: tuple[Link, ...] = ()
    """The first maker of each constraint that no version can meet together with this one."""
    minimal: tuple[Link, ...] = ()
    """The smallest set of requirements that cannot hold together."""
    answer: Literal["version", "none", ""] = ""
    change: str = ""
    fix: str = ""


class Solver:
    """Solves the failing requirements of one environment, each package's constraints once."""

    def __init__(self, graph: PythonGraph, asking: Mapping[str, list[Link]], install: str) -> None:
        """Take an environment, who asks for each package, and how something is installed there."""
        self._graph = graph
        self._asking = asking
        self._command = install
        self._budget = MOST_COMPARISONS
        self._known: dict[str, Constraints] = {}

    def solve(self, link: Link) -> Solution:
        """Find out who stands against a requirement and what satisfies everybody."""
        name, bracket = self._name(link), f"[{','.join(link.need.extras)}]" if link.need.extras else ""
        own = link.need.constraint
        constraints = self._constraints(link.target)
        self._budget -= len(constraints.texts)
        if not constraints.solvable or self._budget < 0:
            return Solution(fix=self._install(name, bracket, own))
        if constraints.joint() is not None:
            change = constraints.change()
            return Solution(
                answer="version", change=f"{name}{bracket}{change}", fix=self._install(name, bracket, change)
            )
        against: tuple[Link, ...] = ()
        if constraints.holds(own):
            against = self._makers(link, constraints.opposed(own))
            minimal = (link, *against[:1]) if against else self._makers(link, constraints.core(), keep=True)
        else:
            minimal = (link,)
        demands = [f"{self._graph.installed[a.parent].label} needs {a.need.display}" for a in minimal]
        more = f"; {len(demands) - MOST_NAMED} more" if len(demands) > MOST_NAMED else ""
        fix = (
            f"No version of {name} satisfies all: {'; '.join(demands[:MOST_NAMED])}{more}. "
            "Choose other versions of these packages, or separate environments."
        )
        return Solution(against=against, minimal=minimal, answer="none", fix=fix)

    def _constraints(self, target: str) -> Constraints:
        if target not in self._known:
            found = Constraints(link.need.constraint for link in self._asking[target])
            if found.solvable:
                self._budget -= len(found.texts) ** 2
            self._known[target] = found
        return self._known[target]

    def _makers(self, link: Link, texts: tuple[str, ...], *, keep: bool = False) -> tuple[Link, ...]:
        """Give the first maker of each constraint; `keep` lets the link itself stand for its own."""
        first: dict[str, Link] = (
            {link.need.constraint: link} if keep and link.need.constraint in texts else {}
        )
        for other in self._asking[link.target]:
            if other.need.constraint in texts and other is not link:
                first.setdefault(other.need.constraint, other)
        return tuple(sorted(first.values(), key=lambda a: (a.parent, a.need.display)))

    def _install(self, name: str, bracket: str, constraint: str) -> str:
        from reprocheck.model.installing import wanted

        local = min((part.lstrip("=") for part in constraint.split(",") if "+" in part), default="")
        return f"{self._command} {wanted(f'{name}{bracket}{constraint}', name=name, version=local)}"

    def _name(self, link: Link) -> str:
        if link.need.extras:
            return link.need.display.partition("[")[0]
        target = self._graph.installed.get(link.target)
        return target.name if target is not None else link.target
