"""One way to run a child process: a list, no shell, its own session, and nothing of it left afterwards."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reprocheck.engine.interrupts import interrupts_deferred
from reprocheck.errors import CouldNotRun
from reprocheck.model.base import Frozen

STDERR_TAIL = 64 * 1024
GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""
ABANDON_SECONDS = 5.0
"""How long a killed process may stay in the kernel (a hung driver) before we go on without it."""

_CHUNK = 64 * 1024
_SHORTEST_TICK, _LONGEST_TICK = 0.001, 0.05

Sink = Callable[[bytes], None]


class Ending(Frozen, frozen=True, kw_only=True):
    """How a child ended. `returncode` is negative for a signal, as in `subprocess`."""

    returncode: int
    timed_out: bool


class ToolResult(Frozen, frozen=True, kw_only=True):
    """What a tool printed and how it ended. `stderr` holds its last 64 KiB."""

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool


def run_tool(
    argv: Sequence[str],
    *,
    seconds: float,
    stdout_limit: int,
    environ: Mapping[str, str],
    cwd: str,
    meanwhile: Callable[[], None] | None = None,
) -> ToolResult:
    """Run a tool to its end, at most `seconds`, with at most `stdout_limit` bytes of standard output.

    `meanwhile` is called once the tool has started, and the tool's output waits for it.

    Raises CouldNotRun: E_TOOL_MISSING when it cannot be started, E_TOOL_OUTPUT when it prints too much (it is
    killed then). A time-out is told by the result, since what it means is the caller's to say.
    """
    name = Path(argv[0]).name
    stdout = bytearray()
    tail = bytearray()

    def collect(chunk: bytes) -> None:
        if len(stdout) + len(chunk) > stdout_limit:
            raise CouldNotRun(
                "E_TOOL_OUTPUT",
                f"{name} printed more than {stdout_limit} bytes and was stopped",
                hint="Raise the limit with --limit-scale if so much output is expected.",
            )
        stdout.extend(chunk)

    def keep_tail(chunk: bytes) -> None:
        tail.extend(chunk)
        del tail[:-STDERR_TAIL]

    ending = supervise(
        argv,
        seconds=seconds,
        environ=environ,
        cwd=cwd,
        stdout=collect,
        stderr=keep_tail,
        meanwhile=meanwhile,
    )
    return ToolResult(
        returncode=ending.returncode, stdout=bytes(stdout), stderr=bytes(tail), timed_out=ending.timed_out
    )


def supervise(
    argv: Sequence[str],
    *,
    seconds: float,
    environ: Mapping[str, str],
    cwd: str,
    stdout: Sink,
    stderr: Sink | None,
    meanwhile: Callable[[], None] | None = None,
) -> Ending:
    """Run a child in its own session and hand its output to the sinks as it comes.

    `stderr=None` sends standard error into `stdout`. The end of the child is the end of its session: whatever
    it started there is killed, as when the first process of a container ends. A sink may raise; that, and
    Ctrl-C, kills the session too. Raises CouldNotRun (E_TOOL_MISSING) when the child cannot be started.
    """
    deadline = time.monotonic() + seconds
    child: subprocess.Popen[bytes] | None = None
    try:
        with interrupts_deferred():
            child = _start(argv, environ=environ, cwd=cwd, merge=stderr is None)
        if meanwhile is not None:
            meanwhile()
            # A tool that waits for its output to be read has not used its time.
            deadline = time.monotonic() + seconds
        with _Pipes(child, stdout, stderr or stdout) as pipes:
            timed_out = not _watch(child, pipes, deadline)
            if timed_out:
                _signal_group(child.pid, signal.SIGTERM)
                _watch(child, pipes, time.monotonic() + GRACE_SECONDS)
            pipes.drain()
            _kill_session(child)
            # With every writer dead the pipes end at once; the bound is for a writer that left the session.
            _pump_to_end(pipes, time.monotonic() + 1.0)
        _reap(child)
    finally:
        if child is not None and child.returncode is None:
            _kill_session(child)
            _reap(child)
    return Ending(returncode=child.returncode, timed_out=timed_out)


def _start(
    argv: Sequence[str], *, environ: Mapping[str, str], cwd: str, merge: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            env=dict(environ),
            cwd=cwd,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        reason = error.strerror or "it cannot be executed"
    except ValueError:
        reason = "its arguments or variables hold a NUL or text that cannot be encoded"
    raise CouldNotRun(
        "E_TOOL_MISSING",
        f"{argv[0]} could not be started: {reason}",
        hint="Install it, or correct the path; `reprocheck doctor` lists what is needed.",
    )


class _Pipes:
    """The child's output pipes, read without blocking, closed at the end."""

    def __init__(self, child: subprocess.Popen[bytes], stdout: Sink, stderr: Sink) -> None:
        self._selector = selectors.DefaultSelector()
        self._streams = tuple(stream for stream in (child.stdout, child.stderr) if stream is not None)
        for stream, sink in zip(self._streams, (stdout, stderr), strict=False):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream.fileno(), selectors.EVENT_READ, sink)

    def __enter__(self) -> _Pipes:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for stream in self._streams:
            stream.close()

    @property
    def open(self) -> bool:
        """Whether somebody may still write."""
        return bool(self._selector.get_map())

    def pump(self, wait: float) -> bool:
        """Hand over what is there within `wait` seconds; False when nothing came."""
        ready = self._selector.select(wait)
        for key, _ in ready:
            try:
                chunk = os.read(key.fd, _CHUNK)
            except BlockingIOError:
                continue
            if chunk:
                sink: Sink = key.data
                sink(chunk)
            else:
                self._selector.unregister(key.fd)
        return bool(ready)

    def drain(self) -> None:
        """Hand over what lies in the pipes now; a writer that never stops cannot hold us here."""
        stop = time.monotonic() + 1.0
        while self.open and self.pump(0) and time.monotonic() < stop:
            pass


