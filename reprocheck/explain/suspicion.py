"""How strongly a difference is suspected: its rule, its effect, and its place in the ranking."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Literal

from reprocheck.explain.tables import rules
from reprocheck.model import change
from reprocheck.model.base import Frozen
from reprocheck.model.change import SEVERITIES, Difference, Effect, Severity

_SEPARATORS = re.compile(r"[-_.]+")
EFFECTS: tuple[Effect, ...] = ("result", "break", "bytes", "none", "symptom")


class Group(IntEnum):
    """The order of suspects with equal effect (rules of the house: data first, driver late, outputs last)."""

    DATA = 0
    CODE = 1
    COMMAND = 2
    FLAGS = 3
    NUMERIC = 4
    MACHINE = 5
    PYTHON = 6
    VARIABLES = 7
    SYSTEM = 8
    DRIVER = 9
    FILES = 10
    OUTPUTS = 11


SHOWN: dict[Group, change.Group] = {
    Group.DATA: "data",
    Group.CODE: "code",
    Group.COMMAND: "command",
    Group.FLAGS: "settings",
    Group.NUMERIC: "numeric",
    Group.MACHINE: "machine",
    Group.PYTHON: "python",
    Group.VARIABLES: "variables",
    Group.SYSTEM: "system",
    Group.DRIVER: "driver",
    Group.FILES: "files",
    Group.OUTPUTS: "outputs",
}
"""How a report names the groups."""


class Suspicion(Frozen, frozen=True, kw_only=True):
    """One judged difference."""

    difference: Difference
    code: str
    effect: Effect
    severity: Severity
    group: Group
    weight: int
    why: str
    used: Literal["loaded", "idle", ""] = ""
    alike: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Sorts the first suspect first; total, so that the order never depends on anything else.

        What neither observed run loaded comes behind all that one of them did.
        """
        d = self.difference
        effect, severity = EFFECTS.index(self.effect), SEVERITIES.index(self.severity)
        # How a name is spelled decides only between what nothing else tells apart.
        spelled = _SEPARATORS.sub("-", d.name.lower())
        place = (d.section, d.type, spelled, d.name, d.where, d.attribute, d.before or "", d.after or "")
        return (self.used == "idle", effect, self.group, -self.weight, severity, *place)


def suspect(
    difference: Difference,
    code: str,
    group: Group,
    *,
    weight: int = 50,
    effect: Effect | None = None,
    severity: Severity | None = None,
    why: str = "",
) -> Suspicion:
    """Judge by a rule; what is not given is taken from the rule."""
    rule = _BY_CODE[code]
    return Suspicion(
        difference=difference,
        code=code,
        effect=effect or rule.effect,
        severity=severity or rule.severity,
        group=group,
        weight=weight,
        why=why or rule.why,
    )


_BY_CODE = {rule.code: rule for rule in rules()}


def title_of(code: str) -> str:
    """Return the title of a rule."""
    return _BY_CODE[code].title
