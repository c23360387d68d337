"""`reprocheck graph`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.results import check_target, read_manifest, write_result
from reprocheck.limits import Limits
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.model.change import Severity


@click.command("graph")
@click.argument("file")
@options.formats("text", "json", "dot", "mermaid")
@click.option("--full", is_flag=True, help="Draw every package, not only those near a conflict.")
@click.option(
    "--fail-on",
    type=click.Choice(("info", "low", "medium", "high")),
    help="Exit 1 for remarks of this severity too; broken requirements always do.",
)
@terminal.color_option
@options.limit_scale
@options.output_file("the report")
def command(
    file: str,
    format_: str,
    full: bool,
    fail_on: Severity | None,
    style: Style,
    limits: Limits,
    output_file: options.OutputFile,
) -> int:
    """Show dependency conflicts of a manifest, with their causes."""
    from reprocheck.api.compare import graph
    from reprocheck.codec import encode
    from reprocheck.model.change import at_least
    from reprocheck.render import graph_dot, graph_mermaid, graph_text

    check_target(output_file)
    report = graph(read_manifest(file, limits), full=full, limits=limits)
    match format_:
        case "json":
            document = encode(report)
        case "dot":
            document = graph_dot.render(report).encode()
        case "mermaid":
            document = graph_mermaid.render(report).encode()
        case _:
            document = graph_text.render(report, style=style).encode()
    write_result(document, output_file)
    if any(c.broken or (fail_on and at_least(c.severity, fail_on)) for c in report.conflicts):
        return 1
    return 4 if report.unknowns else 0
