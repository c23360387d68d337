"""A stream of a whole file system (`docker export`) as a view: listed in one pass, few files kept."""

from __future__ import annotations

from collections.abc import Callable

from reprocheck.engine.masks import image_tree
from reprocheck.engine.retained import Retained
from reprocheck.engine.tar import Member, read_members
from reprocheck.engine.view import View
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry
from reprocheck.ports import Interest


def read_export(read: Callable[[int], bytes], *, interest: Interest, limits: Limits, where: str) -> View:
    """Read a tar stream of a root file system to its end and give it as a view.

    Every path is listed; of the files that `interest` names is kept what it asks for. A wanted file above
    `limits.retained_file` raises ViewError when it is read; kept bytes and names above
    `limits.retained_total` raise CouldNotRun (E_LIMIT) at once. Raises what `read_members` raises, and
    InputFault (E_TAR_HOSTILE) for hard links to nothing and paths below something that is no directory.
    """
    entries: dict[str, Entry] = {}
    retained = Retained(interest, limits, where)
    for member, body in read_members(read, limits=limits, where=where):
        path = member.path
        retained.count(len(path) + len(member.target))
        retained.forget(path)
        if member.kind == "hardlink":
            entries[path] = _linked(member, entries, where)
            retained.alias(path, member.target)
            continue
        entries[path] = Entry(
            path=path,
            kind=member.kind,
            size=member.size,
            mode=0o777 if member.kind == "link" else member.mode,
            target=member.target,
        )
        if member.kind == "file":
            retained.take(path, member.size, body)
    _insist_on_directories(entries, where)
    return retained.view(image_tree(entries))


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
