"""Executing a run that is to be recorded, the same way on every engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reprocheck.api.assemble import NO_CONTEXT, Context, assemble, see_machine
from reprocheck.api.context import name_host
from reprocheck.api.outputs import Collected, collect_outputs
from reprocheck.api.outside import Outside
from reprocheck.api.run_options import Recorded, RunOptions
from reprocheck.api.sight import Sight
from reprocheck.artifacts.formats import unmatched_keys
from reprocheck.collect.secrets import REDACTOR
from reprocheck.engine.inputs import hash_input
from reprocheck.engine.patterns import Patterns
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.model.base import Frozen
from reprocheck.model.environment import Variable
from reprocheck.model.image import Image, Source
from reprocheck.model.run import Change, Input, Resources, RunRecord
from reprocheck.model.unknown import Unknown
from reprocheck.ports import LogSink, Outcome, Plan, PlannedMount, Runner

if TYPE_CHECKING:
    from reprocheck.api.observation import Watching
    from reprocheck.model.loaded import Loaded

NO_TIME_LIMIT = 366 * 24 * 3600


class Scene(Frozen, frozen=True, kw_only=True):
    """Everything about a run that is known before it starts."""

    source: Source
    image: Image | None
    sight: Sight
    environment: tuple[Variable, ...]
    argv: tuple[str, ...]
    working_dir: str
    user: str
    unknowns: tuple[Unknown, ...] = ()
    context: Context = NO_CONTEXT


def container_path(path: str, working_dir: str) -> str:
    """Make a declared path absolute in the container; a final `/` (an empty directory, please) is kept.

    Raises UsageFault (E_PATH, E_NOT_UNICODE).
    """
    absolute = path if path.startswith("/") else f"{(working_dir or '/').rstrip('/')}/{path}"
    try:
        absolute.encode()
    except UnicodeEncodeError:
        raise not_unicode(path) from None
    parts = [part for part in absolute.split("/") if part not in ("", ".")]
    reserved = parts[:1] in (["proc"], ["sys"], ["dev"])
    if not parts or ".." in parts or "\0" in absolute or reserved:
        raise UsageFault(
            "E_PATH", f"{path!r} cannot be an input or output path", hint="Name a path below /, without '..'."
        )
    return "/" + "/".join(parts) + ("/" if path.endswith("/") else "")


def not_unicode(text: str) -> UsageFault:
    """Say that a manifest, which is Unicode, cannot hold this text."""
    return UsageFault(
        "E_NOT_UNICODE", f"{text[:80]!a} is not valid UTF-8, and a record cannot hold it", hint="Rename it."
    )


def check_arguments(argv: tuple[str, ...]) -> None:
    """Raise UsageFault (E_NOT_UNICODE) before a run whose command could not be recorded."""
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise not_unicode(argument) from None


def check_overlap(inputs: tuple[tuple[str, str], ...], outputs: tuple[str, ...], *, both_ways: bool) -> None:
    """Raise UsageFault (E_OVERLAP) when an output lies inside an input, or (both ways) holds one.

    Inputs are read-only, so nothing can be written there; in a workspace of copies an input inside an output
    would be taken for something that the run made.
    """
    for _, target in inputs:
        place = "/" + target.strip("/")
        for pattern in outputs:
            wanted = Patterns((pattern,))
            inside = any(base == place or base.startswith(f"{place}/") for base in wanted.bases)
            if inside or (both_ways and wanted.match(place)):
                raise UsageFault(
                    "E_OVERLAP",
                    f"the output {pattern!r} and the input {target!r} overlap",
                    hint="Let the program write to a directory of its own, for example --output /out.",
                )


def hash_inputs(pairs: Iterable[tuple[str, str]], outside: Outside) -> tuple[Input, ...]:
    """Hash what is handed in, before anything starts."""
    inputs = []
    for host, target in pairs:
        outside.progress(f"hashing input {target}")
        inputs.append(hash_input(outside.absolute(host), target, limits=outside.limits))
    paths = [item.path for item in inputs]
    if len(set(paths)) != len(paths):
        raise UsageFault("E_PATH", "two inputs have the same path", hint="Give each --input its own path.")
    return tuple(sorted(inputs, key=lambda item: item.path))


def plan_run(
    options: RunOptions,
    argv: tuple[str, ...],
    outside: Outside,
    *,
    image: str,
    outputs: tuple[str, ...],
    working_dir: str,
    user: str,
    inputs: tuple[tuple[str, str], ...],
) -> Plan:
    """Turn the user's own flags into a plan."""
    return Plan(
        image=image,
        argv=argv,
        environment=options.environment,
        working_dir=working_dir,
        user=user,
        network=options.network,
        nano_cpus=options.resources.nano_cpus,
        memory_bytes=options.resources.memory_bytes,
        shm_bytes=options.resources.shm_bytes,
        gpus=options.resources.gpus,
        pids=outside.limits.processes,
        disk_bytes=outside.limits.run_disk,
        seconds=options.seconds or NO_TIME_LIMIT,
        mounts=tuple(
            PlannedMount(source=outside.absolute(host), target=target) for host, target in sorted(inputs)
        ),
        outputs=outputs,
        read_only_root=options.read_only,
        directories=tuple(path.rstrip("/") for path in outputs if path.endswith("/")),
    )


