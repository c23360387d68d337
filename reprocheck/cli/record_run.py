"""`reprocheck run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprocheck.cli import options
from reprocheck.cli.snapshot import announce_manifest
from reprocheck.cli.surroundings import Surroundings, surroundings
from reprocheck.cli.terminal import Echo, announce, outside
from reprocheck.cli.tolerances import tolerance_options
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from reprocheck.api.run_options import Recorded
    from reprocheck.model.run import Resources, Tolerance


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.option(
    "--image", metavar="IMAGE", default="", help="Image to run in: name, digest or id; never pulled."
)
@click.option(
    "--engine",
    type=click.Choice(("docker", "local")),
    default="docker",
    show_default=True,
    help="'local' runs a plain process: nothing is sandboxed.",
)
@click.option(
    "--input",
    "inputs",
    metavar="HOST:PATH",
    multiple=True,
    help="Code or data, mounted read-only at PATH and hashed. Repeatable.",
)
@click.option(
    "--output",
    "outputs",
    metavar="PATH",
    multiple=True,
    help="What the run makes: file, directory or glob. Repeatable.",
)
@options.environment("Set an environment variable of the run; its value is recorded. Repeatable.")
@options.resources(" that it may use")
@click.option("--user", metavar="USER", help="User in the container; the image's by default.")
@click.option("--workdir", metavar="DIR", help="Working directory; the image's by default.")
@click.option(
    "--network",
    type=click.Choice(("none", "bridge")),
    default="none",
    show_default=True,
    help="What is fetched during a run cannot be verified later.",
)
@click.option("--read-only", is_flag=True, help="Make the root file system read-only.")
@click.option(
    "--timeout",
    "seconds",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Stop the run after this time.",
)
@click.option(
    "--observe", is_flag=True, help="Record the libraries and modules that its processes really load."
)
@tolerance_options("sealed in the manifest for every later verify")
@options.recording
@options.syft
@options.cache
@options.docker_host
@options.limit_scale
@surroundings
@options.output_file("the run manifest", default="run.json", patterns=True)
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
def command(
    image: str,
    engine: str,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    environment: tuple[tuple[str, str], ...],
    resources: Resources,
    user: str | None,
    workdir: str | None,
    network: str,
    read_only: bool,
    seconds: int | None,
    observe: bool,
    tolerance: Tolerance | None,
    recording: options.Recording,
    with_syft: bool,
    use_cache: bool,
    docker_host: str | None,
    limits: Limits,
    surroundings: Surroundings,
    output_file: options.OutputFile,
    program: tuple[str, ...],
) -> int:
    """Run a training in an image and record it.

    The same sandbox as `verify`: all capabilities dropped, no new privileges, no network unless asked for, a
    root file system that is thrown away. The program's output is shown as it comes.
    """
    from reprocheck.api.record import run
    from reprocheck.api.run_options import RunOptions
    from reprocheck.codec import encode_manifest
    from reprocheck.model.base import replace

    _check_engine(engine, image)
    beside = surroundings.beside(output_file)
    if engine == "local":
        announce("running in a plain process: nothing is sandboxed; of the limits only --timeout applies")
    echo = Echo(to_stderr=beside.output_file.path == "-")
    recorded = run(
        RunOptions(
            engine="local" if engine == "local" else "docker",
            image=image,
            command=program,
            inputs=tuple(_input(item, engine) for item in inputs),
            outputs=outputs,
            environment=environment,
            resources=resources,
            user=user,
            working_dir=workdir,
            network="bridge" if network == "bridge" else "none",
            read_only=read_only,
            seconds=seconds,
            observe=observe,
            ignore_outputs=recording.ignore_outputs,
            ignore_keys=recording.ignore_keys,
            tolerance=tolerance,
            env_values=recording.env_values,
            all_values=recording.all_values,
            keep=recording.keep,
            with_syft=with_syft,
            context=beside.context,
        ),
        replace(outside(limits, docker_host=docker_host, timings=recording.timings), use_cache=use_cache),
        echo,
    )
    if beside.output_file.path == "-":
        echo.check()
    beside.write(encode_manifest(recorded.manifest))
    return _conclude(recorded, beside.output_file, keep=recording.keep)


def _check_engine(engine: str, image: str) -> None:
    if engine == "docker" and not image:
        raise click.UsageError("--image is needed (or --engine local for a plain process)")
    if engine == "local" and image:
        raise click.UsageError("--image and --engine local exclude each other")


def _conclude(recorded: Recorded, output_file: options.OutputFile, *, keep: bool) -> int:
    """Say how it went and where things lie; return the exit code."""
    from reprocheck.render.wording import plural

    announce_manifest(recorded.manifest, output_file)
    run = recorded.manifest.run
    if keep and recorded.unkept is None and run is not None and run.outputs:
        where = output_file.path if output_file.path != "-" else "MANIFEST"
        count = plural(len(run.outputs), "output")
        announce(f"{count} kept; copy them out with: reprocheck store get {where} DIRECTORY")
    for key in recorded.idle_keys:
        announce(f"--ignore-key {key.file}:{key.key} names nothing in the outputs")
    code, words = recorded.ending()
    if words:
        announce(words)
    if recorded.unkept is not None:
        raise recorded.unkept
    return code


def _input(item: str, engine: str) -> tuple[str, str]:
    if engine == "local" and ":" not in item:
        return item, item
    if item.endswith(":rw"):
        raise click.BadParameter(f"{item!r}: inputs are read-only; what is written there is an --output")
    return options.split_last(item.removesuffix(":ro"), ":", "HOST:PATH")
