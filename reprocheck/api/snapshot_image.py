"""What snapshots of images have in common, whether an engine keeps the image or a file."""

from __future__ import annotations

from reprocheck.api.assemble import Context, assemble, see_machine
from reprocheck.api.cache import Question
from reprocheck.api.context import name_host
from reprocheck.api.outside import Outside
from reprocheck.api.sight import DEFAULT_PATH, Sight
from reprocheck.api.snapshot import SnapshotOptions
from reprocheck.collect.environment import describe_environment
from reprocheck.errors import UsageFault
from reprocheck.model.image import Image, Source
from reprocheck.model.manifest import Manifest


def refuse_outputs(options: SnapshotOptions, reference: str) -> None:
    """Refuse `--output` for an image. Raises UsageFault (E_OUTPUTS_NEED_CONTAINER)."""
    if options.outputs:
        raise UsageFault(
            "E_OUTPUTS_NEED_CONTAINER",
            f"--output was given, but {reference} is an image: nothing has run in it",
            hint="Name the container that ran, or use `reprocheck run`.",
        )


def image_question(options: SnapshotOptions, environment: tuple[tuple[str, str], ...]) -> Question:
    """Say how to look at an image that declares these variables."""
    declared = dict(environment)
    return Question(
        with_syft=options.with_syft,
        integrity=options.integrity,
        path_variable=declared.get("PATH", DEFAULT_PATH),
        library_path=declared.get("LD_LIBRARY_PATH", ""),
    )


def image_manifest(
    *,
    source: Source,
    image: Image,
    environment: tuple[tuple[str, str], ...],
    sight: Sight,
    context: Context,
    options: SnapshotOptions,
    outside: Outside,
) -> Manifest:
    """Return the sealed manifest of an image and of the machine that it was looked at on."""
    host, host_unknowns = see_machine(outside)
    return assemble(
        outside=outside,
        source=source,
        image=image,
        sight=sight,
        environment=describe_environment(
            image=environment,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        host=name_host(host, options.context),
        unknowns=host_unknowns,
        private=options.all_values,
        context=context,
    )
