"""Copies of whole trees: the local engine's workspace, and outputs that are brought back."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO

from reprocheck.engine.beneath import RefusedPath, kind_name, open_beneath
from reprocheck.engine.directory import Listing, decode, encode, reason, walk
from reprocheck.engine.refusals import unreadable
from reprocheck.engine.writing import NEW, failures, remove_surely, temporary_name
from reprocheck.errors import InputFault, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.filetree import Entry

OpenSource = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens what a new file is copied from."""


def copy_tree(source: str, destination: str, *, limits: Limits = DEFAULT) -> None:
    """Copy a file or directory to the new path `destination`: links as links, permissions and times kept.

    `source` itself may be a link, links inside are never followed. Raises InputFault (E_INPUT_UNREADABLE;
    E_INPUT_SPECIAL for FIFOs, devices and sockets), UsageFault (E_EXISTS) and CouldNotRun (E_DISK_FULL,
    E_NOT_WRITABLE, E_LIMIT); what was copied until then stays.
    """
    place = os.path.realpath(source)
    listing = Listing()
    base = os.fsencode(place).rstrip(b"/")
    top = os.fsencode(destination).rstrip(b"/")
    try:
        is_directory = stat.S_ISDIR(os.stat(place).st_mode)
    except OSError as error:
        raise unreadable(source, reason(error)) from None
    if not is_directory:
        folder, _, name = place.rpartition("/")
        with failures(destination):
            _copy_file(folder or "/", decode(os.fsencode(name)), top)
        return
    walk(
        base,
        "/",
        listing,
        skip=lambda _path: False,
        limits=limits,
        where="the copy",
        sockets=True,
        budget="inputs_files",
    )
    for path, why in sorted(listing.unreadable):
        raise unreadable(path, why)
    with failures(destination):
        _copy_entries(place, [listing.entries[path] for path in sorted(listing.entries)], top)


def write_directory(path: str, files: Iterable[tuple[str, OpenSource]]) -> None:
    """Write files into the new directory `path`, all or none: built beside it and renamed as a whole.

    Names are relative POSIX paths without `..`. Raises UsageFault (E_EXISTS, E_NO_DIRECTORY) and CouldNotRun
    (E_DISK_FULL, E_NOT_WRITABLE).
    """
    target = path.rstrip("/")
    if os.path.lexists(target):
        raise UsageFault("E_EXISTS", f"{target!r} exists and was kept", hint="Name a new directory.")
    folder = target.rpartition("/")[0]
    building = os.path.join(folder, temporary_name())
    with failures(target):
        os.mkdir(building)
        try:
            for relative, source in files:
                place = os.path.join(building, relative)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with source() as stream, open(place, "xb") as copy:
                    shutil.copyfileobj(stream, copy, 1 << 20)
            os.rename(building, target)
        except BaseException:
            remove_surely(building)
            raise


def _copy_entries(source: str, entries: list[Entry], top: bytes) -> None:
    """Copy entries sorted by path; directories get their modes last, since those may forbid writing."""
    base = os.fsencode(source).rstrip(b"/")
    os.mkdir(top, 0o700)
    directories = [b""]
    for entry in entries:
        relative = encode(entry.path)
        if entry.kind == "directory":
            os.mkdir(top + relative, 0o700)
            directories.append(relative)
        elif entry.kind == "link":
            os.symlink(encode(entry.target), top + relative)
        elif entry.kind == "file":
            _copy_file(source, entry.path[1:], top + relative)
        else:
            kind = kind_name(os.lstat(base + relative).st_mode)
            raise InputFault(
                "E_INPUT_SPECIAL",
                f"{entry.path!a} is {kind}, which cannot be copied; nothing was started",
                hint="Move it out of the input.",
            )
    for relative in reversed(directories):
        status = os.lstat(base + relative) if relative else os.stat(base or b"/")
        os.chmod(top + relative, stat.S_IMODE(status.st_mode) & 0o777)
        os.utime(top + relative, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_file(folder: str, relative: str, target: bytes) -> None:
    try:
        descriptor = open_beneath(folder, relative)
    except RefusedPath as refused:
        raise unreadable(relative, refused.reason) from None
    with os.fdopen(descriptor, "rb") as original:
        status = os.fstat(descriptor)
        with os.fdopen(os.open(target, NEW, 0o600), "wb") as copy:
            shutil.copyfileobj(original, copy, 1 << 20)
            copy.flush()
            os.fchmod(copy.fileno(), stat.S_IMODE(status.st_mode) & 0o777)
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
