"""`reprocheck doctor`."""

from __future__ import annotations

import click

from reprocheck.cli import options, terminal
from reprocheck.limits import Limits
from reprocheck.render.style import Style


@click.command("doctor")
@options.formats("text", "json")
@terminal.color_option
@options.docker_host
@options.limit_scale
def command(format_: str, style: Style, docker_host: str | None, limits: Limits) -> int:
    """Say what is installed, in which version, and what to fix. Exits 3 when something needed is missing."""
    from reprocheck.api.doctor import doctor
    from reprocheck.codec import encode
    from reprocheck.engine.writing import write_stdout
    from reprocheck.render import doctor_text

    report = doctor(terminal.outside(limits, docker_host=docker_host))
    write_stdout(encode(report) if format_ == "json" else doctor_text.render(report, style=style).encode())
    return 3 if any(check.status in ("missing", "failed") for check in report.checks) else 0
