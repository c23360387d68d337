"""The only module that writes files: whole or not at all, and nothing left behind.

A file is written under a random name beside its target, synced, and then published by a link (which fails
when the target exists) or, with `force`, by a rename. So the target is always absent, old, or complete.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from reprocheck.engine.beneath import kind_name
from reprocheck.engine.directory import reason
from reprocheck.engine.interrupts import interrupts_deferred
from reprocheck.engine.refusals import exists, not_a_file
from reprocheck.engine.removal import remove_directory
from reprocheck.errors import CouldNotRun, UsageFault

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_SYNC = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES})
_TEMPORARY = (".reprocheck-", ".tmp")

Fill = Callable[[int], None]
"""Writes a new file's bytes to a descriptor."""


def write_atomic(path: str, data: bytes, *, force: bool = False) -> None:
    """Write `data` to the file `path`, whole or not at all; an existing file is kept unless `force`.

    A new file has mode 0644 less the umask, a replaced one keeps its mode. Raises UsageFault (E_EXISTS,
    E_NOT_A_FILE, E_NO_DIRECTORY) and CouldNotRun (E_DISK_FULL, E_NOT_WRITABLE, E_NOT_DURABLE).
    """
    with _parent(path) as (parent, name), interrupts_deferred():
        mode = _check_target(parent, name, path, force=force)
        with failures(path):
            _publish(parent, name, lambda fd: write_all(fd, data), mode=mode, force=force)
        _sync_directory(parent, path)


def check_writable(path: str, *, force: bool = False) -> None:
    """Raise now what `write_atomic` would raise after the work, as far as that can be told.

    Proved by making and removing an empty temporary file beside the target. Raises as `write_atomic` does.
    """
    with _parent(path) as (parent, name):
        _check_target(parent, name, path, force=force)
        probe = temporary_name()
        with failures(path), interrupts_deferred():
            os.close(os.open(probe, NEW, 0o600, dir_fd=parent))
            os.unlink(probe, dir_fd=parent)


def write_stdout(data: bytes) -> None:
    """Write a result to standard output and flush it; a reader that has gone away is no error.

    Raises CouldNotRun (E_DISK_FULL, E_NOT_WRITABLE).
    """
    stream = sys.stdout
    if stream is None or stream.closed:
        raise failure("standard output", OSError(errno.EBADF, ""))
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        silence(stream.fileno())
    except OSError as error:
        # What is still buffered would fail again, loudly, when the interpreter exits.
        silence(stream.fileno())
        raise failure("standard output", error) from None


@contextmanager
def scratch_directory(prefix: str = "reprocheck-") -> Iterator[str]:
    """Make one private directory (0700) under $TMPDIR and remove it on every way out.

    Raises CouldNotRun (E_DISK_FULL, E_NOT_WRITABLE; E_SCRATCH_LEFT when it could not be removed).
    """
    path = ""
    try:
        with interrupts_deferred():
            try:
                path = tempfile.mkdtemp(prefix=prefix)
            except OSError as error:
                raise failure("the temporary directory", error) from None
        yield path
    except BaseException:
        with suppress(CouldNotRun):
            remove_surely(path)
        raise
    remove_surely(path)


def create_private(path: str) -> BinaryIO:
    """Open a new file (0600) for writing, inside a directory of our own. Raises OSError."""
    return os.fdopen(os.open(path, NEW, 0o600), "wb")


def publish_new(path: str, fill: Fill, *, mode: int) -> bool:
    """Write a file that never changes again; False when it is there already. Raises OSError."""
    folder, _, name = path.rpartition("/")
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _publish(parent, name, fill, mode=mode, force=False)
        os.fsync(parent)
    except FileExistsError:
        return False
    finally:
        os.close(parent)
    return True


def make_private_directory(path: str) -> None:
    """Make a directory (0700) and its parents, if missing. Raises OSError."""
    missing = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = path.rpartition("/")[0]
    for directory in reversed(missing):
        with suppress(FileExistsError):  # another process was faster; a file there shows at the next step
            os.mkdir(directory, 0o700)


def temporary_name() -> str:
    """Return a name that `is_temporary` knows and nothing else has."""
    return f"{_TEMPORARY[0]}{secrets.token_hex(8)}{_TEMPORARY[1]}"


def is_temporary(name: str) -> bool:
    """Whether a file name is one that an interrupted write of ours left."""
    return name.startswith(_TEMPORARY[0]) and name.endswith(_TEMPORARY[1])


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, however many calls that takes. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def failure(path: str, error: OSError) -> CouldNotRun:
    """Turn a failed write into an error of ours."""
    if error.errno in _FULL:
        return CouldNotRun(
            "E_DISK_FULL",
            f"{path!a} could not be written: {reason(error)}; what was there before is untouched",
            hint="Free some space or quota, or choose another place.",
        )
    return CouldNotRun(
        "E_NOT_WRITABLE",
        f"{path!a} could not be written: {reason(error)}; what was there before is untouched",
        hint="Choose a place that this user can write to.",
    )


@contextmanager
def _parent(path: str) -> Iterator[tuple[int, str]]:
    """Open the directory that holds `path`; everything else goes by its descriptor."""
    folder, slash, name = path.rpartition("/")
    if name in ("", ".", ".."):
        raise not_a_file(path, "a directory")
    try:
        parent = os.open(folder or slash or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageFault(
            "E_NO_DIRECTORY",
            f"the directory of {path!a} does not exist; nothing was written",
            hint="Make the directory first, or choose another place.",
        ) from None
    except (OSError, ValueError) as error:
        raise failure(path, error if isinstance(error, OSError) else OSError(errno.EINVAL, "")) from None
    try:
        yield parent, name
    finally:
        os.close(parent)


def _check_target(parent: int, name: str, path: str, *, force: bool) -> int | None:
    """Refuse what must not be replaced; return the mode of a file that may be."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failure(path, error) from None
    if not stat.S_ISREG(mode):
        raise not_a_file(path, kind_name(mode))
    if not force:
        raise exists(path)
    return stat.S_IMODE(mode) & 0o777


def _publish(parent: int, name: str, fill: Fill, *, mode: int | None, force: bool) -> None:
    temporary = temporary_name()
    try:
        descriptor = os.open(temporary, NEW, 0o644 if mode is None else 0o600, dir_fd=parent)
        try:
            fill(descriptor)
            if mode is not None:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if force:
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        else:
            _link(parent, temporary, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)


def _link(parent: int, temporary: str, name: str) -> None:
    try:
        os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # File systems without hard links (FAT, some network ones): take the name first, then move onto it.
        os.close(os.open(name, NEW, 0o600, dir_fd=parent))
        try:
            os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            os.unlink(name, dir_fd=parent)
            raise


def _sync_directory(parent: int, path: str) -> None:
    try:
        os.fsync(parent)
    except OSError as error:
        if error.errno in _NO_SYNC:  # file systems that know no sync of a directory
            return
        raise CouldNotRun(
            "E_NOT_DURABLE",
            f"{path!a} was written whole, but the disk did not confirm it: {reason(error)}",
            hint="Check the disk, then check the file with 'reprocheck show'.",
        ) from None


def silence(descriptor: int) -> None:
    """Let what is still written to a broken stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextmanager
def failures(path: str) -> Iterator[None]:
    """Turn the system's refusals inside into errors of ours."""
    try:
        yield
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise failure(path, error) from None


def remove_surely(path: str) -> None:
    """Remove a directory of ours; a Ctrl-C meanwhile is heard after that."""
    try:
        remove_directory(path)
    except KeyboardInterrupt:
        remove_directory(path)
        raise
