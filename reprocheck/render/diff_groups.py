"""How a diff counts what it does not show, in words that its text and its two-line form share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reprocheck.model.change import GROUPS, DiffReport, Finding
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

EFFECTS = {
    "result": "can change results",
    "break": "can break the run",
    "bytes": "bytes only",
    "symptom": "an output: the effect, not a cause",
    "none": "no effect on results known",
}
"""Strongest first."""

_GROUPS = {
    "data": "data and models",
    "code": "code",
    "command": "command and run",
    "settings": "settings and variables",
    "numeric": "numeric libraries",
    "machine": "CPU and GPU",
    "python": "other Python packages",
    "variables": "other variables",
    "system": "OS packages",
    "driver": "driver",
    "files": "files",
    "outputs": "outputs",
}
IDLE = "installed but never loaded"


def parts(report: DiffReport) -> tuple[list[Finding], list[Finding], list[Finding], list[Finding]]:
    """Return suspects, what neither run loaded, outputs, and noise, each in rank order."""
    suspects: list[Finding] = []
    idle: list[Finding] = []
    symptoms: list[Finding] = []
    noise: list[Finding] = []
    for finding in report.findings:
        if finding.noise:
            noise.append(finding)
        elif finding.effect == "symptom":
            symptoms.append(finding)
        elif finding.used == "idle":
            idle.append(finding)
        else:
            suspects.append(finding)
    return suspects, idle, symptoms, noise


def counted(findings: Iterable[Finding]) -> str:
    """Return `12 can change results, 3 bytes only`, strongest first."""
    effects = Counter[str](finding.effect for finding in findings)
    return ", ".join(f"{effects[effect]} {words}" for effect, words in EFFECTS.items() if effects[effect])


def group_lines(findings: Sequence[Finding]) -> list[str]:
    """Return one line per group, first suspects first."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.group or finding.section, []).append(finding)
    order: dict[str, int] = {group: place for place, group in enumerate(GROUPS)}
    return [
        f"  {_GROUPS.get(group, show(group))}: {plural(len(members), 'difference')} ({counted(members)})"
        for group, members in sorted(groups.items(), key=lambda g: (order.get(g[0], len(order)), g[0]))
    ]


def total(findings: Iterable[Finding]) -> int:
    """Return how many differences findings stand for, the folded ones included."""
    return sum(1 + len(finding.folded) for finding in findings)
