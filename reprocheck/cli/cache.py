"""`reprocheck cache`."""

from __future__ import annotations

import click

from reprocheck.cli import options
from reprocheck.cli.terminal import outside
from reprocheck.limits import DEFAULT


@click.group("cache", invoke_without_command=True)
@options.formats("text", "json")
@click.pass_context
def command(context: click.Context, format_: str) -> int:
    """See and prune what was read in images. A snapshot is the same without it, only slower."""
    if context.invoked_subcommand is not None:
        return 0
    from reprocheck.api.cache import describe_cache

    _write(describe_cache(outside(DEFAULT)), format_, pruned=False)
    return 0


@command.command("prune")
@click.option("--all", "everything", is_flag=True, help="Remove every entry.")
@options.formats("text", "json")
def prune_command(everything: bool, format_: str) -> int:
    """Remove damaged entries, those of other versions, and those not used for 30 days."""
    from reprocheck.api.cache import prune_cache

    _write(prune_cache(outside(DEFAULT), everything=everything), format_, pruned=True)
    return 0


def _write(report: object, format_: str, *, pruned: bool) -> None:
    from reprocheck.api.cache import cache_text
    from reprocheck.codec import encode
    from reprocheck.engine.writing import write_stdout
    from reprocheck.model.cache import CacheReport

    assert isinstance(report, CacheReport)
    write_stdout(encode(report) if format_ == "json" else cache_text(report, pruned=pruned).encode())
