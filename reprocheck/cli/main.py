"""The `reprocheck` command: verbs are imported only when they are asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from reprocheck import __version__
from reprocheck.cli.boundary import guarded

VERBS = {
    "run": "record_run",
    "snapshot": "snapshot",
    "show": "show",
    "diff": "diff",
    "graph": "graph",
    "verify": "verify",
    "check": "check",
    "explain": "explain",
    "doctor": "doctor",
    "schema": "schema",
    "store": "store",
    "cache": "cache",
    "probe": "probe",
}
"""Verb to module of `reprocheck.cli`, in the order in which a user meets them."""

EXIT_CODES = """\b
Exit codes:
  0  same, clean, reproduced
  1  differs, conflicts, findings, not reproduced (a complete negative answer)
  2  usage, or an input file that is malformed, of an unknown version, or hostile
  3  could not run: no daemon, image gone, tool missing, time-out, disk full
  4  inconclusive: nondeterministic, not comparable, or something was not observed
  5  refused by policy: needs an explicit flag; nothing was started
  70 a bug in reprocheck; 130 interrupted
"""


class Verbs(click.Group):
    """A group whose commands live in one module each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a first use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"reprocheck.cli.{VERBS[cmd_name]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Verbs,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="reprocheck %(version)s")
def reprocheck() -> None:
    """Find out which difference made a result come out differently.

    Snapshot what a training ran in, diff it against another, find dependency conflicts, re-execute the run
    and compare its outputs, and check it before publication.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the codes of `reprocheck --help`."""
    sys.exit(guarded(lambda: _invoke(arguments)))


def _invoke(arguments: list[str] | None) -> int:
    if "_REPROCHECK_COMPLETE" in os.environ:  # a shell asks what the user may type next
        reprocheck.main(args=arguments, prog_name="reprocheck")
    # Not `reprocheck.main`: it turns a broken pipe into exit code 1, and prints a line at Ctrl-C.
    words = sys.argv[1:] if arguments is None else list(arguments)
    with reprocheck.make_context("reprocheck", words) as context:
        result = reprocheck.invoke(context)
    return result if isinstance(result, int) else 0
