"""Verify: re-execute a recorded run and compare what comes out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import BinaryIO

from reprocheck import __version__
from reprocheck.api.assemble import see_machine
from reprocheck.api.outside import Outside
from reprocheck.artifacts import describe
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import REDACTOR, redact_text, scan_variable
from reprocheck.engine.docker import DockerEngine
from reprocheck.engine.docker_inspect import ImageFacts
from reprocheck.engine.inputs import hash_input
from reprocheck.engine.store import Store
from reprocheck.engine.writing import make_private_directory, scratch_directory
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.filetree import portable
from reprocheck.model.host import Host
from reprocheck.model.manifest import Manifest, Tool
from reprocheck.model.run import Output, Resources, RunRecord, Tolerance
from reprocheck.model.unknown import Unknown
from reprocheck.model.verdict import Receipt
from reprocheck.ports import LogSink, OutputFile, Plan, PlannedMount, RefusedOutput, Runner
from reprocheck.rerun import (
    Judgement,
    Observed,
    PlannedVerification,
    Policy,
    SuppliedInput,
    compare_outputs,
    judge,
    needs_rerun,
    plan_verification,
)

RECEIPT_VERSION = "1.0"

__all__ = ["PlannedVerification", "Policy", "Verified", "VerifyOptions", "verify"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOptions:
    """What the reader hands in, allows and changes."""

    inputs: tuple[tuple[str, str], ...] = ()
    """(path as recorded, path on this machine)."""
    policy: Policy = field(default_factory=Policy)
    unsandboxed: bool = False
    """A foreign local record may run in a plain process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A receipt and the exit code of its verdict."""

    receipt: Receipt
    exit_code: int


Confirm = Callable[[PlannedVerification, bool], None]
"""Receives the plan and whether the record is foreign; raises Refused when the reader declines."""


def verify(
    manifest: Manifest, options: VerifyOptions, outside: Outside, *, confirm: Confirm, sink: LogSink
) -> Verified:
    """Re-execute the manifest's run in its image (or, for a local record, in a plain process).

    Raises UsageFault, InputFault, Refused and CouldNotRun before anything starts; then the verdict tells.
    """
    REDACTOR.register_variables(options.policy.env)
    store = outside.store()
    assert manifest.digests is not None
    foreign = not store.wrote(manifest.digests.manifest)
    secret = frozenset(name for name, value in options.policy.env if scan_variable(name, value))
    policy = changed(options.policy, foreign=foreign, secret_env=secret)
    run = manifest.run
    if run is None:
        raise UsageFault(
            "E_NO_RUN",
            "the manifest holds no run, so there is nothing to verify",
            hint="Record one with `reprocheck run`, or snapshot the container that ran.",
        )
    supplied = tuple(_supplied(path, host, run, outside) for path, host in options.inputs)
    host, host_unknowns = see_machine(outside)
    with _runner(manifest, options, outside, foreign=foreign) as (runner, image, tools):
        planned = plan_verification(
            manifest,
            policy,
            inputs=supplied,
            image=image,
            machine_memory=host.memory_bytes,
            machine_cpus=host.cpu.allowed,
            limits=outside.limits,
        )
        confirm(planned, foreign)
        work = _Verification(
            manifest=manifest,
            run=run,
            planned=planned,
            policy=policy,
            host=host,
            store=store,
            outside=outside,
        )
        judgement, observed = work.execute(runner, sink)
    receipt = work.receipt(judgement, observed, image=image, unknowns=host_unknowns, tools=tools)
    return Verified(receipt=receipt, exit_code=judgement.exit_code)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verification:
    manifest: Manifest
    run: RunRecord
    planned: PlannedVerification
    policy: Policy
    host: Host
    store: Store
    outside: Outside

    @property
    def tolerance(self) -> Tolerance | None:
        """The one in force: the reader's if given, else the author's."""
        return self.policy.tolerance or self.run.tolerance

    def execute(self, runner: Runner, sink: LogSink) -> tuple[Judgement, tuple[Observed, ...]]:
        """Run once, and after a mismatch once more, to tell drift from chance."""
        first = self._observe(runner, sink)
        judgement = judge(self.manifest, first, host=self.host, tolerance=self.tolerance)
        if not needs_rerun(judgement):
            return judgement, (first,)
        self.outside.progress("the outputs differ; running once more to tell drift from chance")
        second = self._observe(runner, sink)
        judgement = judge(self.manifest, first, second, host=self.host, tolerance=self.tolerance)
        return judgement, (first, second)

    def _observe(self, runner: Runner, sink: LogSink) -> Observed:
        self.outside.progress("running")
        with (
            scratch_directory() as scratch,
            runner.run(_with_directories(self.planned.plan, scratch), sink) as done,
        ):
            self.outside.progress("comparing outputs")
            files: dict[str, OutputFile] = {}
            outputs: list[Output] = []
            refused: list[RefusedOutput] = []
            for file in done.outputs():
                name = portable(file.name)
                if isinstance(file, RefusedOutput):
                    refused.append(RefusedOutput(name=name, reason=file.reason))
                    continue
                try:
                    with file.open() as stream:
                        outputs.append(
                            describe(
                                name,
                                file.size,
                                stream,
                                limits=self.outside.limits,
                                ignore_keys=self.run.ignore_keys,
                            )
                        )
                    files[name] = file
                except (OSError, CouldNotRun) as error:
                    refused.append(RefusedOutput(name=name, reason=f"could not be read: {error}"))
            compared = compare_outputs(
                self.run,
                tuple(outputs),
                tuple(refused),
                tolerance=self.tolerance,
                limits=self.outside.limits,
                recorded=lambda output: self.store.fetch(output.sha256),
                observed=lambda output: _opened(files, output),
            )
            outcome = done.outcome
        return Observed(outcome=outcome, outputs=tuple(outputs), refused=tuple(refused), compared=compared)

    def receipt(
        self,
        judgement: Judgement,
        observed: tuple[Observed, ...],
        *,
        image: str,
        unknowns: tuple[Unknown, ...],
        tools: tuple[Tool, ...],
    ) -> Receipt:
        """Write down what was done and what it proves."""
        plan = self.planned.plan
        digests = self.manifest.digests
        assert digests is not None
        executions = (item.execution() for item in observed)
        return Receipt(
            schema_version=RECEIPT_VERSION,
            verdict=judgement.verdict,
            level=judgement.level,
            reason=judgement.reason,
            outputs=judgement.outputs,
            manifest=digests.manifest,
            image=image,
            engine=self.run.engine,
            relaxations=self.planned.relaxations,
            resources=Resources(
                nano_cpus=plan.nano_cpus,
                memory_bytes=plan.memory_bytes,
                shm_bytes=plan.shm_bytes,
                gpus=plan.gpus,
            ),
            ignored_outputs=judgement.ignored_outputs,
            ignored_keys=judgement.ignored_keys,
            executions=tuple(
                replace(e, log_tail=redact_text(REDACTOR.clean(e.log_tail))) for e in executions
            ),
            host=self.host,
            unknowns=unknowns,
            tools=(Tool(name="reprocheck", version=__version__), *tools),
        )


def _opened(files: Mapping[str, OutputFile], output: Output) -> AbstractContextManager[BinaryIO] | None:
    file = files.get(output.name)
    return file.open() if file is not None else None


def _with_directories(plan: Plan, scratch: str) -> Plan:
    """Give the run an empty, private directory wherever the recorded one had a mount for its outputs."""
    mounts = []
    for index, target in enumerate(plan.directories):
        source = f"{scratch}/{index}"
        make_private_directory(source)
        os.chmod(source, 0o777)  # noqa: S103 - the run may have any user; the parent is 0700
        mounts.append(PlannedMount(source=source, target=target, read_only=False))
    return changed(plan, mounts=(*plan.mounts, *mounts), directories=())


def _supplied(path: str, host: str, run: RunRecord, outside: Outside) -> SuppliedInput:
    source = outside.absolute(host)
    outside.progress(f"hashing input {path}")
    written_to = any(entry.path == path and entry.writable for entry in run.inputs)
    exclude = run.output_patterns if written_to else ()
    found = hash_input(source, path, limits=outside.limits, exclude=exclude)
    return SuppliedInput(path=path, source=source, sha256=found.sha256 or "")


@contextmanager
def _runner(
    manifest: Manifest, options: VerifyOptions, outside: Outside, *, foreign: bool
) -> Iterator[tuple[Runner, str, tuple[Tool, ...]]]:
    assert manifest.run is not None
    if manifest.run.engine == "local":
        from reprocheck.api.verify_local import local_runner

        yield local_runner(outside, foreign=foreign, unsandboxed=options.unsandboxed), "", ()
        return
    with outside.docker_engine() as engine:
        facts = _recorded_image(manifest, engine, outside.limits)
        REDACTOR.register_variables(facts.environment)
        name, _, version = facts.source.engine.partition(" ")
        yield engine.runner(), facts.id, (Tool(name=name or "engine", version=version),)


def _recorded_image(manifest: Manifest, engine: DockerEngine, limits: Limits) -> ImageFacts:
    assert manifest.image is not None
    facts = engine.find(
        manifest.image,
        config_digest=manifest.source.config_digest,
        environment=((v.name, v.value) for v in manifest.environment if v.origin == "image"),
        recorded_name=lambda name, value: describe_environment(image=((name, value),), limits=limits)[0].name,
    )
    if facts is None:
        names = manifest.source.repo_digests
        known = manifest.source.config_digest or "an image without an id"
        hint = (
            f"Get it with: docker pull {names[0]}"
            if names
            else "Load it with `docker load` from the author's archive"
        )
        raise CouldNotRun(
            "E_IMAGE_GONE",
            f"the recorded image {known} is not on this engine; nothing was started",
            hint=f"{hint}.",
        )
    return facts
