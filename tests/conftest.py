"""Tests that need Docker or syft: run, skipped loudly, or failed, as REPROCHECK_REQUIRE says.

Unmarked tests touch neither. A test marked `docker` also needs the fixture images, which are built when the
engine is there and they are not; all such tests run in one worker, one after another.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIRE = "REPROCHECK_REQUIRE"
BUILD_SECONDS = 2_400

hypothesis.settings.register_profile("reprocheck", deadline=None)
hypothesis.settings.load_profile("reprocheck")


def docker_problem() -> str:
    """Say what keeps the tests from Docker, '' when engine and images are there; builds missing images."""
    if shutil.which("docker") is None:
        return "no docker command"
    try:
        done = _run(["docker", "version", "--format", "{{.Server.Version}}"], seconds=20)
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    if done.returncode:
        return f"no Docker engine: {_last_line(done.stderr)}"
    # Two workers must not build the same image; the second finds it current.
    with (Path(tempfile.gettempdir()) / f"reprocheck-images-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            done = _run([sys.executable, str(ROOT / "scripts/fixture-images")], seconds=BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the fixture images were not built within {BUILD_SECONDS} seconds"
    return f"no fixture images: {_last_line(done.stderr)}" if done.returncode else ""


def syft_problem() -> str:
    """Say why no syft can be used, '' when one can."""
    from reprocheck.engine.syft import find_syft
    from reprocheck.errors import ReprocheckError

    try:
        find_syft(os.environ)
    except ReprocheckError as error:
        return error.message
    return ""


def podman_problem() -> str:
    """Say what keeps the tests from a podman of their own, '' when one can be started."""
    if shutil.which("podman") is None:
        return "no podman command"
    if os.geteuid() != 0:
        return "its private storage needs root here"
    inits = ("/usr/libexec/podman/catatonit", "/usr/libexec/catatonit/catatonit")
    if shutil.which("catatonit") is None and not any(Path(path).exists() for path in inits):
        return "no catatonit, podman's init program"
    return ""


def rpm_problem() -> str:
    """Say which of the tools that make rpm databases is missing, '' when none is."""
    missing = [tool for tool in ("rpm", "rpmbuild", "db5.3_load") if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} command" if missing else ""


def gcc_problem() -> str:
    """Say that the compiler of the small libraries that some tests load is missing, '' when it is there."""
    return "" if shutil.which("gcc") else "no gcc command"


def skopeo_problem() -> str:
    """Say that the tool that copies images into OCI layouts is missing, '' when it is there."""
    return "" if shutil.which("skopeo") else "no skopeo command"


def browser_problem() -> str:
    """Say which of the programs that show pages is missing, '' when none is."""
    missing = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} command" if missing else ""


NEEDS: dict[str, Callable[[], str]] = {
    "browser": browser_problem,
    "docker": docker_problem,
    "syft": syft_problem,
    "gcc": gcc_problem,
    "podman": podman_problem,
    "rpm": rpm_problem,
    "skopeo": skopeo_problem,
}
"""Marker, and the function that says what is wrong with what it needs."""

PROBLEMS = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a REPROCHECK_REQUIRE that requires nothing known: it would be ignored in silence."""
    unknown = required() - set(NEEDS)
    if unknown:
        raise pytest.UsageError(f"{REQUIRE} names {', '.join(sorted(unknown))}; known: {', '.join(NEEDS)}")
    config.stash[PROBLEMS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Give all tests that need Docker to one worker: they share an engine, two cores and its disk.

    Before pytest-xdist looks for groups, which it does in a hook of the same name.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if any(item.get_closest_marker(need) for need in ("docker", "podman", "skopeo")):
            item.add_marker(pytest.mark.xdist_group("docker"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose need is not met; each need is looked at once.

    Fails, too, when the group of `pytest_collection_modifyitems` has no effect: pytest-xdist 3.8 writes it
    where pytest 9.2 no longer reads it (https://github.com/pytest-dev/pytest-xdist/issues/1386), and says
    nothing.
    """
    grouped = item.get_closest_marker("xdist_group") is not None
    if grouped and item.config.getoption("loadgroup", False) and not item.nodeid.endswith("@docker"):
        pytest.fail(
            "tests that share an engine would run at once: this pytest-xdist does not group", pytrace=False
        )
    problems = item.config.stash[PROBLEMS]
    for need, problem_of in NEEDS.items():
        if item.get_closest_marker(need) is None:
            continue
        if need not in problems:
            problems[need] = problem_of()
        if problems[need] and need in required():
            pytest.fail(f"{REQUIRE} names {need}, but: {problems[need]}", pytrace=False)
        if problems[need]:
            pytest.skip(f"needs {need}: {problems[need]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one loud line for each need how many tests did not run."""
    missing: Counter[tuple[str, str]] = Counter()
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        need, _, problem = reason.removeprefix("Skipped: needs ").partition(": ")
        if need in NEEDS:
            missing[need, problem] += 1
    for (need, problem), count in sorted(missing.items()):
        line = f"NOT TESTED: {count} test{'s' if count > 1 else ''} that need {need} ({problem})"
        terminalreporter.write_sep("!", line, red=True, bold=True)


def required() -> frozenset[str]:
    """Return what REPROCHECK_REQUIRE names."""
    names = os.environ.get(REQUIRE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def _run(argv: list[str], *, seconds: int) -> subprocess.CompletedProcess[str]:
    """Run without a terminal, so that sudo inside fails at once instead of asking unseen."""
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        start_new_session=True,
    )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason was given"
