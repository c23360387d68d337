"""Tool versions, from what is installed and from stubs."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from reprocheck.engine.syft import find_syft
from reprocheck.engine.tools import tool_versions
from reprocheck.limits import DEFAULT
from reprocheck.model.doctor import Failure
from reprocheck.model.manifest import Tool


def stub(directory: Path, name: str, script: str) -> str:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def versions(environ: dict[str, str], *engine: Tool) -> tuple[dict[str, str], tuple[Failure, ...]]:
    tools, failures = tool_versions(environ, limits=DEFAULT, engine=engine)
    assert [tool.name for tool in tools] == sorted(tool.name for tool in tools)
    return {tool.name: tool.version for tool in tools}, failures


def test_libraries_python_and_the_engine_are_listed(tmp_path: Path) -> None:
    syft = stub(tmp_path, "syft", 'echo \'{"version": "1.2.3"}\'')
    found, failures = versions(
        {"PATH": "/nowhere", "REPROCHECK_SYFT": syft}, Tool(name="runc", version="1.1.5")
    )
    assert failures == ()
    assert (found["python"], found["runc"], found["syft"]) == (platform.python_version(), "1.1.5", "1.2.3")
    assert found["click"]
    assert found["nvidia-container-toolkit"] == ""


def test_the_nvidia_tools_are_asked(tmp_path: Path) -> None:
    stub(tmp_path, "nvidia-smi", "echo 535.54.03; echo 535.54.03")
    stub(tmp_path, "nvidia-ctk", "echo 'NVIDIA Container Toolkit CLI version 1.17.8'; echo 'commit: abc'")
    stub(tmp_path, "syft", 'echo \'{"version": "1"}\'')
    found, failures = versions({"PATH": str(tmp_path)})
    assert failures == ()
    assert (found["nvidia driver"], found["nvidia-container-toolkit"]) == ("535.54.03", "1.17.8")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo broken library >&2; exit 127", "broken library"),
        ("echo not json", "not JSON"),
        ("echo '{}'", "names no version"),
        ("kill -9 $$", "status -9"),
    ],
)
def test_a_tool_that_fails_is_told_and_the_rest_is_kept(tmp_path: Path, script: str, words: str) -> None:
    syft = stub(tmp_path, "syft", script)
    found, failures = versions({"PATH": "/nowhere", "REPROCHECK_SYFT": syft})
    assert "syft" not in found
    assert [failure.tool for failure in failures] == ["syft"]
    assert words in failures[0].message
    assert failures[0].fix
    assert found["python"]


def test_a_variable_that_names_nothing_is_a_failure() -> None:
    _, failures = versions({"PATH": "/nowhere", "REPROCHECK_SYFT": "/nowhere/syft"})
    assert [(failure.tool, "REPROCHECK_SYFT" in failure.message) for failure in failures] == [("syft", True)]


@pytest.mark.syft
def test_the_real_syft_tells_its_version() -> None:
    assert find_syft(os.environ) is not None
    found, _ = versions(dict(os.environ))
    assert found["syft"].count(".") == 2
