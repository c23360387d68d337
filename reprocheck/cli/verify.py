"""`reprocheck verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.results import check_target, read_manifest, write_result
from reprocheck.cli.tolerances import tolerance_options
from reprocheck.limits import Limits
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.api.verify import PlannedVerification, Verified
    from reprocheck.model.run import Resources, Tolerance

_COMPARING = frozenset(
    ("file", "directory", "rtol", "atol", "max_ulp", "format_", "style", "limits", "path", "force")
)
"""Parameters that mean something without an execution too."""


@click.command("verify")
@click.argument("file")
@click.option(
    "--input",
    "inputs",
    metavar="PATH=HOST",
    multiple=True,
    help="Hand in a recorded input again; its hash is checked first. Repeatable.",
)
@options.environment("Set or override a variable of the run; it stands beside the verdict. Repeatable.")
@click.option("--unset", metavar="NAME", multiple=True, help="Leave out a recorded variable. Repeatable.")
@click.option(
    "--allow-env", metavar="NAME", multiple=True, help="Let a foreign record set LD_*, NVIDIA_* or *_PROXY."
)
@click.option("--allow-network", is_flag=True, help="Give the run a network.")
@options.resources(" instead of the recorded")
@click.option("--user", metavar="USER", help="Another user than the recorded one.")
@click.option("--read-only", is_flag=True, help="Make the root file system read-only.")
@click.option(
    "--timeout", "seconds", type=click.IntRange(min=1), metavar="SECONDS", help="Time limit of one run."
)
@tolerance_options("your own, never taken for the author's")
@click.option(
    "--outputs",
    "directory",
    metavar="DIR",
    help="Compare what lies in DIR, laid out as by `store get`, and execute nothing.",
)
@click.option("--unsandboxed", is_flag=True, help="Let somebody else's local record run as a plain process.")
@click.option("--logs", is_flag=True, help="Show the program's output, made safe to print.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--yes", is_flag=True, help="Run somebody else's record without asking.")
@options.formats("text", "json")
@terminal.color_option
@options.docker_host
@options.limit_scale
@options.output_file("the receipt")
@click.pass_context
def command(
    context: click.Context,
    file: str,
    inputs: tuple[str, ...],
    environment: tuple[tuple[str, str], ...],
    unset: tuple[str, ...],
    allow_env: tuple[str, ...],
    allow_network: bool,
    resources: Resources,
    user: str | None,
    read_only: bool,
    seconds: int | None,
    tolerance: Tolerance | None,
    directory: str | None,
    unsandboxed: bool,
    logs: bool,
    dry_run: bool,
    yes: bool,
    format_: str,
    style: Style,
    docker_host: str | None,
    limits: Limits,
    output_file: options.OutputFile,
) -> int:
    """Run a recorded training again and compare its outputs.

    It runs in the recorded image, found by its identity, in a sandbox: no network, all capabilities
    dropped, limits on memory, processes, disk and time, a root file system that is thrown away. -o keeps
    the receipt as JSON beside the text on stdout.
    """
    from reprocheck.api.verify import Policy, VerifyOptions, verify

    if directory is not None:
        _refuse_running(context)
        check_target(output_file)
        from reprocheck.api.verify_files import verify_files

        outside = terminal.outside(limits, docker_host=None)
        seen = verify_files(read_manifest(file, limits), directory, tolerance=tolerance, outside=outside)
        return _give(seen, output_file, format_, style)
    handed_in = tuple(_handed_in(item) for item in inputs)
    check_target(output_file)
    manifest = read_manifest(file, limits)
    policy = Policy(
        env=environment,
        unset=unset,
        allow_env=allow_env,
        allow_network=allow_network,
        gpus=resources.gpus,
        nano_cpus=resources.nano_cpus,
        memory_bytes=resources.memory_bytes,
        shm_bytes=resources.shm_bytes,
        seconds=seconds,
        read_only_root=read_only,
        user=user,
        tolerance=tolerance,
    )
    log = terminal.SafeLog()
    verified = verify(
        manifest,
        VerifyOptions(inputs=handed_in, policy=policy, unsandboxed=unsandboxed),
        terminal.outside(limits, docker_host=docker_host),
        confirm=lambda planned, foreign: _confirm(planned, foreign=foreign, dry_run=dry_run, yes=yes),
        sink=log if logs else _drop_log,
    )
    log.close()
    return _give(verified, output_file, format_, style)


def _give(verified: Verified, output_file: options.OutputFile, format_: str, style: Style) -> int:
    from reprocheck.codec import encode
    from reprocheck.engine.writing import write_stdout
    from reprocheck.render import receipt_text

    document = encode(verified.receipt)
    if output_file.path is not None:
        write_result(document, output_file)
    if output_file.path != "-":
        text = receipt_text.render(verified.receipt, style=style).encode()
        write_stdout(document if format_ == "json" else text)
    return verified.exit_code


def _refuse_running(context: click.Context) -> None:
    """Refuse what only means something for an execution. Raises click's usage error."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name not in _COMPARING and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--outputs executes nothing, so {option.opts[0]} has no meaning with it")


def _handed_in(item: str) -> tuple[str, str]:
    path, equals, host = item.partition("=")
    if not equals or not path or not host:
        raise click.BadParameter(f"{item!r} is not of the form PATH=HOST")
    return path, host


def _confirm(planned: PlannedVerification, *, foreign: bool, dry_run: bool, yes: bool) -> None:
    from reprocheck.render import plan_text

    if not (foreign or dry_run):
        return
    click.echo(
        plan_text.render(((line.label, line.value) for line in planned.lines), foreign=foreign), err=True
    )
    if dry_run:
        raise click.exceptions.Exit(0)
    terminal.confirm("Run it?", yes=yes)


def _drop_log(_chunk: bytes) -> None:
    pass
