"""The one way to run a child: bounded output, bounded time, nothing left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reprocheck.engine.process import STDERR_TAIL, ToolResult, run_tool, supervise
from reprocheck.errors import CouldNotRun

ENVIRON = {"PATH": "/usr/bin:/bin"}


def python(tmp_path: Path, source: str, *, seconds: float = 20, limit: int = 1 << 20) -> ToolResult:
    return run_tool(
        [sys.executable, "-I", "-c", source],
        seconds=seconds,
        stdout_limit=limit,
        environ=ENVIRON,
        cwd=str(tmp_path),
    )


def alive(pid: int) -> bool:
    """Whether a process still runs (a zombie that init has yet to collect does not)."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def test_output_status_directory_and_environment_are_exactly_what_was_given(tmp_path: Path) -> None:
    result = python(
        tmp_path,
        "import os,sys; print(os.getcwd()); print(sorted(os.environ)); print(repr(sys.stdin.read()));"
        "print('oops', file=sys.stderr); sys.exit(3)",
    )
    directory, names, stdin = result.stdout.decode().splitlines()
    assert directory == str(tmp_path)
    assert "HOME" not in names
    assert stdin == "''"
    assert (result.returncode, result.stderr, result.timed_out) == (3, b"oops\n", False)


def test_a_child_leads_its_own_session(tmp_path: Path) -> None:
    result = python(tmp_path, "import os; print(os.getsid(0) == os.getpid())")
    assert result.stdout == b"True\n"


def test_megabytes_of_stderr_do_not_block_and_only_the_tail_is_kept(tmp_path: Path) -> None:
    result = python(tmp_path, "import sys; sys.stderr.write('x' * 3_000_000 + 'end'); print('done')")
    assert result.stdout == b"done\n"
    assert len(result.stderr) == STDERR_TAIL
    assert result.stderr.endswith(b"end")


def test_more_output_than_allowed_stops_the_child(tmp_path: Path) -> None:
    source = "import os\nopen('pid','w').write(str(os.getpid()))\nwhile True: os.write(1, b'x' * 65536)"
    with pytest.raises(CouldNotRun) as caught:
        python(tmp_path, source, limit=1_000_000)
    assert caught.value.code == "E_TOOL_OUTPUT"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_output_of_exactly_the_limit_is_fine(tmp_path: Path) -> None:
    assert len(python(tmp_path, "print('x' * 99)", limit=100).stdout) == 100


def test_a_hanging_child_ends_at_its_time_limit(tmp_path: Path) -> None:
    result = python(tmp_path, "import time; print('before', flush=True); time.sleep(600)", seconds=0.5)
    assert result.timed_out
    assert result.stdout == b"before\n"
    assert result.returncode == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    source = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    result = python(tmp_path, source, seconds=0.5)
    assert (result.timed_out, result.returncode) == (True, -signal.SIGKILL)


def test_a_stopped_child_is_killed(tmp_path: Path) -> None:
    result = python(tmp_path, "import os,signal; os.kill(os.getpid(), signal.SIGSTOP)", seconds=0.5)
    assert result.timed_out


@pytest.mark.parametrize("own_group", [False, True])
def test_a_grandchild_that_keeps_the_pipe_neither_hangs_us_nor_survives(
    tmp_path: Path, own_group: bool
) -> None:
    source = (
        "import os,time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        f"    {'os.setpgid(0, 0)' if own_group else 'pass'}\n"
        "    time.sleep(600)\n"
        "print(pid, flush=True)\n"
        "time.sleep(0.2)"
    )
    result = python(tmp_path, source)
    assert result.returncode == 0
    assert wait_for(lambda: not alive(int(result.stdout)))


def test_a_writer_that_left_the_session_does_not_hang_us(tmp_path: Path) -> None:
    source = (
        "import os,time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.setsid(); time.sleep(600)\n"
        "print(pid, flush=True); time.sleep(0.3)"
    )
    result = python(tmp_path, source)
    os.kill(int(result.stdout), signal.SIGKILL)
    assert result.returncode == 0


def test_ctrl_c_kills_the_whole_session(tmp_path: Path) -> None:
    source = (
        "import os,time\n"
        "pid = os.fork()\n"
        "if pid: open('pids.new','w').write(f'{os.getpid()} {pid}'); os.rename('pids.new','pids')\n"
        "time.sleep(600)"
    )

    def press() -> None:
        wait_for((tmp_path / "pids").exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        python(tmp_path, source)
    thread.join()
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert wait_for(lambda: not any(alive(pid) for pid in pids))


def test_a_sink_that_fails_kills_the_child(tmp_path: Path) -> None:
    def refuse(chunk: bytes) -> None:
        raise OSError(int(chunk), "no space")

    source = "import os,time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(OSError, match="no space") as caught:
        supervise(
            [sys.executable, "-I", "-c", source],
            seconds=20,
            environ=ENVIRON,
            cwd=str(tmp_path),
            stdout=refuse,
            stderr=None,
        )
    assert caught.value.errno is not None
    assert not alive(caught.value.errno)


@pytest.mark.parametrize("kind", ["absent", "not executable", "directory", "nul", "surrogate"])
def test_what_cannot_be_started_is_named(tmp_path: Path, kind: str) -> None:
    plain = tmp_path / "plain"
    plain.write_text("text")
    argv = {
        "absent": ["no-such-program-here"],
        "not executable": [str(plain)],
        "directory": [str(tmp_path)],
        "nul": [sys.executable, "a\0b"],
        "surrogate": [sys.executable, "\ud800"],
    }[kind]
    with pytest.raises(CouldNotRun) as caught:
        run_tool(argv, seconds=5, stdout_limit=10, environ=ENVIRON, cwd=str(tmp_path))
    assert caught.value.code == "E_TOOL_MISSING"
    assert argv[0] in caught.value.message


def test_shell_syntax_is_only_text(tmp_path: Path) -> None:
    result = run_tool(
        ["echo", "$(touch owned); x"], seconds=5, stdout_limit=99, environ=ENVIRON, cwd=str(tmp_path)
    )
    assert result.stdout == b"$(touch owned); x\n"
    assert list(tmp_path.iterdir()) == []


def test_other_work_meanwhile_costs_the_tool_none_of_its_time(tmp_path: Path) -> None:
    """A tool with more output than a pipe holds waits for us; that is no time-out of its own."""
    result = run_tool(
        (sys.executable, "-c", "print('x' * 1_000_000)"),
        seconds=2,
        stdout_limit=1 << 21,
        environ={},
        cwd=str(tmp_path),
        meanwhile=lambda: time.sleep(2.5),
    )
    assert (result.returncode, result.timed_out, len(result.stdout)) == (0, False, 1_000_001)
