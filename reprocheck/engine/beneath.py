"""Opening a file beneath a directory without following any link, whoever changes the tree meanwhile.

`openat2(2)` does it in one step where the kernel has it (Linux 5.6); elsewhere each component is opened by
itself with O_NOFOLLOW relative to its parent's descriptor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from functools import cache

_OPENAT2 = 437  # one number on every architecture but alpha (asm-generic/unistd.h)
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_HOW = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_LOOK = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_CLOEXEC
_STEP = _LOOK | os.O_DIRECTORY | os.O_NOFOLLOW

_REASONS = {
    errno.ELOOP: "is a symbolic link, or lies behind one",
    errno.EXDEV: "leads out of its directory",
    errno.ENOENT: "is missing",
    errno.ENOTDIR: "lies behind a link or a file, not a directory",
    errno.ENXIO: "is a FIFO, device or socket without a partner",
}


class RefusedPath(Exception):
    """A path that is not an ordinary file beneath its root; `reason` completes a sentence about it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Support:
    """Whether openat2 works here; found out on the first call."""

    openat2 = sys.platform == "linux"


def open_beneath(root: str, relative: str, *, single_link: bool = False) -> int:
    """Open the regular file `relative` below `root` for reading and return its descriptor.

    The descriptor is non-blocking and close-on-exec. `root` itself is trusted and may be a link.
    `single_link` also refuses a file that has another name, since that name may lie outside `root`. Raises
    RefusedPath for links (also in parents), FIFOs, devices, sockets, directories, and what is missing or
    unreadable.
    """
    parts = _components(relative)
    try:
        top = os.open(os.fsencode(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedPath(_reason(error)) from None
    try:
        # Looking first keeps us from opening a device node, which alone can have effects.
        seen = _status(_resolve(top, parts, _LOOK), single_link=single_link)
        descriptor = _resolve(top, parts, _READ)
    except OSError as error:
        raise RefusedPath(_reason(error)) from None
    finally:
        os.close(top)
    found = os.fstat(descriptor)
    if (found.st_dev, found.st_ino) != (seen.st_dev, seen.st_ino) or not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise RefusedPath("changed while it was opened")
    return descriptor


def kind_name(mode: int) -> str:
    """Say in words what `st_mode` is of."""
    for test, name in (
        (stat.S_ISREG, "a regular file"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    ):
        if test(mode):
            return name
    return "not an ordinary file"


def _components(relative: str) -> list[bytes]:
    try:
        parts = relative.encode("utf-8", "surrogateescape").split(b"/")
    except UnicodeEncodeError:
        raise RefusedPath("has a name that no file system can hold") from None
    if any(part in (b"", b".", b"..") or b"\0" in part for part in parts):
        raise RefusedPath("is not a plain relative path")
    return parts


def _status(descriptor: int, *, single_link: bool) -> os.stat_result:
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedPath(f"is {kind_name(status.st_mode)}")
    if single_link and status.st_nlink != 1:
        raise RefusedPath(f"has {status.st_nlink} hard links, so it may lie elsewhere too")
    return status


def _resolve(top: int, parts: list[bytes], flags: int) -> int:
    if _Support.openat2:
        try:
            return _openat2(top, b"/".join(parts), flags)
        except OSError as error:
            # Old kernels say ENOSYS; seccomp profiles older than the call say EPERM.
            if error.errno not in (errno.ENOSYS, errno.EPERM):
                raise
            _Support.openat2 = False
    return _step_by_step(top, parts, flags)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _openat2(top: int, path: bytes, flags: int) -> int:
    how = struct.pack("QQQ", flags, 0, _HOW)  # struct open_how of linux/openat2.h
    descriptor = _libc().syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(top),
        ctypes.c_char_p(path),
        ctypes.c_char_p(how),
        ctypes.c_size_t(24),
    )
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(descriptor)


def _step_by_step(top: int, parts: list[bytes], flags: int) -> int:
    current = os.dup(top)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, _STEP, dir_fd=current)
            os.close(current)
            current = deeper
        return os.open(parts[-1], flags | os.O_NOFOLLOW, dir_fd=current)
    finally:
        os.close(current)


def _reason(error: OSError) -> str:
    number = error.errno or 0
    return _REASONS.get(number) or f"cannot be opened: {os.strerror(number).lower()}"
