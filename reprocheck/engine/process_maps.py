"""What one process has mapped, from /proc, without touching the process (proc(5))."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from reprocheck.engine.window import OpenWindow
from reprocheck.model.base import replace
from reprocheck.model.filetree import portable
from reprocheck.model.library import LibraryFacts
from reprocheck.ports import ReadLibrary, ViewError

_MOST = 1 << 26
"""Bytes of one /proc file; 65,530 mappings (the kernel's default limit) with long names stay below."""

_NO_FILES = (b"/memfd:", b"/SYSV", b"/dev/zero", b"/anon_hugepage")
"""Mappings that have a name and no file."""


class Mapping(NamedTuple):
    """One executable mapping of a file."""

    path: str
    gone: bool
    range: str
    """Its name in /proc/PID/map_files."""


class Identity(NamedTuple):
    """What tells one process from every other since the machine was started."""

    pid: int
    """In its own namespace."""
    started: int
    parent: int
    """Number of its parent as this machine counts, 0 when that is not visible."""


def identity_of(pid: int) -> Identity | None:
    """Return a process's number in its innermost namespace and its start; None for a zombie.

    Raises OSError (also when it is gone).
    """
    fields = _content(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    inner = pid
    for line in _content(f"/proc/{pid}/status").split(b"\n"):
        if line.startswith(b"NSpid:"):
            inner = int(line.split()[-1])
    return Identity(inner, int(fields[19]), int(fields[1]))


def executable_of(pid: int) -> str:
    """Return the path of the program, as the process would name it. Raises OSError."""
    return portable(os.fsdecode(os.readlink(f"/proc/{pid}/exe".encode()))).removesuffix(" (deleted)")


def mappings_of(pid: int) -> tuple[Mapping, ...]:
    """Return the executable mappings of files, one for each path. Raises OSError (EACCES, ESRCH)."""
    return parse_maps(_content(f"/proc/{pid}/maps"))


def parse_maps(raw: bytes) -> tuple[Mapping, ...]:
    """Read /proc/PID/maps: address range, permissions, offset, device, inode, path."""
    found: dict[bytes, Mapping] = {}
    for line in raw.split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) < 6 or b"x" not in fields[1] or not fields[5].startswith(b"/"):
            continue
        path = fields[5]
        if path in found or path.startswith(_NO_FILES):
            continue
        plain = path.removesuffix(b" (deleted)")
        name = portable(plain.replace(b"\\012", b"\n").decode("utf-8", "surrogateescape"))
        found[path] = Mapping(name, plain != path, fields[0].decode("ascii", "replace"))
    return tuple(found.values())


def mount_points_of(pid: int) -> tuple[str, ...]:
    """Return the mount points that a process sees, sorted. Raises OSError."""
    points = set()
    for line in _content(f"/proc/{pid}/mountinfo").split(b"\n"):
        fields = line.split(b" ")
        if len(fields) > 4:
            plain = fields[4].replace(b"\\040", b" ").replace(b"\\011", b"\t").replace(b"\\134", b"\\")
            points.add(portable(plain.decode("utf-8", "surrogateescape")))
    return tuple(sorted(points))


def mount_of(path: str, points: tuple[str, ...]) -> str:
    """Return the innermost of the mount points that holds a path, `/` when none of them does."""
    inside = (point for point in points if path == point or path.startswith(f"{point.rstrip('/')}/"))
    return max(inside, key=len, default="/")


def open_mapped(pid: int, mapping: Mapping) -> int:
    """Open the very file that is mapped, whatever has become of its name. Raises OSError (needs root)."""
    return os.open(f"/proc/{pid}/map_files/{mapping.range}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def facts_of(descriptor: int, path: str, read: ReadLibrary) -> LibraryFacts:
    """Tell what an open shared object says of itself, and its digest; closes the descriptor.

    Raises OSError when it cannot be read. What is no ELF file has a digest only.
    """
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        size = os.fstat(descriptor).st_size
        try:
            facts = read(path, OpenWindow(descriptor=descriptor, size=size, window=size))
        except ViewError:
            facts = LibraryFacts()
        if facts.sha256:
            return facts
        return replace(facts, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(_MOST)
