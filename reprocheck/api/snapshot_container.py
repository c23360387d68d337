"""Snapshot of a container that somebody started by plain `docker run`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from reprocheck.api.assemble import assemble, see_machine
from reprocheck.api.context import gather, name_host
from reprocheck.api.execution import container_path
from reprocheck.api.observation import probe
from reprocheck.api.outputs import Collected, collect_outputs
from reprocheck.api.outside import Outside
from reprocheck.api.sight import DEFAULT_PATH, interest, look
from reprocheck.api.snapshot import SnapshotOptions
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import REDACTOR
from reprocheck.engine.docker import DockerEngine
from reprocheck.engine.docker_inspect import ContainerFacts
from reprocheck.engine.docker_settings import HostMount
from reprocheck.engine.inputs import hash_input
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.writing import scratch_directory
from reprocheck.errors import CouldNotRun, ReprocheckError
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Input, Mount, RunRecord
from reprocheck.model.unknown import Unknown


def snapshot_container(
    engine: DockerEngine, reference: str, options: SnapshotOptions, outside: Outside
) -> Manifest:
    """Return the manifest of a container as it is now; its files are never taken from a cache."""
    facts = engine.container(reference)
    REDACTOR.register_variables(facts.environment)
    REDACTOR.register_arguments(facts.argv)
    patterns = tuple(container_path(path, facts.working_dir) for path in options.outputs)
    context = gather(options.context, outside, here=False, variables=facts.environment)
    outside.progress(f"reading container {reference}")
    wanted = interest(digests=options.integrity, limits=outside.limits)
    with engine.open_container(facts, wanted) as (view, reader):
        sight = look(
            view,
            outside,
            with_syft=options.with_syft,
            integrity=options.integrity,
            path_variable=dict(facts.environment).get("PATH", DEFAULT_PATH),
            library_path=dict(facts.environment).get("LD_LIBRARY_PATH", ""),
        )
        loaded, unseen = probe(engine, facts, view, sight.observed, outside) if options.probe else (None, ())
    collected = _outputs(engine, facts, patterns, options, outside)
    inputs, mounts, mount_unknowns = _mounts(engine, facts, patterns, outside)
    run = RunRecord(
        engine="docker",
        argv=facts.argv,
        working_dir=facts.working_dir or "/",
        user=facts.user,
        network=facts.network,
        resources=facts.resources,
        inputs=inputs,
        output_patterns=patterns,
        outputs=collected.outputs,
        exit_code=None if facts.running else facts.exit_code,
        oom_killed=facts.oom_killed,
        ignore_outputs=options.ignore_outputs,
        ignore_keys=options.ignore_keys,
        mounts=mounts,
        changes=engine.changes(facts, outputs=patterns),
        privileged_run=facts.privileged,
    )
    host, host_unknowns = see_machine(outside)
    manifest = assemble(
        outside=outside,
        source=replace(facts.image.source, kind="container", reader=reader, reference=reference),
        image=facts.image.image,
        sight=sight,
        environment=describe_environment(
            image=facts.image.environment,
            # The engine lists the image's own among the container's.
            container=tuple(pair for pair in facts.environment if pair not in facts.image.environment),
            unset=facts.unset,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=name_host(host, options.context),
        run=run,
        unknowns=(*host_unknowns, *collected.unknowns, *mount_unknowns, *_absent(collected), *unseen),
        duration_ms=facts.duration_ms,
        private=options.all_values,
        context=context,
        loaded=loaded,
    )
    assert manifest.digests is not None
    if collected.unkept is not None:
        raise collected.unkept
    kept = tuple(output.sha256 for output in run.outputs) if options.keep else ()
    outside.store().remember(manifest.digests.manifest, kept)
    return manifest


def _outputs(
    engine: DockerEngine,
    facts: ContainerFacts,
    patterns: tuple[str, ...],
    options: SnapshotOptions,
    outside: Outside,
) -> Collected:
    if not patterns:
        return Collected(outputs=(), unknowns=(), missing=())
    if facts.running:
        reason = "the container is running; outputs are read only after it has stopped"
        unknowns = tuple(Unknown(section="outputs", where=pattern, reason=reason) for pattern in patterns)
        return Collected(outputs=(), unknowns=unknowns, missing=())
    outside.progress("hashing outputs")
    with scratch_directory() as scratch:
        files = engine.outputs(facts, patterns, scratch=scratch)
        return collect_outputs(
            files,
            patterns,
            limits=outside.limits,
            ignore_keys=options.ignore_keys,
            store=outside.store() if options.keep else None,
        )


def _mounts(
    engine: DockerEngine, facts: ContainerFacts, patterns: tuple[str, ...], outside: Outside
) -> tuple[tuple[Input, ...], tuple[Mount, ...], tuple[Unknown, ...]]:
    """Hash what was mounted in at its source, outputs left out; say what could not be read."""
    inputs: list[Input] = []
    mounts: list[Mount] = []
    unknowns: list[Unknown] = []
    wanted = Patterns(patterns) if patterns else None
    for mount in facts.mounts:
        if wanted is not None and wanted.match(mount.target):
            role: Literal["input", "output", "unread"] = "output"
        elif mount.kind == "tmpfs":
            role = "unread"  # empty at the start by nature: a fact, not an unknown
        else:
            try:
                found = _mounted_input(engine, mount, patterns, outside)
                # Nothing but declared outputs lies in it: it was handed in to be written to.
                only_outputs = (
                    found.writable
                    and found.files == 0
                    and wanted is not None
                    and wanted.reaches(mount.target)
                )
                role = "output" if only_outputs else "input"
                inputs.extend(() if only_outputs else (found,))
            except ReprocheckError as error:
                role = "unread"
                unknowns.append(Unknown(section="inputs", where=mount.target, reason=error.message))
        mounts.append(Mount(target=mount.target, kind=mount.kind, writable=mount.writable, role=role))
    return tuple(inputs), tuple(mounts), tuple(unknowns)


def _mounted_input(
    engine: DockerEngine, mount: HostMount, patterns: tuple[str, ...], outside: Outside
) -> Input:
    if not engine.shares_our_disk:
        raise CouldNotRun(
            "E_REMOTE_MOUNT",
            "its source lies on the engine's machine and cannot be read from here",
            hint="Take the snapshot on the machine that the container ran on.",
        )
    outside.progress(f"hashing mount {mount.target}")
    exclude = patterns if mount.writable else ()
    found = hash_input(mount.source, mount.target, limits=outside.limits, exclude=exclude)
    return replace(found, writable=mount.writable)


def _absent(collected: Collected) -> Iterator[Unknown]:
    for pattern in collected.missing:
        yield Unknown(section="outputs", where=pattern, reason="no file of the container matches it")
