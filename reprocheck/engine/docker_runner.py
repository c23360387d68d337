"""Runs a plan in a container of its own and lets nothing of it stay behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from reprocheck.engine.docker_changes import container_changes
from reprocheck.engine.docker_document import Document, flag, mapping, whole
from reprocheck.engine.docker_errors import translated
from reprocheck.engine.docker_guard import Guard, guard_failure
from reprocheck.engine.docker_inspect import engine_name
from reprocheck.engine.docker_log import Log
from reprocheck.engine.docker_outputs import container_outputs
from reprocheck.engine.docker_settings import host_mounts, milliseconds_of, overlay_layers
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.docker_traces import created, new_trace
from reprocheck.engine.docker_volumes import writable_volumes
from reprocheck.engine.interrupts import interrupts_deferred
from reprocheck.engine.log_tail import FirstLine, LogTail
from reprocheck.engine.observation import Observation
from reprocheck.engine.sandbox import REPORTS, build_container_config
from reprocheck.engine.writing import scratch_directory
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.run import Change
from reprocheck.model.sighting import HOOK_PLACE
from reprocheck.ports import LogSink, Outcome, OutputFile, Plan, RefusedOutput

if TYPE_CHECKING:
    from docker import APIClient

_KILLED = 137
_TINI = ("[FATAL tini (", " failed: ")
"""How docker-init says that it cannot execute the command (krallin/tini `src/tini.c`, spawn_process)."""
_CATATONIT = ("ERROR (catatonit:", "): failed to exec pid1: ")
"""The same of podman's init (openSUSE/catatonit `catatonit.c`, spawn_pid1), which ends with 1."""


class DockerFinished(Frozen, frozen=True, kw_only=True):
    """A stopped container (`ports.Finished`); valid until the context of its run is left."""

    outcome: Outcome
    client: APIClient
    container: str
    document: Document
    """Its inspection after the end."""
    plan: Plan
    limits: Limits
    scratch: str

    def outputs(self) -> Iterator[OutputFile | RefusedOutput]:
        """Files that match the plan's outputs, sorted by name. Raises CouldNotRun."""
        found = container_outputs(
            self.client,
            self.container,
            layers=overlay_layers(self.document),
            mounts=host_mounts(self.document),
            patterns=self.plan.outputs,
            limits=self.limits,
            scratch=self.scratch,
        )
        # A pattern such as /*/* must not take what is there only while the run is observed.
        yield from (file for file in found if not file.name.startswith(f"{HOOK_PLACE}/"))

    def changes(self) -> tuple[Change, ...]:
        """Changes of the writable layer that are not outputs, sorted by path. Raises CouldNotRun."""
        targets = tuple(mount.target for mount in host_mounts(self.document))
        return container_changes(self.client, self.container, outputs=self.plan.outputs, mounts=targets)


