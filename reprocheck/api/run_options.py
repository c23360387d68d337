"""What a recorded run is asked for, and what comes of it."""

from __future__ import annotations

from typing import Literal

from reprocheck.api.context import ContextOptions
from reprocheck.errors import CouldNotRun
from reprocheck.model.base import Frozen, field
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import EngineKind, IgnoredKey, Resources, Tolerance
from reprocheck.ports import Outcome

_NO_NETWORK = (
    "name resolution",
    "network is unreachable",
    "could not resolve",
    "failed to resolve",
    "getaddrinfo",
    "nodename nor servname",
    "connectionerror",
    "max retries exceeded",
)
"""What programs say, in lower case, when they look for a network and find none."""


class RunOptions(Frozen, frozen=True, kw_only=True):
    """What `reprocheck run` was asked for."""

    engine: EngineKind
    image: str
    command: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    """(path on this machine, path for the program)."""
    outputs: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    resources: Resources = field(default_factory=Resources)
    user: str | None = None
    working_dir: str | None = None
    network: Literal["none", "bridge"] = "none"
    read_only: bool = False
    seconds: int | None = None
    ignore_outputs: tuple[str, ...] = ()
    ignore_keys: tuple[IgnoredKey, ...] = ()
    tolerance: Tolerance | None = None
    env_values: frozenset[str] = frozenset()
    all_values: bool = False
    keep: bool = True
    with_syft: bool = True
    context: ContextOptions = field(default_factory=ContextOptions)
    observe: bool = False
    """Record what the processes of the run really load."""


class Recorded(Frozen, frozen=True, kw_only=True):
    """A recorded run, how it ended, and declared outputs that it did not make."""

    manifest: Manifest
    outcome: Outcome
    missing: tuple[str, ...]
    idle_keys: tuple[IgnoredKey, ...] = ()
    """Keys that --ignore-key names and no output has."""
    unkept: CouldNotRun | None = None
    """Why this machine could not keep the copies of its outputs; the record itself is whole."""

    def ending(self) -> tuple[int, str]:
        """Return the exit code of `reprocheck run` and what to say; the record is kept in every case."""
        outcome = self.outcome
        if outcome.timed_out:
            return 3, "the run was stopped by --timeout; the record is kept"
        if outcome.oom_killed:
            return 3, "the run was killed for memory; the record is kept; give it more with --memory"
        if outcome.disk_exceeded:
            return 3, "the run was stopped: it wrote more than the disk limit; raise it with --limit-scale"
        if outcome.exit_code != 0:
            return 1, f"the program exited {outcome.exit_code}; the record is kept{self._advice()}"
        if self.missing:
            return (
                1,
                f"the program made nothing like --output {', '.join(self.missing)}; the record is kept",
            )
        return (4, "something was not seen; the record says what") if self.manifest.unknowns else (0, "")

    def _advice(self) -> str:
        """Say what of the sandbox the program's last words point to, if anything."""
        run, words = self.manifest.run, self.outcome.log_tail.lower()
        if run is None or run.engine == "local":
            return ""
        if run.network == "none" and any(sign in words for sign in _NO_NETWORK):
            return "; it had no network: --network bridge gives it one"
        if "permission denied" in words:
            return (
                "; even root has no capabilities here and cannot open files of others that are closed to it: "
                "open them (chmod -R o+rX) or run as their owner with --user"
            )
        return ""
