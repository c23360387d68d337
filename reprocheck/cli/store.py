"""`reprocheck store`."""

from __future__ import annotations

import click

from reprocheck.cli.terminal import outside
from reprocheck.limits import DEFAULT


@click.group("store", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> int:
    """See and prune the kept copies of recorded outputs."""
    if context.invoked_subcommand is None:
        return _list()
    return 0


@command.command("list")
def list_command() -> int:
    """List what is kept: size, digest, when."""
    return _list()


@command.command("get")
@click.argument("file")
@click.argument("directory")
def get_command(file: str, directory: str) -> int:
    """Copy the outputs of the run in FILE, a manifest, into the new DIRECTORY."""
    from reprocheck.api.store import copy_out
    from reprocheck.cli.results import read_manifest
    from reprocheck.engine.writing import write_stdout

    write_stdout(copy_out(read_manifest(file, DEFAULT), directory, outside(DEFAULT)).encode())
    return 0


@command.command("prune")
@click.option("--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Only copies older than this.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
def prune_command(older_than: int | None, yes: bool) -> int:
    """Remove kept copies. Their manifests still verify bit by bit, but no longer within a tolerance."""
    from reprocheck.api.store import prune
    from reprocheck.cli.terminal import confirm
    from reprocheck.engine.writing import write_stdout

    confirm("Remove the kept copies?", yes=yes)
    write_stdout(prune(outside(DEFAULT), days=older_than).encode())
    return 0


def _list() -> int:
    from reprocheck.api.store import describe_store
    from reprocheck.engine.writing import write_stdout

    write_stdout(describe_store(outside(DEFAULT)).encode())
    return 0