def _watch(child: subprocess.Popen[bytes], pipes: _Pipes, deadline: float) -> bool:
    """Pump until the child itself has ended; False when the deadline came first."""
    tick = _SHORTEST_TICK
    while not _ended(child.pid):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return False
        if not pipes.open:
            time.sleep(min(remaining, tick))
        elif pipes.pump(min(remaining, tick)):
            tick = _SHORTEST_TICK  # it speaks, or has closed its pipes and is about to end
            continue
        tick = min(tick * 2, _LONGEST_TICK)
    return True


def _pump_to_end(pipes: _Pipes, deadline: float) -> None:
    while pipes.open and (remaining := deadline - time.monotonic()) > 0:
        pipes.pump(min(remaining, _LONGEST_TICK))


def _ended(pid: int) -> bool:
    """Whether the child is a zombie; it is not reaped here, so that nobody else can get its number."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _kill_session(child: subprocess.Popen[bytes]) -> None:
    """Kill every process of the child's session, also those that made a group of their own.

    Must run before the child is reaped, so that its number cannot belong to another session.
    """
    if child.returncode is not None:
        return
    _signal_group(child.pid, signal.SIGKILL)
    give_up = time.monotonic() + ABANDON_SECONDS
    while members := tuple(_session_members(child.pid)):
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > give_up:
            return
        time.sleep(0.002)


def _session_members(session: int) -> Iterator[int]:
    """Live processes of a session, from /proc/PID/stat (proc(5): state is field 3, session is field 6)."""
    wanted = str(session).encode()
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if not name.isdecimal():
            continue
        try:
            descriptor = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fields = os.read(descriptor, 4096).rpartition(b")")[2].split(None, 4)
        except OSError:
            continue
        finally:
            os.close(descriptor)
        if len(fields) > 3 and fields[3] == wanted and fields[0] not in {b"Z", b"X"}:
            yield int(name)


def _reap(child: subprocess.Popen[bytes]) -> None:
    """Collect the child; one that stays in the kernel after SIGKILL is left behind, not waited for."""
    try:
        child.wait(ABANDON_SECONDS)
    except subprocess.TimeoutExpired:
        child.returncode = -int(signal.SIGKILL)
