"""`reprocheck schema`."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument(
    "kind", type=click.Choice(("manifest", "receipt", "diff", "graph", "check", "doctor")), default="manifest"
)
def command(kind: str) -> int:
    """Print the JSON Schema of a document."""
    from reprocheck.codec import encode
    from reprocheck.codec.schema import schema
    from reprocheck.engine.writing import write_stdout

    write_stdout(encode(schema(kind)))
    return 0
