"""Where results go: existing files, directories, full and read-only disks, closed and broken pipes.

The program of a run leaves a mark on this machine, so that a test can tell that nothing was started.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.harness import World, document, full_disk, obeying_modes

OLD = b"the old file\n"
RUN = ("run", "--engine", "local", "--no-syft", "--output", "x")


@pytest.fixture
def small(world: World) -> World:
    """A world with a tiny root file system to take snapshots of, and a program that leaves a mark."""
    (world.root / "rootfs/etc").mkdir(parents=True)
    (world.root / "rootfs/etc/os-release").write_text('ID=tiny\nVERSION_ID="1"\n', encoding="utf-8")
    return world


def snapshot(world: World) -> tuple[str, ...]:
    return ("snapshot", f"rootfs:{world.root}/rootfs", "--no-syft")


def marking(world: World) -> tuple[str, ...]:
    return ("--", "sh", "-c", f"echo 1 > x; : > {world.root}/mark")


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(path.parent, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


TARGETS: dict[str, tuple[Callable[[Path], object], int, str, str]] = {
    "an existing file": (lambda p: p.write_bytes(OLD), 2, "E_EXISTS", "--force"),
    "a directory": (lambda p: p.mkdir(), 2, "E_NOT_A_FILE", "a directory"),
    "a link": (lambda p: p.symlink_to("nowhere"), 2, "E_NOT_A_FILE", "link"),
    "a FIFO": (os.mkfifo, 2, "E_NOT_A_FILE", "FIFO"),
    "a socket": (socket_at, 2, "E_NOT_A_FILE", "socket"),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_what_lies_there_is_kept_and_told_before_any_work(small: World, kind: str) -> None:
    make, exit_code, code, words = TARGETS[kind]
    make(small.cwd / "o.json")
    before = os.lstat(small.cwd / "o.json")
    small.run(*RUN, "-o", "o.json", *marking(small)).failed(exit_code, code, "o.json", words)
    small.run(*snapshot(small), "-o", "o.json").failed(exit_code, code, "o.json", words)
    after = os.lstat(small.cwd / "o.json")
    assert (before.st_ino, before.st_mode, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_mode,
        after.st_size,
        after.st_mtime_ns,
    )
    assert not (small.root / "mark").exists()
    small.check("o.json")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("gone/o.json", "E_NO_DIRECTORY"),
        ("file/o.json", "E_NO_DIRECTORY"),
        ("", "E_NOT_A_FILE"),
        (".", "E_NOT_A_FILE"),
        ("gone/", "E_NOT_A_FILE"),
        ("x" * 300, "E_NOT_WRITABLE"),
        ("/proc/o.json", "E_NOT_WRITABLE"),
    ],
)
def test_a_place_that_cannot_be_is_told_before_any_work(small: World, path: str, code: str) -> None:
    (small.cwd / "file").write_bytes(OLD)
    for done in (
        small.run(*RUN, "-o", path, *marking(small)),
        small.run(*snapshot(small), "-o", path, "--force"),
    ):
        done.failed(3 if code == "E_NOT_WRITABLE" else 2, code)
    assert not (small.root / "mark").exists()
    small.check("file")


def test_the_default_file_of_run_is_kept_too(small: World) -> None:
    (small.cwd / "run.json").write_bytes(OLD)
    small.run(*RUN, *marking(small)).failed(2, "E_EXISTS", "run.json", "--force")
    assert (small.cwd / "run.json").read_bytes() == OLD
    assert not (small.root / "mark").exists()
    small.check("run.json")


def test_force_replaces_whole(small: World) -> None:
    """A replaced file keeps its mode, and a link to the old one keeps the old."""
    target = small.cwd / "o.json"
    target.write_bytes(OLD)
    target.chmod(0o640)
    os.link(target, small.cwd / "link")
    done = small.run(*snapshot(small), "-o", "o.json", "--force")
    assert done.code == 0, done
    assert document(target)["os"]["id"] == "tiny"
    assert target.stat().st_mode & 0o777 == 0o640
    assert (small.cwd / "link").read_bytes() == OLD
    small.check("link", "o.json")


@pytest.mark.parametrize("verb", ["show", "diff", "graph", "check", "verify"])
def test_every_verb_that_writes_keeps_an_existing_file(
    world: World, local_documents: tuple[bytes, bytes], verb: str
) -> None:
    (world.cwd / "run.json").write_bytes(local_documents[0])
    if verb == "show":  # it has no -o, so that nothing can be overwritten
        world.run("show", "run.json", "-o", "o.json").failed(2, "E_USAGE", "-o")
        world.check("run.json")
        return
    (world.cwd / "o.json").write_bytes(OLD)
    files = ("run.json", "run.json") if verb == "diff" else ("run.json",)
    world.run(verb, *files, "-o", "o.json").failed(2, "E_EXISTS", "o.json", "--force")
    # A result must not silently replace what it was made from, either.
    world.run(verb, *files, "-o", "run.json").failed(2, "E_EXISTS", "run.json")
    assert (world.cwd / "o.json").read_bytes() == OLD
    assert (world.cwd / "run.json").read_bytes() == local_documents[0]
    world.check("o.json", "run.json")


def test_a_read_only_directory_is_told_before_any_work(small: World) -> None:
    small.cwd.chmod(0o555)
    prefix = obeying_modes()
    small.run(*RUN, *marking(small), prefix=prefix).failed(3, "E_NOT_WRITABLE", "run.json")
    small.run(*snapshot(small), "-o", "o.json", prefix=prefix).failed(3, "E_NOT_WRITABLE", "o.json")
    small.cwd.chmod(0o755)
    assert not (small.root / "mark").exists()
    small.check()


def test_a_read_only_store_is_told_before_any_work(small: World) -> None:
    (small.root / "state").chmod(0o555)
    done = small.run(*RUN, *marking(small), prefix=obeying_modes())
    (small.root / "state").chmod(0o755)
    done.failed(3, "E_NOT_WRITABLE", f"{small.root}/state")
    assert not (small.root / "mark").exists()
    small.check()


def test_a_full_disk_leaves_the_old_file(small: World) -> None:
    """The disk has room for the probe before the work, not for the result after it."""
    with full_disk(small.root / "full", free=0, files={"old.json": OLD}) as prefix:
        place = small.root / "full"
        before = sorted(os.listdir(place))
        done = small.run(*snapshot(small), "-o", f"{place}/old.json", "--force", prefix=prefix)
        done.failed(3, "E_DISK_FULL", "old.json", "untouched")
        done = small.run(*snapshot(small), "-o", f"{place}/new.json", prefix=prefix)
        done.failed(3, "E_DISK_FULL", "new.json")
        assert (place / "old.json").read_bytes() == OLD
        assert sorted(os.listdir(place)) == before
    small.check()


def test_a_full_temporary_directory_is_told(small: World) -> None:
    """A local run copies its inputs there."""
    (small.root / "input").write_bytes(bytes(200_000))
    with full_disk(small.root / "tmp", free=65_536) as prefix:
        done = small.run(*RUN, "--input", f"{small.root}/input:input", *marking(small), prefix=prefix)
        assert [name for name in os.listdir(small.root / "tmp") if name != "filler"] == []
    done.failed(3, "E_DISK_FULL")
    assert not (small.root / "mark").exists()
    small.check()


def test_a_full_store_loses_no_record(small: World) -> None:
    """The kept copy of an output does not fit: that is told, and the record of the run is there."""
    with full_disk(small.root / "state", free=65_536) as prefix:
        done = small.run(*RUN, "--", "sh", "-c", "head -c 300000 /dev/urandom > x", prefix=prefix)
        assert [path for path in (small.root / "state/objects").rglob("*") if path.is_file()] == []
    assert done.code == 3
    assert "error[E_DISK_FULL]: the record is whole" in done.err
    done.quiet()
    assert document(small.cwd / "run.json")["run"]["outputs"][0]["size"] == 300_000
    small.check("run.json")


OUTPUTS = (("snapshot",), ("show", "run.json"), ("run",), ("verify", "run.json"), ("--help",), ("explain",))


@pytest.fixture
def recorded(small: World, local_documents: tuple[bytes, bytes]) -> World:
    (small.cwd / "run.json").write_bytes(local_documents[0])
    return small


def full_words(world: World, words: tuple[str, ...]) -> tuple[str, ...]:
    """Spell out a short name of a command that prints something."""
    match words:
        case ("snapshot",):
            return (*snapshot(world), "-o", "-")
        case ("run",):
            return (*RUN, "-o", "-", "--", "sh", "-c", "echo 1 > x; seq 20000")
        case ("verify", _):
            return (*words, "--yes", "--unsandboxed")
        case _:
            return words


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_full_disk_behind_standard_output_is_told(recorded: World, words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = recorded.run(*full_words(recorded, words), streams={"stdout": full})
    last = done.err.splitlines()[-1]
    assert (done.code, last[:19]) == (3, "error[E_DISK_FULL]:"), done
    assert "standard output" in last
    done.quiet()
    recorded.check("run.json")


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_closed_standard_output_is_no_bug(recorded: World, words: tuple[str, ...]) -> None:
    """Started with `>&-`: a result that goes nowhere is told, and what has none does not care."""
    shell = ("sh", "-c", 'exec "$0" "$@" >&-')
    done = recorded.run(*full_words(recorded, words), prefix=shell)
    assert done.code in ((0, 3) if words in (("--help",), ("explain",)) else (3,)), done
    assert "E_BUG" not in done.err
    done.quiet()
    recorded.check("run.json")


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_closed_standard_error_is_no_bug(recorded: World, words: tuple[str, ...]) -> None:
    shell = ("sh", "-c", 'exec "$0" "$@" 2>&-')
    done = recorded.run(*full_words(recorded, words), prefix=shell)
    assert done.code == 0, done
    recorded.check("run.json")


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_reader_that_goes_away_is_met_quietly(recorded: World, words: tuple[str, ...]) -> None:
    """As `| head -1`: no word of complaint."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = recorded.run(*full_words(recorded, words), streams={"stdout": write_end})
    os.close(write_end)
    assert done.code in (0, 141), done
    assert not [line for line in done.err.splitlines() if "error[" in line], done
    done.quiet()
    recorded.check("run.json")


def test_a_reader_that_goes_away_does_not_end_the_training(small: World) -> None:
    """`reprocheck run ... | head -1` still ends in a whole record."""
    child = small.start(*RUN, "-o", "run.json", "--", "sh", "-c", "seq 100000; echo 1 > x; seq 100000")
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdout.readline() == b"1\n"
    child.stdout.close()
    with child.stderr as stream:
        err = stream.read()
    assert child.wait(30) == 0, err
    assert document(small.cwd / "run.json")["run"]["outputs"][0]["name"] == "x"
    small.check("run.json")


def test_a_full_disk_behind_the_programs_output_does_not_end_the_training(small: World) -> None:
    with open("/dev/full", "wb") as full:
        program = ("--", "sh", "-c", "seq 1000; echo 1 > x; seq 1000")
        done = small.run(*RUN, "-o", "run.json", *program, streams={"stdout": full})
    assert done.code == 0, done
    done.quiet()
    assert document(small.cwd / "run.json")["run"]["exit_code"] == 0
    small.check("run.json")
