"""What the test suite does without Docker or syft: it skips loudly, or fails when told to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Suite = Callable[..., tuple[int, str]]

CONFTEST = Path(__file__).with_name("conftest.py")
SUITE = """
import pytest

def test_plain():
    pass

@pytest.mark.docker
def test_engine():
    pass

@pytest.mark.docker
def test_engine_again():
    pass
"""


@pytest.fixture
def run_suite(tmp_path: Path) -> Suite:
    """Run a small suite with this project's conftest on a machine without any command."""
    (tmp_path / "tests").mkdir()
    shutil.copy(CONFTEST, tmp_path / "tests/conftest.py")
    (tmp_path / "tests/test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n docker: x\n syft: x\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "REPRO"))}

    def run(require: str = "", *arguments: str) -> tuple[int, str]:
        environ = clean | {"PATH": str(tmp_path), "REPROCHECK_REQUIRE": require}
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("arguments", [(), ("-n", "2", "--dist", "loadgroup")])
def test_an_absent_engine_skips_with_a_loud_line(run_suite: Suite, arguments: tuple[str, ...]) -> None:
    """With and without workers; the closing line stays the last."""
    code, output = run_suite("", *arguments)
    assert code == 0
    assert "NOT TESTED: 2 tests that need docker (no docker command)" in output
    assert "1 passed, 2 skipped" in output.splitlines()[-1]


def test_a_required_engine_that_is_absent_fails(run_suite: Suite) -> None:
    """REPROCHECK_REQUIRE turns each skip into a failure with the reason."""
    code, output = run_suite("docker,syft")
    assert code == 1
    assert "REPROCHECK_REQUIRE names docker, but: no docker command" in output
    assert "1 passed, 2 errors" in output.splitlines()[-1]


def test_an_unknown_requirement_is_refused(run_suite: Suite) -> None:
    """A misspelt name would otherwise require nothing."""
    code, output = run_suite("dokcer")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "dokcer" in output
