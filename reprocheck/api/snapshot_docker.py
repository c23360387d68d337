"""Snapshot of an image of Docker or podman, or of a container there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reprocheck.api.cache import Identity, see_image
from reprocheck.api.context import gather
from reprocheck.api.outside import Outside
from reprocheck.api.snapshot import SnapshotOptions, probe_needs_container
from reprocheck.api.snapshot_image import image_manifest, image_question, refuse_outputs
from reprocheck.api.targets import Target
from reprocheck.collect.secrets import REDACTOR
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
    refuse_outputs(options, reference)
    if options.probe:
        raise probe_needs_container(f"the image {reference}")
    facts = engine.image(reference)
    REDACTOR.register_variables(facts.environment)
    context = gather(options.context, outside, here=False)
    outside.progress(f"reading image {reference}")
    question = image_question(options, facts.environment)
    identity = Identity(id=facts.id, image=facts.image)
    seen = see_image(partial(engine.open_image, facts), identity, question, outside)
    return image_manifest(
        source=replace(facts.source, reader=seen.reader, reference=reference),
        image=facts.image,
        environment=facts.environment,
        sight=seen.sight,
        context=context,
        options=options,
        outside=outside,
    )