def execute(
    options: RunOptions,
    outside: Outside,
    sink: LogSink,
    runner: Runner,
    plan: Plan,
    scene: Scene,
    inputs: tuple[Input, ...],
    watching: Watching | None = None,
) -> Recorded:
    """Run the plan and make the record of it; `watching` observes it, and its runner must know of that."""
    REDACTOR.register_variables(options.environment)
    REDACTOR.register_arguments(plan.argv)
    store = outside.store()
    store.check()
    host, host_unknowns = see_machine(outside)
    outside.progress("running")
    with runner.run(plan, sink) as finished:
        outcome = finished.outcome
        outside.progress("hashing outputs")
        collected = collect_outputs(
            finished.outputs(),
            plan.outputs,
            limits=outside.limits,
            ignore_keys=options.ignore_keys,
            store=store if options.keep else None,
        )
        changes = finished.changes()
    loaded: Loaded | None = None
    missed: tuple[Unknown, ...] = ()
    if watching is not None:
        from reprocheck.api.observation import see_loaded

        loaded, missed = see_loaded(watching, scene.sight.observed, outside, changes)
    manifest = assemble(
        outside=outside,
        source=scene.source,
        image=scene.image,
        sight=scene.sight,
        environment=scene.environment,
        host=name_host(host, options.context),
        run=_record(options, plan, outcome, collected, changes, inputs),
        unknowns=(*host_unknowns, *scene.unknowns, *collected.unknowns, *missed),
        duration_ms=outcome.duration_ms,
        private=options.all_values,
        context=scene.context,
        loaded=loaded,
    )
    assert manifest.digests is not None
    unkept = collected.unkept
    try:
        kept = tuple(o.sha256 for o in collected.outputs) if options.keep and unkept is None else ()
        store.remember(manifest.digests.manifest, kept)
        store.place_inputs(manifest.digests.manifest, tuple((m.target, m.source) for m in plan.mounts))
    except CouldNotRun as error:
        unkept = error
    return Recorded(
        manifest=manifest,
        outcome=outcome,
        missing=collected.missing,
        idle_keys=unmatched_keys(collected.outputs, options.ignore_keys),
        unkept=_record_only(unkept) if unkept is not None else None,
    )


def _record_only(problem: CouldNotRun) -> CouldNotRun:
    return CouldNotRun(
        problem.code,
        f"the record is whole, but copies of its outputs could not be kept: {problem.message}",
        hint=problem.hint,
    )


def _record(
    options: RunOptions,
    plan: Plan,
    outcome: Outcome,
    collected: Collected,
    changes: tuple[Change, ...],
    inputs: tuple[Input, ...],
) -> RunRecord:
    local = options.engine == "local"
    return RunRecord(
        engine=options.engine,
        argv=plan.argv,
        working_dir=plan.working_dir,
        user=plan.user,
        # a plain process has this machine's network and none of the limits
        network="unknown" if local else plan.network,
        resources=Resources() if local else options.resources,
        inputs=inputs,
        output_patterns=plan.outputs,
        outputs=collected.outputs,
        exit_code=outcome.exit_code,
        oom_killed=outcome.oom_killed,
        timed_out=outcome.timed_out,
        ignore_outputs=options.ignore_outputs,
        ignore_keys=options.ignore_keys,
        tolerance=options.tolerance,
        changes=changes,
        fresh=True,
    )
