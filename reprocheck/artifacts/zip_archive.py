"""Zip archives of any files: order, times, compression and comments of members are not content."""

from __future__ import annotations

import stat
from typing import BinaryIO

from reprocheck.artifacts.members import Members
from reprocheck.artifacts.reading import Reading, Unreadable
from reprocheck.artifacts.zipped import MAGIC, first_member, open_archive
from reprocheck.limits import Limits

name = "zip"
level = "L2"
"""Not L1: members of known formats are compared by what they hold, not by their bytes."""


def recognises(name: str, head: bytes) -> bool:
    """Tell by the file's name; a checkpoint stays one under any name."""
    return name.endswith(".zip") and not first_member(head).endswith("/data.pkl")


def read(stream: BinaryIO, size: int, *, limits: Limits) -> Reading:
    """Give every member by name. Raises Unreadable."""
    stream.seek(0)
    if stream.read(4) not in (MAGIC, b"PK\x05\x06"):
        raise Unreadable("it is not a zip archive")
    archive = open_archive(stream, size, limits=limits)
    members = Members(limits)
    for name in sorted(archive.members):
        entry = archive.members[name]
        mode = entry.external_attr >> 16
        if entry.orig_filename != entry.filename:
            raise Unreadable(f"the member {name[:80]!r} has a NUL in its name")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Unreadable(f"the member {name[:80]!r} is a link or a special file")
        if entry.is_dir():
            if entry.file_size:
                raise Unreadable(f"the member {name[:80]!r} is a directory with bytes")
            members.folder(name)
        else:
            executable = bool(mode & stat.S_IXUSR)
            members.file(name, entry.file_size, archive.blocks(name), executable=executable)
    return members.reading()
