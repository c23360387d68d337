"""What is installed, in which version, and what to fix."""

from __future__ import annotations

from reprocheck.api.outside import Outside
from reprocheck.checks.doctor import diagnose, load_floors
from reprocheck.engine.tools import tool_versions
from reprocheck.errors import ReprocheckError
from reprocheck.model.doctor import DoctorReport, Failure
from reprocheck.model.manifest import Tool


def doctor(outside: Outside) -> DoctorReport:
    """Ask every tool that reprocheck uses for its version, and hold it against the floor table."""
    failures: tuple[Failure, ...] = ()
    engine: tuple[Tool, ...] = ()
    try:
        with outside.docker_engine() as connected:
            engine = tuple(Tool(name=name, version=version) for name, version in connected.versions())
    except ReprocheckError as error:
        if error.code == "E_NO_DAEMON":
            engine = (Tool(name="docker engine", version=""),)
        else:
            failures = (Failure(tool="docker engine", message=error.message, fix=error.hint),)
    tools, broken = tool_versions(outside.environ, limits=outside.limits, engine=engine)
    return diagnose(tools, (*failures, *broken), load_floors())
