"""Verifying a local record: a plain process with the recorded variables, not sandboxed."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.api.outside import Outside
from reprocheck.collect.environment import is_allowed
from reprocheck.engine.local_runner import LocalRunner
from reprocheck.errors import Refused
from reprocheck.model.manifest import Manifest

_PLACES = ("CONDA_PREFIX", "LD_", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "VIRTUAL_ENV")
"""Variables that say where things lie on a machine; the recorded ones mean nothing on another."""


def local_runner(manifest: Manifest, outside: Outside, *, foreign: bool, unsandboxed: bool) -> LocalRunner:
    """Give the runner of a local record.

    Raises Refused (E_UNSANDBOXED) for a record that this user did not make, without `--unsandboxed`.
    """
    if foreign and not unsandboxed:
        raise Refused(
            "E_UNSANDBOXED",
            "this record is not yours and would run as a plain process with your rights; nothing was started",
            hint="Read the plan with --dry-run; --unsandboxed allows it.",
        )
    return LocalRunner(limits=outside.limits, environ=recorded_environment(outside.environ, manifest))


def recorded_environment(environ: Mapping[str, str], manifest: Manifest) -> dict[str, str]:
    """Return this machine's environment with every variable that bears on results as it was recorded."""
    kept = {name: value for name, value in environ.items() if _is_place(name) or not is_allowed(name)}
    recorded = {
        variable.name: variable.value
        for variable in manifest.environment
        if variable.origin == "host" and variable.value is not None and not _is_place(variable.name)
    }
    return kept | recorded


def _is_place(name: str) -> bool:
    return name.startswith("LD_") or name in _PLACES
