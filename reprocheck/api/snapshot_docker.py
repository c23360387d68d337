"""Snapshot of a Docker image, or of a container that somebody started by plain `docker run`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from reprocheck.api.assemble import assemble, see_machine
from reprocheck.api.docker import Engine, docker_engine
from reprocheck.api.execution import container_path
from reprocheck.api.outputs import Collected, collect_outputs
from reprocheck.api.outside import Outside
from reprocheck.api.sight import look
from reprocheck.api.snapshot import DEFAULT_PATH, SnapshotOptions
from reprocheck.collect import wanted
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import withhold_arguments
from reprocheck.engine.docker_changes import container_changes
from reprocheck.engine.docker_inspect import (
    ContainerFacts,
    HostMount,
    classify,
    inspect_container,
    inspect_image,
)
from reprocheck.engine.docker_view import open_container, open_image
from reprocheck.engine.inputs import hash_input
from reprocheck.engine.outputs import literal_base
from reprocheck.engine.store import Store, state_directory
from reprocheck.errors import ReprocheckError, UsageFault
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import Input, Mount, RunRecord
from reprocheck.model.unknown import Unknown


def snapshot_docker(reference: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    """Return the manifest of an image or a container; nothing is started, paused or signalled."""
    with docker_engine(outside) as engine:
        kind, name = classify(engine.client, reference)
        if kind == "image":
            return _image(engine, name, options, outside)
        return _container(engine, name, options, outside)


def _image(engine: Engine, reference: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    if options.outputs:
        raise UsageFault(
            "E_OUTPUTS_NEED_CONTAINER",
            f"--output was given, but {reference} is an image: nothing has run in it",
            hint="Name the container that ran, or use `reprocheck run`.",
        )
    facts = inspect_image(engine.client, reference)
    outside.progress(f"reading image {reference}")
    with open_image(engine.client, facts, wants=wanted, limits=outside.limits) as (view, reader):
        path_variable = dict(facts.environment).get("PATH", DEFAULT_PATH)
        sight = look(view, outside, with_syft=options.with_syft, path_variable=path_variable)
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=replace(facts.source, reader=reader, reference=reference),
        image=facts.image,
        sight=sight,
        environment=describe_environment(
            image=facts.environment,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=host,
        unknowns=host_unknowns,
        private=options.all_values,
    )


def _container(engine: Engine, reference: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    facts = inspect_container(engine.client, reference)
    patterns = tuple(container_path(path, facts.working_dir) for path in options.outputs)
    outside.progress(f"reading container {reference}")
    with open_container(engine.client, facts, wants=wanted, limits=outside.limits) as (view, reader):
        path_variable = dict(facts.environment).get("PATH", DEFAULT_PATH)
        sight = look(view, outside, with_syft=options.with_syft, path_variable=path_variable)
    collected = _outputs(engine, facts, patterns, options, outside)
    inputs, mounts, mount_unknowns = _mounts(engine, facts, patterns, outside)
    argv, withheld = withhold_arguments(facts.argv)
    run = RunRecord(
        engine="docker",
        argv=argv,
        withheld_arguments=withheld,
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
        changes=container_changes(
            engine.client, facts.id, outputs=patterns, mounts=tuple(mount.target for mount in facts.mounts)
        ),
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
            container=facts.environment,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=host,
        run=run,
        unknowns=(*host_unknowns, *collected.unknowns, *mount_unknowns, *_absent(collected)),
        duration_ms=facts.duration_ms,
        private=options.all_values,
    )
    assert manifest.digests is not None
    store = Store(state_directory(outside.environ))
    store.remember(manifest.digests.manifest, tuple(o.sha256 for o in run.outputs) if options.keep else ())
    return manifest


def _absent(collected: Collected) -> Iterator[Unknown]:
    for pattern in collected.missing:
        yield Unknown(section="outputs", where=pattern, reason="no file of the container matches it")
