"""How a diff counts what it does not show, in words that its text and its two-line form share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reprocheck.model.change import GROUPS, DiffReport, Finding, OutputAgreement
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


def folded_names(finding: Finding) -> tuple[str, ...]:
    """Return what moved with a finding, each once.

    Another fact of the same name is `its cuda`, the same fact in another place `its version elsewhere`; what
    is there twice is `libfoo.so (2)`.
    """
    said = Counter[str](_own(name, finding) for name in finding.folded)
    return tuple(name if count == 1 else f"{name} ({count})" for name, count in said.items())


def _own(name: str, head: Finding) -> str:
    start = f"{head.name} ("
    if not (name.startswith(start) and name.endswith(")")):
        return name
    attribute = name[len(start) : -1]
    said = f"its {attribute.replace('_', ' ')}"
    return f"{said} elsewhere" if attribute == head.attribute else said


def alike_pairs(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return each pair of look-alike names once, in rank order, the one that is not plain ASCII first."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for finding in findings:
        for other in finding.alike:
            pair = (other, finding.name) if finding.name.isascii() else (finding.name, other)
            pairs.setdefault(frozenset(pair), pair)
    return list(pairs.values())


def agreed(outputs: OutputAgreement) -> str:
    """Return how many outputs of two runs agree, in words."""
    if outputs.differing:
        verb = "differs" if outputs.differing == 1 else "differ"
        return f"{outputs.differing} of {plural(outputs.compared, 'output')} {verb}"
    how = " in content" if outputs.rewritten else ""
    rest = f", {outputs.rewritten} in other bytes" if outputs.rewritten else ""
    return f"the outputs of both runs are equal{how} ({outputs.compared} compared{rest})"
