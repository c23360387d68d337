"""`reprocheck snapshot`."""

from __future__ import annotations

import click

from reprocheck.cli import options
from reprocheck.cli.surroundings import Surroundings, surroundings
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
@click.option(
    "--integrity", is_flag=True, help="Hold every installed file against what its package says of it."
)
@click.option("--probe", is_flag=True, help="Of a running container: what its processes have loaded.")
@options.recording
@options.syft
@options.cache
@options.docker_host
@options.limit_scale
@surroundings
@options.output_file("the manifest", patterns=True)
def command(
    target: str | None,
    outputs: tuple[str, ...],
    integrity: bool,
    probe: bool,
    recording: options.Recording,
    with_syft: bool,
    use_cache: bool,
    docker_host: str | None,
    limits: Limits,
    surroundings: Surroundings,
    output_file: options.OutputFile,
) -> int:
    """Record what an environment holds; nothing of it is executed.

    TARGET is a Docker image or container (name, digest or id; docker:image:NAME and docker:container:NAME say
    which is meant when both exist), podman:NAME, docker-archive:FILE, oci-archive:FILE or oci:DIR (no daemon
    is asked), rootfs:DIR (an unpacked image), env:PREFIX (a venv or conda prefix), probe:FILE (see
    `reprocheck probe`), or nothing for this machine and the Python environment you work in.
    """
    from reprocheck.api.snapshot import SnapshotOptions, snapshot
    from reprocheck.codec import encode_manifest
    from reprocheck.model.base import replace

    beside = surroundings.beside(output_file)
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
            context=beside.context,
            probe=probe,
            integrity=integrity,
        ),
        replace(outside(limits, docker_host=docker_host, timings=recording.timings), use_cache=use_cache),
    )
    beside.write(encode_manifest(manifest))
    announce_manifest(manifest, beside.output_file)
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
