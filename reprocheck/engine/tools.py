"""Versions of the programs and libraries that reprocheck stands on, for `doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence

from reprocheck import strictjson
from reprocheck.engine.machine import find_nvidia_smi
from reprocheck.engine.process import run_tool
from reprocheck.engine.syft import find_syft
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.model.doctor import Failure
from reprocheck.model.manifest import Tool

LIBRARIES = (
    "click",
    "docker",
    "msgspec",
    "networkx",
    "packageurl-python",
    "packaging",
    "reprocheck",
    "rfc8785",
    "tabulate",
)
"""Distributions that reprocheck declares, and itself."""

SECONDS = 30


def tool_versions(
    environ: Mapping[str, str], *, limits: Limits, engine: Sequence[Tool] = ()
) -> tuple[tuple[Tool, ...], tuple[Failure, ...]]:
    """Collect versions, sorted by name; '' for what is absent. What is there and fails is told beside them.

    `engine` holds what the caller learnt from the daemon: `docker engine`, `runc`, `containerd`.
    """
    tools = [Tool(name="python", version=platform.python_version())]
    tools += [Tool(name=name, version=_library(name)) for name in LIBRARIES]
    tools += engine
    failures: list[Failure] = []
    for name, read in (
        ("nvidia driver", _nvidia_driver),
        ("nvidia-container-toolkit", _nvidia_toolkit),
        ("syft", syft_version),
    ):
        try:
            tools.append(Tool(name=name, version=read(environ, limits)))
        except CouldNotRun as error:
            failures.append(Failure(tool=name, message=error.message, fix=error.hint))
    return tuple(sorted(tools, key=lambda tool: tool.name)), tuple(failures)


def syft_version(environ: Mapping[str, str], limits: Limits) -> str:
    """Ask syft for its version; '' when there is none. Raises CouldNotRun when it is there and fails."""
    binary = find_syft(environ)
    if binary is None:
        return ""
    printed = _ask((binary, "version", "--output", "json"), environ, limits)
    try:
        document = strictjson.loads(printed, where="the output of `syft version`", limits=limits)
    except InputFault as error:
        raise _silent("syft", error.message) from None
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(version, str):
        raise _silent("syft", "`syft version` names no version")
    return version


def _nvidia_driver(environ: Mapping[str, str], limits: Limits) -> str:
    binary = find_nvidia_smi(environ)
    if binary is None:
        return ""
    printed = _ask((binary, "--query-gpu=driver_version", "--format=csv,noheader"), environ, limits)
    versions = {line.strip() for line in printed.decode("utf-8", "replace").splitlines() if line.strip()}
    if len(versions) != 1:
        raise _silent("nvidia-smi", "nvidia-smi names no single driver version")
    return versions.pop()


def _nvidia_toolkit(environ: Mapping[str, str], limits: Limits) -> str:
    binary = shutil.which("nvidia-ctk", path=environ.get("PATH", ""))
    if binary is None:
        return ""
    printed = _ask((os.path.abspath(binary), "--version"), environ, limits)
    found = re.search(r"version (\d+(?:\.\d+){1,3}\S{0,40})", printed.decode("utf-8", "replace")[:4096])
    if found is None:
        raise _silent("nvidia-ctk", "nvidia-ctk names no version")
    return found[1]


def _library(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _ask(argv: Sequence[str], environ: Mapping[str, str], limits: Limits) -> bytes:
    result = run_tool(
        argv,
        seconds=SECONDS,
        stdout_limit=limits.metadata_file,
        environ={
            "PATH": environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "SYFT_CHECK_FOR_APP_UPDATE": "false",
        },
        cwd="/",
    )
    if result.timed_out:
        raise _silent(argv[0], f"{argv[0]} did not answer within {SECONDS} seconds")
    if result.returncode != 0:
        said = (result.stdout.strip() or result.stderr.strip()).decode("utf-8", "replace")
        first = said.splitlines()[0][:200] if said else "no message"
        raise _silent(argv[0], f"{argv[0]} failed with status {result.returncode}: {first}")
    return result.stdout


def _silent(tool: str, message: str) -> CouldNotRun:
    return CouldNotRun("E_TOOL_BROKEN", message, hint=f"Reinstall or repair {tool}.")
