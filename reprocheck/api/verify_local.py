"""Verifying a local record: a plain process with the recorded variables, not sandboxed."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.api.outside import Outside
from reprocheck.collect.environment import is_allowed
from reprocheck.engine.local_runner import LocalRunner
from reprocheck.errors import Refused
from reprocheck.rerun import names_a_place


def local_runner(outside: Outside, *, foreign: bool, unsandboxed: bool) -> LocalRunner:
    """Give the runner of a local record.

    Raises Refused (E_UNSANDBOXED) for a record that this user did not make, without `--unsandboxed`.
    """
    if foreign and not unsandboxed:
        raise Refused(
            "E_UNSANDBOXED",
            "this record is not yours and would run as a plain process with your rights; nothing was started",
            hint="Read the command with `reprocheck show`; --unsandboxed allows it.",
        )
    return LocalRunner(limits=outside.limits, environ=neutral_environment(outside.environ))


def neutral_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return this machine's environment without what bears on results; the plan sets the recorded."""
    return {name: value for name, value in environ.items() if names_a_place(name) or not is_allowed(name)}
