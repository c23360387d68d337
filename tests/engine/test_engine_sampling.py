"""Looking at real processes of this machine from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reprocheck.engine import sampling
from reprocheck.engine.container_processes import descendants_of
from reprocheck.engine.local_processes import LocalProcesses
from reprocheck.engine.process_maps import (
    executable_of,
    facts_of,
    identity_of,
    mappings_of,
    mount_of,
    parse_maps,
)
from reprocheck.engine.sampling import Sampler
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.library import LibraryFacts
from reprocheck.model.sighting import SampledProcess
from reprocheck.ports import FileWindow, ViewError

MARK = "REPROCHECK_TEST_MARK=sampling"
READY = "import sys; print('ready', flush=True); sys.stdin.read()"


def read(path: str, window: FileWindow) -> LibraryFacts:
    """Know ELF files by their first bytes, nothing more."""
    if window.read(0, 4) != b"\x7fELF":
        raise ViewError("is no ELF file")
    return LibraryFacts(soname=path.rpartition("/")[2])


@contextmanager
def child(code: str = READY, *, marked: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A Python that has said that it is ready and waits."""
    name, _, value = MARK.partition("=")
    environ = {**os.environ, **({name: value} if marked else {})}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def sampler(
    pids: Callable[[], tuple[int, ...]], *, written: bool = False, limits: Limits = DEFAULT
) -> Sampler:
    return Sampler(pids, is_written=lambda _: written, read=read, limits=limits)


def test_maps_are_read_line_by_line() -> None:
    raw = (
        b"55d0-55d1 r--p 00000000 fe:00 1   /usr/bin/x\n"
        b"55d1-55d2 r-xp 00001000 fe:00 1   /usr/bin/x\n"
        b"55d2-55d3 r-xp 00001000 fe:00 1   /usr/bin/x\n"
        b"7f00-7f01 r-xp 00000000 fe:00 2   /lib/a b.so (deleted)\n"
        b"7f01-7f02 r-xp 00000000 fe:00 3   /lib/\xff\\012.so\n"
        b"7f02-7f03 rwxp 00000000 00:01 4   /memfd:jit (deleted)\n"
        b"7f03-7f04 rwxp 00000000 00:00 0 \n"
        b"7ffe-7fff r-xp 00000000 00:00 0   [vdso]\n"
        b"nonsense\n"
    )
    assert [tuple(found) for found in parse_maps(raw)] == [
        ("/usr/bin/x", False, "55d1-55d2"),
        ("/lib/a b.so", True, "7f00-7f01"),
        ("/lib/\\xff\n.so", False, "7f01-7f02"),
    ]


def test_the_innermost_mount_counts() -> None:
    points = ("/", "/data", "/data/deep", "/da")
    assert mount_of("/data/deep/x", points) == "/data/deep"
    assert mount_of("/database/x", points) == "/"
    assert mount_of("/data", points) == "/data"


def test_a_process_is_known_by_number_and_start() -> None:
    with child() as process:
        identity = identity_of(process.pid)
        assert identity is not None
        assert identity.parent == os.getpid()
        assert identity == identity_of(process.pid)
        assert executable_of(process.pid) == os.path.realpath(sys.executable)
        assert process.pid in set(descendants_of(os.getpid()))
    with pytest.raises(OSError, match=str(process.pid)):
        identity_of(process.pid)


def test_facts_hold_the_digest_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    facts = facts_of(os.open(tmp_path / "x", os.O_RDONLY), "/x", read)
    assert facts.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_look_shows_program_and_libraries() -> None:
    with child() as process:
        looking = sampler(lambda: (process.pid, 2**22 + 1))
        looking.look()
    (seen,) = looking.processes()
    assert seen.executable == os.path.realpath(sys.executable)
    assert any("/libc.so" in file.path or "ld-musl" in file.path for file in seen.files)
    assert looking.problem == ""
    assert [file.path for file in seen.files] == sorted(file.path for file in seen.files)


def test_a_library_of_the_run_is_read_even_after_its_name_is_gone(tmp_path: Path) -> None:
    libraries = [Path(mapping.path) for mapping in mappings_of(os.getpid()) if ".so" in mapping.path]
    copy = tmp_path / "copy.so"
    copy.write_bytes(min(libraries, key=lambda path: path.stat().st_size).read_bytes())
    code = (
        "import ctypes, mmap, os, sys\n"
        f"file = open({str(copy)!r}, 'rb')\n"
        "held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC)\n"
        f"os.unlink({str(copy)!r})\n" + READY
    )
    with child(code) as process:
        looking = sampler(lambda: (process.pid,))
        looking.look()
    (seen,) = looking.processes()
    assert [file.gone for file in seen.files if file.path == str(copy)] == [True]
    if os.geteuid() == 0:
        assert looking.facts[str(copy)].soname == "copy.so"


def test_only_so_many_processes_are_kept() -> None:
    with child() as one, child() as two:
        looking = sampler(lambda: (one.pid, two.pid), limits=Limits(observed_processes=1))
        looking.look()
    assert len(looking.processes()) == 1
    assert "limit of 1" in looking.problem


def test_the_thread_sees_what_comes_later() -> None:
    pids: list[int] = []
    looking = sampler(lambda: tuple(pids))
    looking.start()
    with child() as process:
        pids.append(process.pid)
        deadline = time.monotonic() + 30
        while not looking.processes() and time.monotonic() < deadline:
            time.sleep(0.01)
    looking.stop()
    found: tuple[SampledProcess, ...] = looking.processes()
    assert len(found) == 1


def test_what_vanishes_or_is_hidden_ends_nothing() -> None:
    def hidden() -> tuple[int, ...]:
        raise PermissionError

    looking = sampler(hidden)
    looking.start()
    looking.stop()
    assert looking.processes() == ()
    assert "not visible" in looking.problem


def test_a_look_that_hangs_is_not_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PATIENCE", 0.05)
    released = threading.Event()

    def hung() -> tuple[int, ...]:
        released.wait(30)
        return ()

    looking = sampler(hung)
    looking.start()
    looking.stop()
    released.set()
    assert "did not end" in looking.problem


def test_local_processes_are_told_by_their_mark() -> None:
    local = LocalProcesses(MARK.encode())
    with child() as one, child(marked=False) as other:
        found = local()
        assert one.pid in found
        assert other.pid not in found
        assert os.getpid() not in found
    assert one.pid not in local()
