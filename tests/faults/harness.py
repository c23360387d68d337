"""Runs the installed `reprocheck` in a world of its own and judges what it leaves and what it says.

Every run gets its own state, HOME, TMPDIR and working directory. `World.check` looks for leftovers: files
and containers, which carry the process number of the command that made them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("reprocheck"))
SMALL_A = "reprocheck-fixture/small-a"
SOCKET = "/var/run/docker.sock"
PATIENCE = 60
"""Seconds after which a command counts as hanging."""
ERROR = re.compile(r"error\[(E_[A-Z_]+)\]: (.+)\. ([^ ].*[.)\w])\n")
"""One line: code, message (what, where, what was left), next step."""
UNSANDBOXED = "running in a plain process: nothing is sandboxed; of the limits only --timeout applies\n"
"""What every local run says first."""
LABEL = "io.reprocheck."
WITHOUT_OVERRIDE = (
    "setpriv",
    "--inh-caps=-all",
    "--bounding-set=-dac_override,-dac_read_search",
)
"""Root then obeys file modes like anybody, and still reads its own Python."""
AS_NOBODY = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
"""Another user, who may read (Python may lie in root's home) but not write, nor use a socket."""


def obeying_modes() -> tuple[str, ...]:
    """Give the words before a command that make file modes count for this user."""
    return WITHOUT_OVERRIDE if os.geteuid() == 0 else ()


def as_nobody() -> tuple[str, ...]:
    """Give the words before a command that take away the rights of root and of its groups."""
    return AS_NOBODY if os.geteuid() == 0 else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    argv: tuple[str, ...]
    pid: int
    code: int
    out: str
    err: str

    def failed(self, exit_code: int, code: str, *names: str) -> None:
        """Insist on one error line with this code that names these things, and on nothing else."""
        assert self.code == exit_code, self
        found = ERROR.fullmatch(self.err.removeprefix(UNSANDBOXED))
        assert found, f"not one line with what, where and a next step: {self.err!r} {self.out!r}"
        assert found[1] == code, self.err
        self.quiet()
        for name in names:
            assert name in self.err, (name, self.err)

    def quiet(self) -> None:
        """Insist on no traceback and nothing that a terminal acts on, in both streams."""
        for text in (self.out, self.err):
            assert "Traceback" not in text, text
            assert "Exception ignored" not in text, text
            assert not acting(text), (acting(text), text)


def acting(text: str) -> list[str]:
    """List the characters of a text that a terminal acts on, or that hide or reorder others."""
    kinds = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return [f"U+{ord(c):04X}" for c in text if c != "\n" and unicodedata.category(c) in kinds]


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Directories that belong to one test alone, and the environment that leads there."""

    root: Path
    environ: dict[str, str]
    seen: set[int] = field(default_factory=set)
    """Process numbers of every command that was run."""

    @classmethod
    def at(cls, root: Path) -> World:
        """Make a world below an empty directory."""
        for name in ("cwd", "home", "state", "tmp"):
            (root / name).mkdir(parents=True)
        kept = ("PATH", "LANG", "SYSTEMROOT", "REPROCHECK_SYFT", "DOCKER_HOST")
        environ = {name: os.environ[name] for name in kept if name in os.environ}
        return cls(
            root=root,
            environ={
                **environ,
                "HOME": str(root / "home"),
                "TMPDIR": str(root / "tmp"),
                "REPROCHECK_STATE": str(root / "state"),
            },
        )

    @property
    def cwd(self) -> Path:
        """Working directory of every command."""
        return self.root / "cwd"

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str | None] | None = None,
        prefix: Iterable[str] = (),
        streams: Mapping[str, Any] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start the command; a variable that is None is taken away."""
        variables = {**self.environ, **(environ or {})}
        child = subprocess.Popen(
            [*prefix, COMMAND, *arguments],
            cwd=self.cwd,
            env={name: value for name, value in variables.items() if value is not None},
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **(streams or {}),
            },
        )
        self.seen.add(child.pid)
        return child

    def run(
        self,
        *arguments: str,
        environ: Mapping[str, str | None] | None = None,
        prefix: Iterable[str] = (),
        streams: Mapping[str, Any] | None = None,
        stdin: bytes | None = None,
        seconds: int = PATIENCE,
    ) -> Done:
        """Run the command to its end; it must come within `seconds`."""
        if stdin is not None:
            streams = {**(streams or {}), "stdin": subprocess.PIPE}
        child = self.start(*arguments, environ=environ, prefix=prefix, streams=streams)
        try:
            out, err = child.communicate(stdin, timeout=seconds)
        finally:
            child.kill()
        return _done(child, arguments, out, err)

    def interrupt(
        self,
        *arguments: str,
        when: Callable[[subprocess.Popen[bytes]], object],
        by: signal.Signals = signal.SIGINT,
        environ: Mapping[str, str | None] | None = None,
    ) -> Done:
        """Send a signal to the command when `when` returns."""
        child = self.start(*arguments, environ=environ)
        try:
            when(child)
            child.send_signal(by)
            out, err = child.communicate(timeout=PATIENCE)
        finally:
            child.kill()
        return _done(child, arguments, out, err)

    def check(self, *outputs: str) -> None:
        """Insist on nothing left but the named outputs: no file, no container of this world's commands."""
        assert sorted(os.listdir(self.cwd)) == sorted(outputs)
        assert os.listdir(self.root / "tmp") == []
        assert [str(p) for p in (self.root / "state").rglob(".reprocheck-*")] == []
        if shutil.which("docker"):
            assert self.containers() == []

    def containers(self) -> list[str]:
        """Ids of containers that commands of this world have made, running or not."""
        rows = docker("ps", "--all", "--no-trunc", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}pid"}}}}')
        mine = {str(pid) for pid in self.seen}
        return [row.split()[0] for row in rows.splitlines() if row.split()[1:] and row.split()[1] in mine]


