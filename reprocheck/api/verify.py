"""Verify: re-execute a recorded run and compare what comes out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reprocheck import __version__
from reprocheck.api.assemble import see_machine
from reprocheck.api.outputs import describe_outputs
from reprocheck.api.outside import Outside
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import REDACTOR, redact_text, scan_variable
from reprocheck.engine.docker import DockerEngine
from reprocheck.engine.docker_inspect import ImageFacts
from reprocheck.engine.inputs import hash_input
from reprocheck.engine.store import Store
from reprocheck.errors import CouldNotRun, InputFault, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, field, replace
from reprocheck.model.host import Host
from reprocheck.model.manifest import Manifest, Tool
from reprocheck.model.run import Resources, RunRecord, Tolerance
from reprocheck.model.unknown import Unknown
from reprocheck.model.verdict import Receipt
from reprocheck.ports import LogSink, Runner
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

_REPO_DIGEST = re.compile(r"[a-z0-9][a-z0-9._/:-]{0,254}@sha256:[0-9a-f]{64}")
"""A reference by digest; whatever else a foreign manifest may hold there is no argument for a command."""

__all__ = ["PlannedVerification", "Policy", "Verified", "VerifyOptions", "verify"]


class VerifyOptions(Frozen, frozen=True, kw_only=True):
    """What the reader hands in, allows and changes."""

    inputs: tuple[tuple[str, str], ...] = ()
    """(path as recorded, path on this machine)."""
    policy: Policy = field(default_factory=Policy)
    unsandboxed: bool = False
    """A foreign local record may run in a plain process."""


class Verified(Frozen, frozen=True, kw_only=True):
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
    policy = replace(options.policy, foreign=foreign, secret_env=secret)
    run = manifest.run
    if run is None:
        raise UsageFault(
            "E_NO_RUN",
            "the manifest holds no run, so there is nothing to verify",
            hint="Record one with `reprocheck run`, or snapshot the container that ran.",
        )
    if run.engine == "docker" and manifest.image is None:
        raise InputFault(
            "E_DOCUMENT",
            "the manifest holds a run in a container and no image that it ran in; nothing was started",
            hint="Check where the manifest came from.",
        )
    pairs = options.inputs
    if not foreign:
        pairs = (*pairs, *_remembered(run, pairs, store.inputs_of(manifest.digests.manifest), outside))
    supplied = tuple(_supplied(path, host, run, outside) for path, host in pairs)
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


class _Verification(Frozen, frozen=True, kw_only=True):
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
        with runner.run(self.planned.plan, sink) as done:
            self.outside.progress("comparing outputs")
            found = describe_outputs(
                done.outputs(), limits=self.outside.limits, ignore_keys=self.run.ignore_keys
            )
            compared = compare_outputs(
                self.run,
                found.outputs,
                found.refused,
                tolerance=self.tolerance,
                limits=self.outside.limits,
                recorded=lambda output: self.store.fetch(output.sha256),
                observed=found.open,
            )
            outcome = done.outcome
        return Observed(outcome=outcome, outputs=found.outputs, refused=found.refused, compared=compared)

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


def _remembered(
    run: RunRecord, given: tuple[tuple[str, str], ...], places: tuple[tuple[str, str], ...], outside: Outside
) -> Iterator[tuple[str, str]]:
    """Take inputs that were not handed in from where this user's own record found them, if they lie there.

    Their hash is checked like that of any other.
    """
    lay = dict(places)
    named = {path for path, _ in given}
    for entry in run.inputs:
        host = lay.get(entry.path, "")
        if entry.path not in named and host and Path(host).exists():
            outside.progress(f"input {entry.path} from where it was recorded")
            yield entry.path, host


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
        known = manifest.source.config_digest or "an image without an id"
        raise CouldNotRun(
            "E_IMAGE_GONE",
            f"the recorded image {known} is not on this engine; nothing was started",
            hint=where_to_get(manifest.source.repo_digests),
        )
    return facts


def where_to_get(repo_digests: tuple[str, ...]) -> str:
    """Say how to get an image by the first of its digests that is one."""
    for name in repo_digests:
        if _REPO_DIGEST.fullmatch(name):
            return f"Get it with: docker pull {shlex.quote(name)}"
    return "Load it with `docker load` from the author's archive."
