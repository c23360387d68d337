"""Snapshot of an image of Docker or podman, or of a container there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reprocheck.api.assemble import assemble, see_machine
from reprocheck.api.cache import Identity, Question, see_image
from reprocheck.api.context import gather, name_host
from reprocheck.api.outside import Outside
from reprocheck.api.sight import DEFAULT_PATH
from reprocheck.api.snapshot import SnapshotOptions, probe_needs_container
from reprocheck.api.targets import Target
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import REDACTOR
from reprocheck.errors import UsageFault
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest

if TYPE_CHECKING:
    from reprocheck.engine.docker import DockerEngine


def snapshot_docker(target: Target, options: SnapshotOptions, outside: Outside) -> Manifest:
    """Return the manifest of an image or a container; nothing is started, paused or signalled."""
    with outside.docker_engine(podman=target.scheme == "podman") as engine:
        if (target.kind or engine.classify(target.reference)) == "image":
            return _image(engine, target.reference, options, outside)
        # Most snapshots are of images, and what a container needs beside takes its time to be imported.
        from reprocheck.api.snapshot_container import snapshot_container

        return snapshot_container(engine, target.reference, options, outside)


def _image(engine: DockerEngine, reference: str, options: SnapshotOptions, outside: Outside) -> Manifest:
    if options.outputs:
        raise UsageFault(
            "E_OUTPUTS_NEED_CONTAINER",
            f"--output was given, but {reference} is an image: nothing has run in it",
            hint="Name the container that ran, or use `reprocheck run`.",
        )
    if options.probe:
        raise probe_needs_container(f"the image {reference}")
    facts = engine.image(reference)
    REDACTOR.register_variables(facts.environment)
    context = gather(options.context, outside, here=False)
    outside.progress(f"reading image {reference}")
    declared = dict(facts.environment)
    question = Question(
        with_syft=options.with_syft,
        integrity=options.integrity,
        path_variable=declared.get("PATH", DEFAULT_PATH),
        library_path=declared.get("LD_LIBRARY_PATH", ""),
    )
    identity = Identity(id=facts.id, image=facts.image)
    seen = see_image(partial(engine.open_image, facts), identity, question, outside)
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=replace(facts.source, reader=seen.reader, reference=reference),
        image=facts.image,
        sight=seen.sight,
        environment=describe_environment(
            image=facts.environment,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=name_host(host, options.context),
        unknowns=host_unknowns,
        private=options.all_values,
        context=context,
    )
