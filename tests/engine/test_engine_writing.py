"""A result is written whole or not at all, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprocheck.engine.copying import copy_tree
from reprocheck.engine.writing import check_writable, scratch_directory, write_atomic
from reprocheck.errors import CouldNotRun, InputFault, ReprocheckError, UsageFault

PYTHON = (sys.executable, "-c")


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def code(path: Path | str, data: bytes = b"new", *, force: bool = False) -> str:
    with pytest.raises(ReprocheckError) as caught:
        write_atomic(str(path), data, force=force)
    return caught.value.code


def child(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PYTHON, script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_new_file_is_written_with_the_usual_mode(tmp_path: Path) -> None:
    write_atomic(str(tmp_path / "a.json"), b"data")
    assert (tmp_path / "a.json").read_bytes() == b"data"
    assert (tmp_path / "a.json").stat().st_mode & 0o7777 == 0o644
    os.umask(0o077)
    write_atomic(str(tmp_path / "b.json"), b"")
    assert (tmp_path / "b.json").stat().st_mode & 0o7777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["a.json", "b.json"]


def test_a_check_beforehand_says_what_the_write_would_say_and_leaves_nothing(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []
    (tmp_path / "a").write_bytes(b"old")
    check_writable(str(tmp_path / "a"), force=True)
    with pytest.raises(UsageFault, match="kept"):
        check_writable(str(tmp_path / "a"))
    with pytest.raises(UsageFault, match="directory"):
        check_writable(str(tmp_path / "none/a"))
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_plain_name_lies_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic("a.json", b"data")
    assert (tmp_path / "a.json").read_bytes() == b"data"


def test_an_existing_file_is_kept_without_force(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(0o600)
    assert code(target) == "E_EXISTS"
    assert target.read_bytes() == b"old"
    write_atomic(str(target), b"new", force=True)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a"]


def test_force_writes_a_file_that_does_not_exist_yet(tmp_path: Path) -> None:
    write_atomic(str(tmp_path / "a"), b"new", force=True)
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_links_directories_and_devices_are_not_written_to(tmp_path: Path, *, force: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "link", tmp_path / "dangling", tmp_path / "pipe", tmp_path, "/dev/full"):
        assert code(target, force=force) == "E_NOT_A_FILE"
    assert code(f"{tmp_path}/", force=force) == "E_NOT_A_FILE"
    assert victim.read_bytes() == b"old"
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "none").exists()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert code(tmp_path / "none" / "a") == "E_NO_DIRECTORY"
    (tmp_path / "file").write_bytes(b"")
    assert code(tmp_path / "file" / "a") == "E_NO_DIRECTORY"
    assert code(str(tmp_path / "a\0b" / "c")) == "E_NOT_WRITABLE"


def test_a_name_that_is_too_long_is_an_error_of_ours(tmp_path: Path) -> None:
    assert code(tmp_path / ("n" * 300)) == "E_NOT_WRITABLE"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "E_DISK_FULL"),
        (errno.EDQUOT, "E_DISK_FULL"),
        (errno.EIO, "E_NOT_WRITABLE"),
        (errno.EROFS, "E_NOT_WRITABLE"),
        (errno.EACCES, "E_NOT_WRITABLE"),
    ],
)
@pytest.mark.parametrize(
    ("call", "force"),
    [
        *((call, False) for call in ("open", "write", "fsync", "link")),
        *((call, True) for call in ("open", "write", "fsync", "replace")),
    ],
)
def test_every_failing_call_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, force: bool, number: int, expected: str
) -> None:
    target = tmp_path / "a"
    if force:
        target.write_bytes(b"old")
    real = os.open

    def fail(*arguments: object, **_named: object) -> int:
        if call == "open" and not str(arguments[0]).endswith(".tmp"):
            return real(str(arguments[0]), int(str(arguments[1])))
        raise OSError(number, "injected")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        found = code(target, force=force)
    assert found == expected
    assert os.listdir(tmp_path) == (["a"] if force else [])
    assert not force or target.read_bytes() == b"old"


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:1])))
    write_atomic(str(tmp_path / "a"), b"whole content")
    assert (tmp_path / "a").read_bytes() == b"whole content"


def test_a_file_system_without_hard_links_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    write_atomic(str(tmp_path / "a"), b"data")
    assert (tmp_path / "a").read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["a"]


def test_a_directory_that_does_not_sync_leaves_the_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def sync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.EIO, "injected")

    monkeypatch.setattr(os, "fsync", sync)
    assert code(tmp_path / "a") == "E_NOT_DURABLE"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    """The kernel's own error, not an injected one: RLIMIT_FSIZE cuts the write short, then EFBIG."""
    script = (
        "import sys, resource; from reprocheck.engine.writing import write_atomic\n"
        "from reprocheck.errors import CouldNotRun\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try: write_atomic(sys.argv[1], b'x' * 5000, force=True)\n"
        "except CouldNotRun as error: sys.stdout.write(error.code)\n"
    )
    (tmp_path / "a").write_bytes(b"old")
    with child(script, str(tmp_path / "a")) as process:
        out, err = process.communicate(timeout=60)
    assert (out, err) == (b"E_DISK_FULL", b"")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 1000


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    script = (
        "import os, sys; from reprocheck.engine import writing\n"
        "real = os.fsync\n"
        "def stop(fd):\n"
        "    sys.stdout.write('ready\\n'); sys.stdout.flush(); import time; time.sleep(60)\n"
        "os.fsync = stop\n"
        "writing.write_atomic(sys.argv[1], b'new' * 1000, force=True)\n"
    )
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with child(script, str(target)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    assert target.read_bytes() == b"old"
    write_atomic(str(target), b"again", force=True)
    assert target.read_bytes() == b"again"


def test_of_many_writers_without_force_one_wins(tmp_path: Path) -> None:
    results: list[str] = []

    def write(number: int) -> None:
        try:
            write_atomic(str(tmp_path / "a"), b"%d" % number * 1000)
            results.append("won")
        except UsageFault as error:
            results.append(error.code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["E_EXISTS"] * 7 + ["won"]
    assert len(set((tmp_path / "a").read_bytes())) == 1
    assert os.listdir(tmp_path) == ["a"]


STDOUT = (
    "import sys; from reprocheck.engine.writing import write_stdout\n"
    "from reprocheck.errors import CouldNotRun\n"
    "try: write_stdout(b'x' * 300000)\n"
    "except CouldNotRun as error: sys.stderr.write(error.code); sys.exit(error.exit_code)\n"
)


def test_standard_output_gets_every_byte() -> None:
    done = subprocess.run([*PYTHON, STDOUT], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"x" * 300000


def test_a_full_standard_output_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PYTHON, STDOUT], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (3, b"E_DISK_FULL")


def test_a_closed_standard_output_is_an_error() -> None:
    script = f"import sys; sys.stdout = None\n{STDOUT}"
    done = subprocess.run([*PYTHON, script], stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (3, b"E_NOT_WRITABLE")


def test_a_reader_that_went_away_is_quiet() -> None:
    with child(STDOUT) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def hostile_content(root: Path, *, then: BaseException | None = None) -> None:
    (root / "closed/inner").mkdir(parents=True)
    (root / "closed/inner/file").write_bytes(b"")
    (root / "closed/inner").chmod(0)
    (root / "closed").chmod(0)
    os.mkfifo(root / "pipe")
    if then is not None:
        raise then


def test_a_scratch_directory_is_private_and_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    with scratch_directory() as place:
        assert Path(place).stat().st_mode & 0o777 == 0o700
        hostile_content(Path(place))
        (Path(place) / "link").symlink_to(outside)
    assert os.listdir(tmp_path) == ["outside"]
    assert (outside / "kept").read_bytes() == b"kept"
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_a_scratch_directory_goes_away_on_every_exit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(error), scratch_directory() as place:
        hostile_content(Path(place), then=error())
    assert os.listdir(tmp_path) == []


def test_a_tree_deeper_than_any_path_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,500 levels: longer than PATH_MAX and deeper than Python's recursion limit."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    here = os.open(".", os.O_RDONLY)
    try:
        with scratch_directory() as place:
            os.chdir(place)
            for _ in range(2500):
                os.mkdir("dd")
                os.chdir("dd")
            os.fchdir(here)
    finally:
        os.fchdir(here)
        os.close(here)
    assert os.listdir(tmp_path) == []


def test_a_temporary_directory_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(CouldNotRun) as caught, scratch_directory():
        pass
    assert caught.value.code == "E_NOT_WRITABLE"


def test_a_tree_is_copied_with_links_as_links(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "read-only").mkdir(parents=True)
    (source / "read-only/run.sh").write_bytes(b"#!/bin/sh\n")
    (source / "read-only/run.sh").chmod(0o755)
    (source / "link").symlink_to("/etc/passwd")
    os.utime(source / "read-only/run.sh", (1000, 2000))
    (source / "read-only").chmod(0o555)
    copy_tree(str(source), str(tmp_path / "copy"))
    copied = tmp_path / "copy/read-only/run.sh"
    assert copied.read_bytes() == b"#!/bin/sh\n"
    assert copied.stat().st_mode & 0o777 == 0o755
    assert copied.stat().st_mtime == 2000
    assert (tmp_path / "copy/read-only").stat().st_mode & 0o777 == 0o555
    assert os.readlink(tmp_path / "copy/link") == "/etc/passwd"
    (tmp_path / "copy/read-only").chmod(0o755)
    (source / "read-only").chmod(0o755)


def test_a_single_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    (tmp_path / "link").symlink_to("a")
    copy_tree(str(tmp_path / "link"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"data"
    assert not (tmp_path / "b").is_symlink()
    with pytest.raises(UsageFault, match="kept"):
        copy_tree(str(tmp_path / "a"), str(tmp_path / "b"))


def test_special_files_are_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "sock"))
        with pytest.raises(InputFault, match="socket") as caught:
            copy_tree(str(source), str(tmp_path / "copy"))
    assert caught.value.code == "E_INPUT_SPECIAL"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputFault, match="FIFO"):
        copy_tree(str(tmp_path / "pipe"), str(tmp_path / "copy2"))
    with pytest.raises(InputFault, match="no such file"):
        copy_tree(str(tmp_path / "none"), str(tmp_path / "copy3"))
