"""Verdicts, the exit code each ends in, and the documents that carry them."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Digest, Stamped, Value
from reprocheck.model.host import Host
from reprocheck.model.manifest import Tool
from reprocheck.model.run import Output, Resources
from reprocheck.model.unknown import Unknown

Verdict = Literal[
    "identical",
    "within-noise",
    "within-tolerance",
    "drift",
    "nondeterministic",
    "did-not-run",
    "not-comparable",
]

Level = Literal["L0", "L1", "L2", "L3", "L4", "none"]
"""Highest step reached: raw bytes, canonical container, tensors bitwise, tolerance, metric interval."""

OutputVerdict = Literal["identical", "within-tolerance", "differs", "missing", "extra", "ignored", "unknown"]


class ComparedOutput(Value, frozen=True, kw_only=True):
    """One output of the re-execution against the recorded one."""

    name: str
    verdict: OutputVerdict
    level: Level
    reason: str = ""
    """Why the climb stopped: first differing tensor or key, with both values."""
    recorded_sha256: str = ""
    observed_sha256: str = ""
    recorded_size: Count | None = None
    observed_size: Count | None = None
    ignored_keys: tuple[str, ...] = ()
    """Keys found in it and left out because the manifest names them as volatile; none for equal bytes."""


class Execution(Value, frozen=True, kw_only=True):
    """One re-execution."""

    exit_code: int | None
    oom_killed: bool = False
    timed_out: bool = False
    disk_exceeded: bool = False
    duration_ms: Count | None = None
    outputs: tuple[Output, ...] = ()
    log_tail: str = ""
    """Last lines of the program's output when it failed; redacted."""


class Relaxation(Value, frozen=True, kw_only=True):
    """Something that this verification allowed or changed; it stands beside the verdict."""

    what: str
    """`network`, `env`, `gpus`, `memory`, `unsandboxed`, ..."""
    value: str


class Receipt(Stamped, frozen=True, kw_only=True):
    """The result of one `verify`."""

    verdict: Verdict
    level: Level
    reason: str
    """One sentence: why this verdict."""
    outputs: tuple[ComparedOutput, ...]
    manifest: Digest
    image: str
    """Config digest of the image that ran; '' for the local engine and where nothing was executed."""
    engine: str
    """`docker`, `local`; `none` where outputs that lay there already were compared."""
    relaxations: tuple[Relaxation, ...]
    resources: Resources
    ignored_outputs: Count
    ignored_keys: Count
    executions: tuple[Execution, ...]
    host: Host | None
    unknowns: tuple[Unknown, ...]
    tools: tuple[Tool, ...]


def exit_code(verdict: Verdict, *, program_failed: bool = False) -> int:
    """Map a verdict to the process's exit code.

    `program_failed` tells the two kinds of `did-not-run` apart: the command ran and failed where the recorded
    one succeeded (1), or we could not run it at all (3).
    """
    match verdict:
        case "identical" | "within-noise" | "within-tolerance":
            return 0
        case "drift":
            return 1
        case "did-not-run":
            return 1 if program_failed else 3
        case "nondeterministic" | "not-comparable":
            return 4
