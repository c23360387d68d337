"""`reprocheck show`."""

from __future__ import annotations

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.results import read_document
from reprocheck.limits import Limits
from reprocheck.render.style import Style


@click.command("show")
@click.argument("file")
@click.option("--all", "everything", is_flag=True, help="List every package and variable.")
@terminal.color_option
@options.limit_scale
def command(file: str, everything: bool, style: Style, limits: Limits) -> int:
    """Show what is in FILE, a manifest or a receipt, readably. '-' is stdin."""
    from reprocheck.api.documents import read_any
    from reprocheck.engine.writing import write_stdout
    from reprocheck.model.manifest import Manifest
    from reprocheck.render import manifest_text, receipt_text

    document = read_any(read_document(file, limits), where=file, limits=limits)
    if isinstance(document, Manifest):
        text = manifest_text.render(document, everything=everything, style=style)
    else:
        text = receipt_text.render(document, style=style)
    write_stdout(text.encode())
    return 0
