"""`reprocheck graph`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.configuration import Configured, config_options
from reprocheck.cli.reports import Reports, report_options
from reprocheck.cli.results import read_manifest
from reprocheck.limits import Limits
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.model.change import Severity
    from reprocheck.model.conflict import GraphReport


@click.command("graph")
@click.argument("file")
@report_options("text", "json", "dot", "graphml", "mermaid", "svg", "html")
@click.option("--full", is_flag=True, help="Draw every package, not only those near a conflict.")
@click.option("--since", metavar="MANIFEST", help="Only conflicts that this other manifest does not have.")
@click.option(
    "--fail-on",
    type=click.Choice(("info", "low", "medium", "high")),
    help="Exit 1 for remarks of this severity too; broken requirements always do.",
)
@config_options
@terminal.color_option
@options.limit_scale
def command(
    file: str,
    reports: Reports,
    full: bool,
    since: str | None,
    fail_on: Severity | None,
    configured: Configured,
    style: Style,
    limits: Limits,
) -> int:
    """Show dependency conflicts of a manifest, with their causes."""
    from datetime import UTC, datetime

    from reprocheck.api.compare import graph
    from reprocheck.model.change import at_least

    reports.check()
    settings = configured(limits).graph
    report = graph(
        read_manifest(file, limits),
        full=full,
        limits=limits,
        since=(since, read_manifest(since, limits)) if since is not None else None,
        waivers=settings.waivers,
        today=datetime.now(UTC).date().isoformat(),
    )
    reports.write(_forms(report), style, configured=settings.format)
    threshold = fail_on or settings.fail_on
    counting = [conflict for conflict in report.conflicts if not conflict.waived]
    if any(c.broken or (threshold and at_least(c.severity, threshold)) for c in counting):
        return 1
    return 4 if report.unknowns else 0


def _forms(report: GraphReport) -> dict[str, Callable[[Style], bytes]]:
    """Give each format; only what is asked for is imported."""

    def text(style: Style) -> bytes:
        import shutil

        from reprocheck.render import graph_text

        return graph_text.render(
            report, style=style, width=shutil.get_terminal_size((100, 24)).columns
        ).encode()

    def json(_: Style) -> bytes:
        from reprocheck.codec import encode

        return encode(report)

    def dot(_: Style) -> bytes:
        from reprocheck.render import graph_dot

        return graph_dot.render(report).encode()

    def graphml(_: Style) -> bytes:
        from reprocheck.render import graph_graphml

        return graph_graphml.render(report).encode()

    def mermaid(_: Style) -> bytes:
        from reprocheck.render import graph_mermaid

        return graph_mermaid.render(report).encode()

    def svg(_: Style) -> bytes:
        from reprocheck.render import graph_svg

        return graph_svg.render(report).encode()

    def html(_: Style) -> bytes:
        from reprocheck.render.html import render_graph

        return render_graph(report).encode()

    return {
        "text": text,
        "json": json,
        "dot": dot,
        "graphml": graphml,
        "mermaid": mermaid,
        "svg": svg,
        "html": html,
    }
