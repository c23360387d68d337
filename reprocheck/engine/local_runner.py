"""Runs a plan as a plain process on this machine, for people without Docker. Nothing is sandboxed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from reprocheck.engine.copying import copy_tree
from reprocheck.engine.log_tail import LogTail
from reprocheck.engine.observation import Observation
from reprocheck.engine.outputs import directory_outputs
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.process import supervise
from reprocheck.engine.writing import make_private_directory, scratch_directory
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.run import Change
from reprocheck.ports import Finished, LogSink, Outcome, OutputFile, Plan, RefusedOutput


class LocalFinished(Frozen, frozen=True, kw_only=True):
    """A local run that has ended; its workspace can still be read."""

    outcome: Outcome
    files: tuple[OutputFile | RefusedOutput, ...]

    def outputs(self) -> Iterator[OutputFile | RefusedOutput]:
        """Files that match the plan's outputs, sorted by name."""
        return iter(self.files)

    def changes(self) -> tuple[Change, ...]:
        """Nothing: there is no image that a change could be told against."""
        return ()


class LocalRunner:
    """A `ports.Runner` without a container.

    The program runs as this user, in its own session, in a new workspace that holds copies of the plan's
    mounts. It can read and write whatever this user can. Of the plan's limits only the time is enforced:
    memory, CPUs, GPUs, pids, disk, shared memory, network, user and the read-only root are NOT (RLIMIT_AS is
    no substitute for a memory limit: it counts reserved addresses, and PyTorch reserves far more than it
    uses). A process that leaves its session on purpose (a daemon) is not found again.
    """

    def __init__(
        self, *, limits: Limits, environ: Mapping[str, str], observation: Observation | None = None
    ) -> None:
        self._limits = limits
        self._environ = dict(environ)
        self._observation = observation

    @contextmanager
    def run(self, plan: Plan, sink: LogSink) -> Iterator[Finished]:
        """Run the plan. `working_dir` and every mount target are paths relative to the workspace.

        Raises UsageFault (E_LOCAL_PATH, E_OUTPUT_PATTERN), CouldNotRun (E_COMMAND_NOT_FOUND), and what
        copying the mounts or reading the outputs raises. Leaving the context removes workspace and temporary
        files.
        """
        Patterns(plan.outputs)  # a pattern that makes no sense is told before the work, not after it
        with scratch_directory() as workspace, scratch_directory() as temporary:
            # By target, so that a mount inside another finds its parent.
            for mount in sorted(plan.mounts, key=lambda mount: mount.target):
                target = _inside(workspace, mount.target, "the mount target")
                make_private_directory(str(Path(target).parent))
                copy_tree(mount.source, target, limits=self._limits)
            for path in plan.directories:
                make_private_directory(_inside(workspace, path, "the directory"))
            directory = _inside(workspace, plan.working_dir or ".", "the working directory")
            make_private_directory(directory)
            # Temporary files of the program are neither outputs nor left on this machine.
            environ = {**self._environ, "TMPDIR": temporary, **dict(plan.environment)}
            watch = self._observation
            observed = watch.local(environ, private=(workspace, temporary)) if watch else nullcontext(environ)
            with observed as environ:
                outcome = _execute(plan, directory, environ, sink)
            files = tuple(directory_outputs(workspace, "", plan.outputs, limits=self._limits))
            yield LocalFinished(outcome=outcome, files=files)


def _inside(workspace: str, path: str, what: str) -> str:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    place = os.path.join(workspace, *parts)
    # Links in what was copied in may lead anywhere, so the real place counts.
    base = os.path.realpath(workspace)
    outside = os.path.commonpath((base, os.path.realpath(place))) != base if "\0" not in path else True
    if path.startswith("/") or ".." in parts or outside:
        raise UsageFault(
            "E_LOCAL_PATH",
            f"{what} {path!a} does not lie inside the workspace of a local run; nothing was started",
            hint="Give a relative path without '..', or use --engine docker.",
        )
    return place


def _execute(plan: Plan, directory: str, environ: Mapping[str, str], sink: LogSink) -> Outcome:
    tail = LogTail()

    def forward(chunk: bytes) -> None:
        tail.add(chunk)
        sink(chunk)

    started = time.monotonic()
    try:
        ending = supervise(
            plan.argv, seconds=plan.seconds, environ=environ, cwd=directory, stdout=forward, stderr=None
        )
    except CouldNotRun as error:
        if error.code != "E_TOOL_MISSING":
            raise
        raise CouldNotRun(
            "E_COMMAND_NOT_FOUND",
            f"the command could not be started in the workspace: {error.message}",
            hint="Check its spelling and PATH; a script of yours must be handed in with --input.",
        ) from None
    code: int | None = ending.returncode if ending.returncode >= 0 else 128 - ending.returncode
    return Outcome(
        exit_code=None if ending.timed_out else code,
        timed_out=ending.timed_out,
        duration_ms=int((time.monotonic() - started) * 1000),
        log_tail=tail.text(),
    )
