"""`reprocheck diff`."""

from __future__ import annotations

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.results import check_target, read_manifest, write_result
from reprocheck.limits import Limits
from reprocheck.render.style import Style


@click.command("diff")
@click.argument("a")
@click.argument("b")
@options.formats("text", "json")
@click.option("--all", "everything", is_flag=True, help="Show every difference, not only the first seven.")
@terminal.color_option
@options.limit_scale
@options.output_file("the report")
def command(
    a: str,
    b: str,
    format_: str,
    everything: bool,
    style: Style,
    limits: Limits,
    output_file: options.OutputFile,
) -> int:
    """Say what differs between two manifests, what matters first.

    A fix turns B's side into A's.
    """
    from reprocheck.api.compare import diff
    from reprocheck.codec import encode
    from reprocheck.render import diff_text

    check_target(output_file)
    report = diff(read_manifest(a, limits), read_manifest(b, limits))
    if format_ == "json":
        write_result(encode(report), output_file)
    else:
        write_result(diff_text.render(report, everything=everything, style=style).encode(), output_file)
    return {"identical": 0, "differs": 1, "inconclusive": 4}[report.verdict]
