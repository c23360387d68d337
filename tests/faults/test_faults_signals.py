"""Ctrl-C, SIGTERM and SIGKILL at many moments: what stays behind, and what is said."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, Done, World, docker, document, sleepers, stub, until

OLD = b"the old file\n"
Child = subprocess.Popen[bytes]


def after(seconds: float) -> Callable[[Child], object]:
    """The moment some seconds after our first line has run; the command may have ended by then.

    Before that line the interpreter itself is still starting, and a signal gets its own answer.
    """

    def moment(child: Child) -> None:
        while child.poll() is None and not listens(child.pid):
            time.sleep(0.002)
        time.sleep(seconds)

    return moment


def listens(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, which Python never sets by itself."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << signal.SIGTERM - 1)


def judge(world: World, done: Done, *outputs: str) -> bool:
    """Insist on exit 130, one line, and nothing left; False when the command was faster than the signal."""
    done.quiet()
    if done.code == 0:
        assert outputs
        world.check(*outputs)
        for name in outputs:
            (world.cwd / name).unlink()
        return False
    said = [line for line in done.err.splitlines() if line.startswith("error[")]
    assert done.code == 130, done
    assert len(said) == 1, done
    assert said[0].startswith("error[E_INTERRUPTED]: "), done
    # Published whole in the last moment, or not at all.
    for name in os.listdir(world.cwd):
        assert name in outputs
        assert document(world.cwd / name)["schema_version"]
        (world.cwd / name).unlink()
    world.check()
    return True


MOMENTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2)
"""Seconds after our first line."""


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_snapshot_through_the_overlay(world: World, number: signal.Signals) -> None:
    arguments = ("snapshot", f"docker:{SMALL_A}", "-o", "a.json")
    hits = [judge(world, world.interrupt(*arguments, when=after(t), by=number), "a.json") for t in MOMENTS]
    assert any(hits)


@pytest.mark.docker
def test_a_snapshot_through_an_export(world: World, relay: str) -> None:
    """The engine through a port of this machine counts as another machine, so its image is exported."""
    arguments = ("snapshot", f"docker:{SMALL_A}", "--no-syft", "-o", "a.json", "--docker-host", relay)

    def exporting(_child: Child) -> None:
        until(world.containers)

    assert judge(world, world.interrupt(*arguments, when=exporting), "a.json")
    hits = [
        judge(world, world.interrupt(*arguments, when=after(t), by=signal.SIGTERM), "a.json")
        for t in (0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.0)
    ]
    assert any(hits)


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_run_that_sleeps(world: World, layered: str, number: signal.Signals) -> None:
    """The container, its anonymous volume and its processes go, also when it ignores SIGTERM."""
    token = f"7{int(number)}311.5"
    volumes: list[str] = []

    def running(_child: Child) -> None:
        until(lambda: sleepers(token))
        form = "{{range .Mounts}}{{.Name}} {{end}}"
        volumes.extend(docker("inspect", "--format", form, world.containers()[0]).split())

    script = f"mkdir /out; echo 1 > /out/x; trap '' TERM INT; sleep {token} & sleep {token}; wait"
    done = world.interrupt(
        *(
            "run",
            "--image",
            layered,
            "--no-syft",
            "--output",
            "/out",
            "-o",
            "run.json",
            "--input",
            "/etc/hostname:/in",
        ),
        *("--", "sh", "-c", script),
        when=running,
        by=number,
    )
    assert judge(world, done, "run.json")
    assert sleepers(token) == []
    assert volumes
    assert not set(volumes) & set(docker("volume", "ls", "--quiet").split())
    assert list((world.root / "state").rglob("manifests/*")) == []


@pytest.mark.docker
def test_a_run_at_many_moments(world: World) -> None:
    token = "0.31177"
    arguments = ("run", "--image", SMALL_A, "--no-syft", "--output", "/out", "-o", "run.json")
    script = f"mkdir /out; echo 1 > /out/x; sleep {token}"
    hits = []
    for index, moment in enumerate((0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.7)):
        by = signal.SIGTERM if index % 2 else signal.SIGINT
        hits.append(
            judge(
                world,
                world.interrupt(*arguments, "--", "sh", "-c", script, when=after(moment), by=by),
                "run.json",
            )
        )
    assert any(hits)
    assert sleepers(token) == []


@pytest.mark.docker
def test_a_verify(world: World) -> None:
    """In its run, and at many moments; the receipt is whole or not there."""
    token = "0.61178"
    script = f"mkdir /out; echo 1 > /out/x; sleep {token}"
    arguments = (
        "run",
        "--image",
        SMALL_A,
        "--no-syft",
        "--output",
        "/out",
        "-o",
        str(world.root / "run.json"),
    )
    assert world.run(*arguments, "--", "sh", "-c", script).code == 0
    verify = ("verify", str(world.root / "run.json"), "-o", "receipt.json")

    def running(_child: Child) -> None:
        until(lambda: sleepers(token))

    assert judge(world, world.interrupt(*verify, when=running), "receipt.json")
    for moment in (0.15, 0.3, 0.45, 0.9, 1.3):
        judge(world, world.interrupt(*verify, when=after(moment), by=signal.SIGTERM), "receipt.json")
    assert sleepers(token) == []


def test_a_local_run_ends_with_all_its_processes(world: World) -> None:
    """Also those that ignore SIGTERM."""
    token = "79311.25"
    script = f"echo 1 > x; trap '' TERM INT; sleep {token} & sleep {token} & wait; wait"
    arguments = ("run", "--engine", "local", "--no-syft", "--output", "x")
    done = world.interrupt(
        *arguments,
        *("--", "sh", "-c", script),
        when=lambda _child: until(lambda: len(sleepers(token)) == 2),
    )
    assert judge(world, done, "run.json")
    assert sleepers(token) == []


def test_a_syft_that_works_ends_too(world: World) -> None:
    token = "80311.25"
    (world.root / "rootfs").mkdir()
    path = stub(world.root / "syft", f"trap '' TERM INT; sleep {token} & wait; wait")
    done = world.interrupt(
        *("snapshot", f"rootfs:{world.root}/rootfs", "-o", "a.json"),
        when=lambda _child: until(lambda: sleepers(token)),
        environ={"REPROCHECK_SYFT": path},
    )
    assert judge(world, done, "a.json")
    assert sleepers(token) == []


def test_a_second_interrupt_does_not_disturb_the_clean_up(world: World) -> None:
    """Somebody who presses Ctrl-C ten times leaves no more behind than somebody who does so once."""
    token = "81311.25"
    arguments = ("run", "--engine", "local", "--no-syft", "--output", "x", "-o", "run.json")
    child = world.start(*arguments, "--", "sh", "-c", f"trap '' INT; sleep {token} & wait; wait")
    until(lambda: sleepers(token))
    for _ in range(10):
        child.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err.count(b"error[")) == (130, 1), (out, err)
    assert b"Traceback" not in err
    assert sleepers(token) == []
    world.check()


@pytest.mark.parametrize("moment", [0.03, 0.06, 0.09, 0.12, 0.15, 0.2])
def test_a_hasty_interrupt_prints_no_traceback(
    world: World, local_documents: tuple[bytes, bytes], moment: float
) -> None:
    """As soon as our own first line runs; before that, the interpreter alone answers."""
    (world.cwd / "run.json").write_bytes(local_documents[0])

    def ours(child: Child) -> None:
        # The entry script imports reprocheck right after the interpreter has read its site directories.
        until(lambda: child.poll() is not None or _heard(child.pid, signal.SIGTERM))
        time.sleep(moment)

    done = world.interrupt("graph", "run.json", when=ours)
    assert done.code in (0, 130), done
    done.quiet()
    world.check("run.json")


def _heard(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal (proc(5), SigCgt)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_what_the_caller_ignores_stays_ignored(world: World) -> None:
    """`nohup reprocheck run ...` survives the end of the terminal."""
    arguments = (
        "run",
        "--engine",
        "local",
        "--no-syft",
        "--output",
        "x",
        "--",
        "sh",
        "-c",
        "sleep 1; echo 1 > x",
    )
    child = world.start(*arguments, prefix=("sh", "-c", 'trap \'\' HUP; exec "$0" "$@"'))
    time.sleep(1)
    child.send_signal(signal.SIGHUP)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    world.check("run.json")


@pytest.mark.parametrize("force", [True, False])
def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new(world: World, force: bool) -> None:
    """SIGKILL cannot be answered; the output is then absent, old or complete, never half."""
    (world.root / "rootfs/etc").mkdir(parents=True)
    target = world.cwd / "a.json"
    for step in range(10):
        if force:
            target.write_bytes(OLD)
        child = world.start(
            *("snapshot", f"rootfs:{world.root}/rootfs", "--no-syft", "-o", "a.json"), *(["--force"] * force)
        )
        time.sleep(0.08 + step * 0.015)
        child.kill()
        child.communicate()
        found = target.read_bytes() if target.exists() else None
        if found is not None and found != OLD:
            assert document(target)["schema_version"]
            target.unlink()
        assert found is not None or not force


def test_a_kill_of_a_run_leaves_the_old_file(world: World) -> None:
    token = "82311.25"
    (world.cwd / "run.json").write_bytes(OLD)
    child = world.start(
        *("run", "--engine", "local", "--no-syft", "--output", "x", "--force", "--"), "sleep", token
    )
    until(lambda: sleepers(token))
    child.kill()
    child.communicate()
    for pid in sleepers(token):
        os.kill(pid, signal.SIGKILL)
    assert (world.cwd / "run.json").read_bytes() == OLD
