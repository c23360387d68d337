"""`reprocheck check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.results import check_target, read_manifest, read_receipt, write_result
from reprocheck.limits import Limits
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.model.change import Severity


@click.command("check")
@click.argument("manifest")
@click.argument("receipts", nargs=-1)
@options.formats("text", "json")
@click.option(
    "--fail-on",
    type=click.Choice(("info", "low", "medium", "high")),
    default="medium",
    show_default=True,
    help="Exit 1 for findings of this severity or worse.",
)
@terminal.color_option
@options.limit_scale
@options.output_file("the report")
def command(
    manifest: str,
    receipts: tuple[str, ...],
    format_: str,
    fail_on: Severity,
    style: Style,
    limits: Limits,
    output_file: options.OutputFile,
) -> int:
    """Check a recorded run before publication.

    RECEIPTS are files that `verify -o` wrote; they prove that the run was re-executed.
    """
    from reprocheck.api.compare import check
    from reprocheck.codec import encode
    from reprocheck.model.change import at_least
    from reprocheck.render import check_text

    check_target(output_file)
    report = check(
        read_manifest(manifest, limits), tuple(read_receipt(path, limits) for path in receipts), limits=limits
    )
    document = (
        encode(report)
        if format_ == "json"
        else check_text.render(report, style=style.into(output_file.path)).encode()
    )
    write_result(document, output_file)
    if any(at_least(finding.severity, fail_on) for finding in report.findings):
        return 1
    return 4 if report.unknowns else 0
