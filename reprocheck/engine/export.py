"""A stream of a whole file system (`docker export`) as a view: listed in one pass, few files kept."""

from __future__ import annotations

from collections.abc import Callable

from reprocheck.engine.budget import over_limit
from reprocheck.engine.masks import image_tree, masked
from reprocheck.engine.tar import BinaryReader, Member, read_members
from reprocheck.engine.view import View
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry
from reprocheck.ports import ViewError, Wants

_CHUNK = 1 << 20


class _Retained:
    """Bytes and names kept so far, counted against one budget."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._total = 0
        self.files: dict[str, bytes] = {}
        self.refused: dict[str, str] = {}

    def count(self, size: int) -> None:
        self._total += size
        if self._total > self._limits.retained_total:
            raise over_limit("retained_total", self._limits.retained_total, self._where)

    def keep(self, member: Member, body: BinaryReader) -> None:
        if member.size > self._limits.retained_file:
            self.refused[member.path] = (
                f"has {member.size} bytes, more than the limit retained_file "
                f"({self._limits.retained_file}; see --limit-scale)"
            )
            return
        self.count(member.size)
        chunks: list[bytes] = []
        while chunk := body.read(_CHUNK):
            chunks.append(chunk)
        self.files[member.path] = b"".join(chunks)

    def forget(self, path: str) -> None:
        self.files.pop(path, None)
        self.refused.pop(path, None)

    def alias(self, path: str, of: str) -> None:
        if of in self.files:
            self.files[path] = self.files[of]
        elif of in self.refused:
            self.refused[path] = self.refused[of]
        else:
            self.refused[path] = "is a hard link to a file whose bytes were not kept"


def read_export(read: Callable[[int], bytes], *, wants: Wants, limits: Limits, where: str) -> View:
    """Read a tar stream of a root file system to its end and give it as a view.

    Every path is listed; bytes are kept of the files that `wants` names. A wanted file above
    `limits.retained_file` raises ViewError when it is read; kept bytes and names above
    `limits.retained_total` raise CouldNotRun (E_LIMIT) at once. Raises what `read_members` raises, and
    InputFault (E_TAR_HOSTILE) for hard links to nothing and paths below something that is no directory.
    """
    entries: dict[str, Entry] = {}
    retained = _Retained(limits, where)
    for member, body in read_members(read, limits=limits, where=where):
        path = member.path
        retained.count(len(path) + len(member.target))
        retained.forget(path)
        if member.kind == "hardlink":
            entries[path] = _linked(member, entries, where)
            if wants(path) and not masked(path):
                retained.alias(path, member.target)
            continue
        entries[path] = Entry(
            path=path,
            kind=member.kind,
            size=member.size,
            mode=0o777 if member.kind == "link" else member.mode,
            target=member.target,
        )
        if member.kind == "file" and wants(path) and not masked(path):
            retained.keep(member, body)
    _insist_on_directories(entries, where)
    files, refused = retained.files, retained.refused

    def load(entry: Entry, limit: int) -> bytes:
        content = files.get(entry.path)
        if content is None:
            raise ViewError(refused.get(entry.path, "was not kept while the image was read"))
        if len(content) > limit:
            raise ViewError(f"has {len(content)} bytes, more than the limit of {limit}")
        return content

    return View(tree=image_tree(entries), load=load)


def _linked(member: Member, entries: dict[str, Entry], where: str) -> Entry:
    first = entries.get(member.target)
    if first is None or first.kind == "directory" or member.target == member.path:
        raise InputFault(
            "E_TAR_HOSTILE",
            f"{where} has a hard link to a file that is not in it; nothing was kept of it",
            hint="Do not trust where this archive came from.",
        )
    return Entry(path=member.path, kind=first.kind, size=first.size, mode=first.mode, target=first.target)


def _insist_on_directories(entries: dict[str, Entry], where: str) -> None:
    """Refuse a path below a file or link: no file system can be in that state, and readers would disagree."""
    for path in entries:
        parent = entries.get(path.rpartition("/")[0])
        if parent is not None and parent.kind != "directory":
            raise InputFault(
                "E_TAR_HOSTILE",
                f"{where} has a path below something that is not a directory; nothing was kept of it",
                hint="Do not trust where this archive came from.",
            )
