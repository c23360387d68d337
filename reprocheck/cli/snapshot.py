"""`reprocheck snapshot`."""

from __future__ import annotations

import click

from reprocheck.cli import options
from reprocheck.cli.results import check_target, write_result
from reprocheck.cli.terminal import announce, outside
from reprocheck.limits import Limits


@click.command("snapshot")
@click.argument("target", metavar="[TARGET]", required=False)
@click.option(
    "--output",
    "outputs",
    metavar="PATH",
    multiple=True,
    help="An output of the run, as the container knows it: file, directory or glob. Repeatable.",
)
@options.recording
@options.syft
@options.docker_host
@options.limit_scale
@options.output_file("the manifest")
def command(
    target: str | None,
    outputs: tuple[str, ...],
    recording: options.Recording,
    with_syft: bool,
    docker_host: str | None,
    limits: Limits,
    output_file: options.OutputFile,
) -> int:
    """Record what an environment holds; nothing of it is executed.

    TARGET is a Docker image or container (name, digest or id), rootfs:DIR, env:PREFIX (a venv or conda
    prefix), or nothing for this machine and the Python environment you work in. docker:image:NAME and
    docker:container:NAME say which is meant when both exist.
    """
    from reprocheck.api.snapshot import SnapshotOptions, snapshot
    from reprocheck.codec import encode_manifest

    check_target(output_file)
    manifest = snapshot(
        target,
        SnapshotOptions(
            outputs=outputs,
            env_values=recording.env_values,
            all_values=recording.all_values,
            ignore_outputs=recording.ignore_outputs,
            ignore_keys=recording.ignore_keys,
            keep=recording.keep,
            with_syft=with_syft,
        ),
        outside(limits, docker_host=docker_host, timings=recording.timings),
    )
    write_result(encode_manifest(manifest), output_file)
    announce_manifest(manifest, output_file)
    return 4 if manifest.unknowns else 0


def announce_manifest(manifest: object, output_file: options.OutputFile) -> None:
    """Say in one line what was recorded, and what was not seen."""
    from reprocheck.model.manifest import Manifest
    from reprocheck.render.wording import plural, unknown_lines

    assert isinstance(manifest, Manifest)
    where = f" → {output_file.path}" if output_file.path not in (None, "-") else ""
    announce(f"{plural(len(manifest.packages), 'package')}, {len(manifest.unknowns)} unknown{where}")
    for line in unknown_lines(manifest.unknowns):
        announce(line)
