"""A real directory as a view: a root file system, a Python prefix, or this machine."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reprocheck.engine.budget import over_limit
from reprocheck.engine.disk import NOTHING, disk_view
from reprocheck.engine.masks import image_tree, masked
from reprocheck.engine.view import View
from reprocheck.limits import Limits
from reprocheck.model.filetree import MAX_LINK_HOPS, Entry, EntryKind
from reprocheck.ports import Interest

_KINDS: dict[int, EntryKind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
}
_TYPE = 0o170000
_INSTALLED = re.compile(r"/(?:site|dist)-packages/(?!.*--)", re.DOTALL)
"""Inside a site directory, and in no download cache there: of those the sizes are recorded."""
_CODE = (".py", ".pyc", ".pyi", ".h", ".js", ".map")


@dataclass(slots=True)
class Listing:
    """What a walk has found so far."""

    entries: dict[str, Entry] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)
    """Directories that were listed; parents of a start are entries without being walked."""


def open_directory(
    root: str, *, only: tuple[str, ...] = (), interest: Interest = NOTHING, limits: Limits
) -> View:
    """Open the directory `root` as a file system whose paths start at `root`.

    `only` names absolute paths inside it (each a file or a directory) to list instead of everything; links in
    them are followed inside the root and listed too. Directories that cannot be listed end up in
    `unreadable`. Raises CouldNotRun (E_LIMIT).
    """
    base = os.fsencode(root).rstrip(b"/")
    listing = Listing()
    starts = only or ("/",)
    for start in starts:
        place = _pin(base, start, masked, listing)
        if place is not None:
            walk(base, place, listing, skip=masked, limits=limits, where=root, sizes=interest.digests)

    return disk_view(
        image_tree(listing.entries),
        lambda _entry: root,
        interest=interest,
        limits=limits,
        unreadable=tuple(sorted(listing.unreadable)),
    )


def walk(
    base: bytes,
    start: str,
    listing: Listing,
    *,
    skip: Callable[[str], bool],
    limits: Limits,
    where: str,
    sockets: bool = False,
    sizes: bool = True,
    budget: str = "tar_members",
) -> None:
    """Add `start` (absolute inside `base`) and all below it to `listing`; links are listed, never followed.

    Sockets are left out unless asked for, because an engine's export has none. Without `sizes` the source
    files of installed Python packages have size and mode 0. `budget` names the field of `limits` that bounds
    the number of entries. Raises CouldNotRun (E_LIMIT).
    """
    entries = listing.entries
    allowed: int = getattr(limits, budget)
    if start != "/" and start not in entries:
        entry = entry_at(base, start, listing)
        if entry is None:
            return
        entries[start] = entry
    if start != "/" and entries[start].kind != "directory":
        return
    stack = [start]
    while stack:
        directory = stack.pop()
        if directory in listing.walked:
            continue
        listing.walked.add(directory)
        for entry in _list(base, directory, listing, skip, sockets=sockets, sizes=sizes):
            if entry.kind == "directory":
                stack.append(entry.path)
            entries[entry.path] = entry
            if len(entries) > allowed:
                raise over_limit(budget, allowed, where)


def _list(
    base: bytes, directory: str, listing: Listing, skip: Callable[[str], bool], *, sockets: bool, sizes: bool
) -> Iterator[Entry]:
    """Give what is directly in `directory`; what cannot be seen goes to `listing.unreadable`."""
    prefix = directory if directory == "/" else f"{directory}/"
    # The system tells the kind of a file for nothing; size and mode cost a call each.
    plain = () if sizes or not _INSTALLED.search(prefix) else _CODE
    try:
        with os.scandir(base + encode(prefix)) as items:
            for item in items:
                path = prefix + item.name.decode("utf-8", "surrogateescape")
                if skip(path):
                    continue
                try:
                    if path.endswith(plain) and item.is_file(follow_symlinks=False):
                        yield Entry(path=path, kind="file")
                        continue
                    entry = to_entry(path, item.stat(follow_symlinks=False), item.path, sockets=sockets)
                except FileNotFoundError:  # gone since it was listed
                    continue
                except OSError as error:
                    listing.unreadable.append((path, reason(error)))
                    continue
                if entry is not None:
                    yield entry
    except OSError as error:
        listing.unreadable.append((directory, reason(error)))


def to_entry(path: str, status: os.stat_result, place: bytes, *, sockets: bool = False) -> Entry | None:
    """Turn a stat result into an entry; None for a socket. `place` is read when it is a link."""
    mode = status.st_mode
    kind = _KINDS.get(mode & _TYPE, "other")
    if kind == "file":
        return Entry(path=path, kind=kind, size=status.st_size, mode=mode & 0o7777)
    if kind == "link":
        target = decode(os.readlink(place))  # pathlib knows no bytes paths
        return Entry(path=path, kind=kind, mode=0o777, target=target)
    if stat.S_ISSOCK(mode) and not sockets:
        return None
    return Entry(path=path, kind=kind, mode=mode & 0o7777)


def entry_at(base: bytes, path: str, listing: Listing) -> Entry | None:
    """Look at one path by itself, links not followed; None when it is missing or cannot be seen."""
    place = base + encode(path)
    try:
        return to_entry(path, os.lstat(place), place, sockets=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        listing.unreadable.append((path, reason(error)))
        return None


def decode(raw: bytes) -> str:
    """Bytes of a path to text, the same whatever the locale is."""
    return raw.decode("utf-8", "surrogateescape")


def encode(path: str) -> bytes:
    """Give the bytes of a path again."""
    return path.encode("utf-8", "surrogateescape")


def reason(error: OSError) -> str:
    """Say why the system refused, in lower case."""
    return os.strerror(error.errno).lower() if error.errno else "unknown error"


def _pin(base: bytes, path: str, skip: Callable[[str], bool], listing: Listing) -> str | None:
    """Follow `path` inside the root, listing every parent and link on the way; the real path, or None."""
    todo = [part for part in path.split("/") if part not in ("", ".")]
    todo.reverse()
    current = ""
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            current = current.rpartition("/")[0]
            continue
        candidate = f"{current}/{part}"
        if skip(candidate):
            return None
        entry = listing.entries.get(candidate) or entry_at(base, candidate, listing)
        if entry is None:
            return None
        if entry.kind == "link":
            listing.entries[candidate] = entry
            hops += 1
            if hops > MAX_LINK_HOPS:
                return None
            if entry.target.startswith("/"):
                current = ""
            todo.extend(reversed([p for p in entry.target.split("/") if p not in ("", ".")]))
            continue
        if todo:
            listing.entries.setdefault(candidate, entry)
        current = candidate
    return current or "/"
