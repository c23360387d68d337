"""`reprocheck explain`."""

from __future__ import annotations

import click


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain a rule (CPU-101), an error (E_NO_DAEMON) or a verdict (drift). Without CODE: list them all."""
    from reprocheck.api.explain import explain, list_codes
    from reprocheck.engine.writing import write_stdout

    write_stdout((explain(code) if code else list_codes()).encode())
    return 0