def _done(child: subprocess.Popen[bytes], arguments: tuple[str, ...], out: bytes, err: bytes) -> Done:
    return Done(
        argv=arguments,
        pid=child.pid,
        code=child.returncode,
        out=(out or b"").decode("utf-8", "surrogateescape"),
        err=(err or b"").decode("utf-8", "surrogateescape"),
    )


def docker(*arguments: str, stdin: bytes | None = None) -> str:
    """Call the docker command line; '' when no engine answers."""
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, check=False, timeout=120)
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def build(dockerfile: str, context: Path) -> str:
    """Build an image of the files in `context`, without a network, and return its name."""
    name = f"reprocheck-faults/{uuid.uuid4().hex}"
    (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    done = subprocess.run(
        ["docker", "build", "--network", "none", "--force-rm", "-q", "-t", name, str(context)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return name


@contextmanager
def image(dockerfile: str, context: Path) -> Iterator[str]:
    """Build an image and remove it afterwards."""
    name = build(dockerfile, context)
    try:
        yield name
    finally:
        docker("image", "rm", "--force", name)


@contextmanager
def full_disk(
    place: Path, *, free: int, files: Mapping[str, bytes] | None = None
) -> Iterator[tuple[str, ...]]:
    """Make a directory on a small disk with `free` bytes left; give the words before the command.

    Without root, who can mount one, a limit on the size of files stands for it.
    """
    place.mkdir(exist_ok=True)
    root = os.geteuid() == 0
    if root:
        options = f"size={free + 65536},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        for name, content in (files or {}).items():
            (place / name).write_bytes(content)
        if root:
            left = os.statvfs(place)
            (place / "filler").write_bytes(bytes(left.f_bavail * left.f_frsize - free))
        yield () if root else ("prlimit", f"--fsize={max(free, 512)}")
    finally:
        if root:
            subprocess.run(["umount", place], check=True)


@contextmanager
def relayed(path: str) -> Iterator[str]:
    """Listen on a loopback port and pass every connection on to a Unix socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=_accept, args=(server, path), daemon=True)
        accepting.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        accepting.join(10)


def _accept(server: socket.socket, path: str) -> None:
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            pair = [
                threading.Thread(target=_pass_on, args=(a, b), daemon=True)
                for a, b in ((near, far), (far, near))
            ]
            for thread in pair:
                thread.start()
            threading.Thread(target=_hang_up, args=(near, far, pair), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _hang_up(near: socket.socket, far: socket.socket, pair: list[threading.Thread]) -> None:
    for thread in pair:
        thread.join()
    near.close()
    far.close()


def until(question: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until the answer is true; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def sleepers(seconds: str) -> list[int]:
    """Processes of this machine, containers' too, that are `sleep SECONDS`; an odd number is a test's own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(int(path.parent.name))
    return found


def stub(path: Path, script: str) -> str:
    """Write an executable shell script and return its path."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def on_terminal(world: World, *arguments: str, columns: int = 100) -> str:
    """Run a command on a pseudo terminal and return what reached the screen, without the line ends."""
    master, slave = os.openpty()
    chunks: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # the last writer has gone
            while chunk := os.read(master, 65536):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    environ = {"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    child = world.start(
        *arguments, environ=environ, streams={"stdin": slave, "stdout": slave, "stderr": slave}
    )
    os.close(slave)
    try:
        child.wait(PATIENCE)
    finally:
        child.kill()
        reader.join(10)
        os.close(master)
    return b"".join(chunks).decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def document(path: Path) -> dict[str, Any]:
    """Read a JSON file of ours."""
    found = json.loads(path.read_bytes())
    assert isinstance(found, dict)
    return found