class DockerRunner:
    """Runs plans on one engine (`ports.Runner`); `observation` is for one run."""

    def __init__(self, client: APIClient, *, limits: Limits, observation: Observation | None = None) -> None:
        self._client = client
        self._limits = limits
        self._observation = observation

    @contextmanager
    def run(self, plan: Plan, sink: LogSink) -> Iterator[DockerFinished]:
        """Create, start, wait, and give what is left; on every way out the container is killed and removed.

        `sink` gets the program's output (both streams, in order of arrival) in this thread; it slows the
        program down when it is slow. Raises UsageFault (E_PLAN, E_GPUS, E_OUTPUT_DIRECTORY) and CouldNotRun:
        E_IMAGE_NOT_FOUND, E_COMMAND_NOT_FOUND, E_MOUNT_REFUSED, E_NO_GPU_RUNTIME, E_RUNTIME_REFUSED,
        E_ENGINE_REFUSED, E_DISK_FULL, E_DAEMON_LOST, E_STREAM_STALLED, E_NOT_STOPPED, E_LEFT_BEHIND; for an
        observed run also UsageFault (E_OBSERVE_REMOTE).
        """
        trace = new_trace("run")
        build_container_config(plan, labels=trace.labels)  # a plan that makes no sense is told at once
        podman = engine_name(self._client).startswith("podman")
        if plan.gpus and podman:
            raise CouldNotRun(
                "E_NO_GPU_RUNTIME",
                "podman drops a request for GPUs made through the Docker API and would run without them",
                hint="Use Docker with nvidia-container-toolkit.",
            )
        with ExitStack() as stack:
            scratch = stack.enter_context(scratch_directory())
            watch = self._observation
            observer = watch.hook_into(self._client, plan, scratch) if watch is not None else None
            more = (REPORTS,) if observer is not None else ()
            volumes = stack.enter_context(
                writable_volumes(self._client, plan, limits=self._limits, more=more)
            )
            config = build_container_config(
                plan, labels=trace.labels, volumes=volumes, ulimits=not podman, observer=observer
            )
            log = stack.enter_context(Log(self._client, limits=self._limits))
            container = stack.enter_context(created(self._client, config, trace=trace, limits=self._limits))
            outcome, document = self._execute(plan, sink, container, log)
            if watch is not None:
                watch.read_container(self._client, container, document, scratch)
            yield DockerFinished(
                outcome=outcome,
                client=self._client,
                container=container,
                document=document,
                plan=plan,
                limits=self._limits,
                scratch=scratch,
            )

    def _execute(self, plan: Plan, sink: LogSink, container: str, log: Log) -> tuple[Outcome, Document]:
        tail = LogTail()
        show = FirstLine((_TINI[0].encode(), _CATATONIT[0].encode()), sink)
        guard = Guard(
            self._client,
            container,
            seconds=plan.seconds,
            disk_bytes=plan.disk_bytes,
            limits=self._limits,
        )
        try:
            log.attach(container)
            with interrupts_deferred(), translated("starting the container"):
                self._client.start(container)
            guard.start()
            if self._observation is not None:
                self._observation.watch_container(self._client, container)
            for chunk in log.chunks(guard.ended):
                tail.add(chunk)
                show(chunk)
            guard.hurry()
            while not guard.ended.wait(timeout=1.0):
                pass
        finally:
            guard.cancel()
            if self._observation is not None:
                self._observation.stop()
        if guard.problem is not None:
            raise guard_failure(guard.problem)
        with translated("looking at the stopped container"):
            document = document_at(self._client, f"/containers/{container}/json")
        outcome = _outcome(mapping(document, "State"), guard, tail)
        _check_started(outcome, plan)
        show.release()
        return outcome, document


def _outcome(state: Document, guard: Guard, tail: LogTail) -> Outcome:
    code = whole(state, "ExitCode")
    return Outcome(
        # Stopped by us, it has no exit code of its own.
        exit_code=None if guard.cause else code,
        # The flag is of the whole container and stays set (moby#43564), so it counts only with this code.
        oom_killed=flag(state, "OOMKilled") and code == _KILLED and not guard.cause,
        timed_out=guard.cause == "time",
        disk_exceeded=guard.cause == "disk",
        duration_ms=milliseconds_of(state),
        log_tail=tail.text(),
    )


def _check_started(outcome: Outcome, plan: Plan) -> None:
    """Tell an init's failure to execute the command from a program that ended with the same code."""
    said = outcome.log_tail
    if said.count("\n") != 1:
        return
    if outcome.exit_code in (126, 127) and said.startswith(_TINI[0]):
        failed = _TINI[1]
        if f" exec {plan.argv[0]}{failed}" not in said:
            return
    elif outcome.exit_code == 1 and said.startswith(_CATATONIT[0]) and _CATATONIT[1] in said:
        failed = _CATATONIT[1]
    else:
        return
    reason = said.rpartition(failed)[2].strip()
    raise CouldNotRun(
        "E_COMMAND_NOT_FOUND",
        f"the command {plan.argv[0]!a} could not be executed in the image: {reason}",
        hint="Check the command; a command line for a shell needs one: -- sh -c '...'.",
    )
