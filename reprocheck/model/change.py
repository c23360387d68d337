"""What differs between two manifests, before anybody says what matters."""

from __future__ import annotations

from typing import Literal, get_args

from reprocheck.model.base import Count, Stamped, Value
from reprocheck.model.forecast import Forecast
from reprocheck.model.mending import Mending
from reprocheck.model.unknown import Unknown

ChangeKind = Literal["added", "removed", "changed"]
Severity = Literal["high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""
Effect = Literal["result", "break", "bytes", "symptom", "none"]
"""Can change results > can break > bytes only; `symptom` is an output, the effect and not a cause."""
Section = Literal[
    "inputs",
    "data",
    "hub",
    "code",
    "run",
    "job",
    "environment",
    "loaded",
    "packages",
    "frameworks",
    "libraries",
    "loading",
    "pythons",
    "integrity",
    "os",
    "image",
    "host",
    "outputs",
]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""In the order in which a comparison lists them."""


Group = Literal[
    "data",
    "code",
    "command",
    "settings",
    "numeric",
    "machine",
    "python",
    "variables",
    "system",
    "driver",
    "files",
    "outputs",
]
GROUPS: tuple[Group, ...] = get_args(Group)
"""First suspects first: data, code and settings, then numeric libraries and the machine; the driver late."""


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether a finding is as bad as the threshold or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(threshold)


class Difference(Value, frozen=True, kw_only=True):
    """One difference, structured. `before` and `after` are display values, None where the side has none."""

    section: Section
    kind: ChangeKind
    name: str
    """Package name, variable name, path, or a dotted attribute such as `cpu.model`."""
    attribute: str
    """What of it: `version`, `value`, `files`, `build`, `presence`, `sha256`, ..."""
    before: str | None
    after: str | None
    type: str = ""
    """Package type for packages (`pypi`, `deb`), '' elsewhere."""
    where: str = ""
    """Environment or location that tells two equal names apart."""
    direction: Literal["upgrade", "downgrade", ""] = ""
    """For versions that can be ordered."""


class Delta(Value, frozen=True, kw_only=True):
    """All differences of two manifests, in a stable order, and what could not be compared."""

    differences: tuple[Difference, ...]
    unknowns: tuple[Unknown, ...]
    """What was not seen: unknowns of either side, sections that one side lacks, content without a hash."""
    left_out: tuple[Unknown, ...] = ()
    """What is not compared on purpose: withheld values, outputs named as volatile. Facts, not unknowns."""


class Finding(Value, frozen=True, kw_only=True):
    """A ranked difference, with why it can change results and one command that undoes it."""

    code: str
    section: str
    name: str
    before: str | None
    after: str | None
    severity: Severity
    effect: Effect
    title: str
    why: str
    fix: str
    """One command or action that turns B's side into A's; '' when there is none."""
    type: str = ""
    where: str = ""
    attribute: str = ""
    folded: tuple[str, ...] = ()
    """Names that moved only because this one's pins moved."""
    major: bool = False
    """Whether a package moved to another major version."""
    changes: str = ""
    """Address where a distribution tells its changes; taken from its METADATA, never opened."""
    used: Literal["loaded", "idle", ""] = ""
    """Whether a process of an observed run had it: `loaded` on either side; `idle` when both sides were
    observed and neither loaded it; '' when that is not known."""
    alike: tuple[str, ...] = ()
    """Names on either side that look the same and are not: Unicode look-alikes."""
    group: Group | Literal[""] = ""
    """Where it is counted when it is not shown: the house's order of suspects."""
    noise: str = ""
    """Why it stands on the list of noise; only shown on request (`--all`), and it decides no verdict."""


class Suppression(Value, frozen=True, kw_only=True):
    """Differences that somebody asked not to see; they are counted, and decide no verdict."""

    pattern: str
    """`SECTION:GLOB` as written."""
    origin: Literal["default", "configuration", "option"]
    """`default`: the list of noise, which `--all` shows."""
    count: Count


class Gap(Value, frozen=True, kw_only=True):
    """Something that a side did not capture, and that could have explained a difference."""

    what: str
    """`loaded libraries`, `GPU`, `integrity of files`, `code`, ..."""
    side: Literal["first", "second", "both"]
    remedy: str = ""
    """How to capture it: `run --observe`."""


class OutputAgreement(Value, frozen=True, kw_only=True):
    """How many outputs of two recorded runs agree."""

    compared: Count
    """Names on either side that the records do not both call volatile."""
    differing: Count
    """Of these, how many differ in content or are on one side only."""
    rewritten: Count = 0
    """Of these, how many have equal content in other bytes."""


class DiffReport(Stamped, frozen=True, kw_only=True):
    """The result of `diff`."""

    verdict: Literal["identical", "differs", "inconclusive"]
    """`inconclusive`: no difference was found, and not everything was seen."""
    findings: tuple[Finding, ...]
    """In rank order; the first is the first suspect."""
    explained: bool
    """False: nothing found can explain a difference in results."""
    unknowns: tuple[Unknown, ...]
    """What was not seen, on either side; any of it forbids `identical`."""
    left_out: tuple[Unknown, ...]
    """What is not compared on purpose: withheld values, outputs named as volatile."""
    suppressed: tuple[Suppression, ...] = ()
    gaps: tuple[Gap, ...] = ()
    forecast: Forecast | None = None
    mending: Mending | None = None
    """Only with `--fix`."""
    outputs: OutputAgreement | None = None
    """None where a side is no recorded run, or no output was compared."""
