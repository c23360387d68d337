"""Finding and opening what a stopped run left in layers, mounts or archives; never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from reprocheck.engine.beneath import RefusedPath, open_beneath
from reprocheck.engine.budget import over_limit
from reprocheck.engine.directory import Listing, decode, entry_at, walk
from reprocheck.engine.masks import masked
from reprocheck.engine.overlay import merge
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.tar import BinaryReader, Member, read_members
from reprocheck.engine.writing import create_private, failure
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry, EntryKind, FileTree
from reprocheck.ports import OutputFile, RefusedOutput

_Identity = tuple[int, int, int, int, int]
_CHUNK = 1 << 20


class DiskOutput(Frozen, frozen=True, kw_only=True):
    """An output as a file on this machine (`ports.OutputFile`)."""

    name: str
    size: int
    root: str
    relative: str
    identity: _Identity

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading; raises CouldNotRun (E_OUTPUT_CHANGED) when the file is not what it was."""
        try:
            descriptor = open_beneath(self.root, self.relative, single_link=True)
        except RefusedPath as refused:
            raise self._changed(refused.reason) from None
        with os.fdopen(descriptor, "rb") as file:
            if _identity(os.fstat(descriptor)) != self.identity:
                raise self._changed("is not the file that was found first")
            yield file
            if _identity(os.fstat(descriptor)) != self.identity:
                raise self._changed("was written to while it was read")

    def _changed(self, why: str) -> CouldNotRun:
        return CouldNotRun(
            "E_OUTPUT_CHANGED",
            f"the output {self.name!a} {why}; no result was taken from it",
            hint="Make sure that nothing else writes to the outputs, then run again.",
        )


def match_outputs(tree: FileTree, patterns: tuple[str, ...]) -> tuple[Entry, ...]:
    """Give the entries that declared outputs mean, sorted by path; directories are not among them.

    A pattern is a path of a file, of a directory (all below it), or a glob with `*`, `?`, `[...]` inside a
    component and `**` across them; a glob that matches a directory takes all below it too. A link that stands
    where a pattern's path leads through is given as well, so that it can be refused by name.
    Raises UsageFault (E_OUTPUT_PATTERN).
    """
    return _select(tree.entries.values(), Patterns(patterns), "")


def layer_outputs(
    layers: tuple[str, ...], patterns: tuple[str, ...], *, limits: Limits
) -> Iterator[OutputFile | RefusedOutput]:
    """Give the outputs in a stopped container's overlay, sorted by name.

    `layers` are its layer directories, lowest first, the writable one last; each file is looked up from the
    topmost down and opened beneath the layer that holds it. Raises CouldNotRun (E_LIMIT, E_OVERLAY_REDIRECT,
    E_OVERLAY_READ) and UsageFault (E_OUTPUT_PATTERN).
    """
    wanted = Patterns(patterns)
    merged = merge(
        layers, limits=limits, skip=lambda path: masked(path) or not wanted.reaches(path), sockets=True
    )
    found = _Found(limits)
    for entry in _select(merged.entries.values(), wanted, ""):
        found.add(entry.path, entry, layers[merged.holder[entry.path]], entry.path[1:])
    yield from found.in_order()


def directory_outputs(
    host_root: str, target: str, patterns: tuple[str, ...], *, limits: Limits
) -> Iterator[OutputFile | RefusedOutput]:
    """Give the outputs in a mount or workspace, sorted by name.

    `host_root` is the directory (or file) of this machine that the run saw at `target`. An empty `target`
    gives relative names, as the local engine uses. Raises CouldNotRun (E_LIMIT) and UsageFault
    (E_OUTPUT_PATTERN).
    """
    wanted = Patterns(patterns)
    at = target.rstrip("/")
    place = os.path.realpath(host_root)
    found = _Found(limits)
    listing = Listing()
    if at and _is_file(place):
        folder, _, last = place.rpartition("/")
        entry = entry_at(os.fsencode(folder), f"/{decode(os.fsencode(last))}", listing)
        if entry is not None and wanted.match(at):
            found.add(at, entry, folder or "/", entry.path[1:])
        yield from found.in_order()
        return
    walk(
        os.fsencode(place).rstrip(b"/"),
        "/",
        listing,
        skip=lambda path: not wanted.reaches(at + path),
        limits=limits,
        where=f"the outputs below {target!a}",
        sockets=True,
    )
    for path, why in listing.unreadable:
        found.refuse(_name(at, path), f"cannot be read: {why}")
    for entry in _select(listing.entries.values(), wanted, at):
        found.add(_name(at, entry.path), entry, place, entry.path[1:])
    yield from found.in_order()


def archive_outputs(
    read: Callable[[int], bytes],
    patterns: tuple[str, ...],
    *,
    scratch: str,
    base: str,
    limits: Limits,
    where: str,
) -> Iterator[OutputFile | RefusedOutput]:
    """Give the outputs in a tar stream of the path `base` (`docker get_archive`), sorted by name.

    The stream is read to its end first; wanted files are spooled into index-named files (0600) in the
    directory `scratch`, which stays the caller's. Raises what `read_members` raises, CouldNotRun (E_LIMIT,
    E_DISK_FULL, E_NOT_WRITABLE) and UsageFault (E_OUTPUT_PATTERN).
    """
    wanted = Patterns(patterns)
    at = "" if base == "/" else base.rstrip("/")
    found = _Found(limits)
    spooled: dict[str, tuple[Entry, str]] = {}
    linked: set[str] = set()
    number = len(os.listdir(scratch))  # an earlier archive may have been spooled here
    for member, body in read_members(read, limits=limits, where=where, budget="outputs_bytes"):
        name = _rebased(member.path, at)
        spooled.pop(name, None)
        if member.kind == "hardlink":
            linked.update((name, _rebased(member.target, at)))
        entry = _entry(name, member)
        if not _selects(wanted, entry, name):
            continue
        relative = f"{number:08d}"
        if member.kind == "file" and member.size <= limits.output_bytes:
            _spool(f"{scratch}/{relative}", body)
            number += 1
        spooled[name] = (entry, relative)
        if len(spooled) > limits.outputs:
            raise over_limit("outputs", limits.outputs, where)
    for name, (entry, relative) in spooled.items():
        if name in linked:
            found.refuse(name, "has several hard links, so it may lie elsewhere too")
        elif entry.kind == "other":
            found.refuse(name, "is not an ordinary file")
        else:
            found.add(name, entry, scratch, relative)
    yield from found.in_order()


class _Found:
    """Outputs found so far, within the budgets of number and size."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places: dict[str, tuple[Entry, str, str]] = {}
        self._refused: dict[str, str] = {}

    def add(self, name: str, entry: Entry, root: str, relative: str) -> None:
        self._places[name] = (entry, root, relative)

    def refuse(self, name: str, why: str) -> None:
        self._refused[name] = why

    def in_order(self) -> Iterator[OutputFile | RefusedOutput]:
        names = sorted({*self._places, *self._refused})
        if len(names) > self._limits.outputs:
            raise over_limit("outputs", self._limits.outputs, "the number of outputs")
        total = 0
        for name in names:
            output = self._open(name)
            if not isinstance(output, RefusedOutput):
                total += output.size
                if total > self._limits.outputs_bytes:
                    raise over_limit("outputs_bytes", self._limits.outputs_bytes, "the size of all outputs")
            yield output

    def _open(self, name: str) -> OutputFile | RefusedOutput:
        if name in self._refused:
            return RefusedOutput(name=name, reason=self._refused[name])
        entry, root, relative = self._places[name]
        if entry.kind == "link":
            return RefusedOutput(name=name, reason=f"is a symbolic link to {entry.target!a}")
        if entry.size > self._limits.output_bytes:
            return RefusedOutput(name=name, reason=self._too_large(entry.size))
        try:
            descriptor = open_beneath(root, relative, single_link=True)
        except RefusedPath as refused:
            return RefusedOutput(name=name, reason=refused.reason)
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if status.st_size > self._limits.output_bytes:
            return RefusedOutput(name=name, reason=self._too_large(status.st_size))
        return DiskOutput(
            name=name, size=status.st_size, root=root, relative=relative, identity=_identity(status)
        )

    def _too_large(self, size: int) -> str:
        allowed = self._limits.output_bytes
        return f"has {size} bytes, more than the limit output_bytes ({allowed}; see --limit-scale)"


def _select(entries: Iterable[Entry], wanted: Patterns, at: str) -> tuple[Entry, ...]:
    chosen = [entry for entry in entries if _selects(wanted, entry, at + entry.path)]
    return tuple(sorted(chosen, key=lambda entry: entry.path))


def _selects(wanted: Patterns, entry: Entry, path: str) -> bool:
    if entry.kind == "directory":
        return False
    return wanted.match(path) or (entry.kind == "link" and wanted.leads(path))


def _identity(status: os.stat_result) -> _Identity:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _name(at: str, path: str) -> str:
    return at + path if at else path[1:]


def _is_file(place: str) -> bool:
    try:
        return not stat.S_ISDIR(os.lstat(place).st_mode)
    except OSError:
        return False


def _rebased(path: str, at: str) -> str:
    """Give a member's name in the container: an archive of `/a/out` starts at `out`."""
    if not at:
        return path
    _, _, rest = path[1:].partition("/")
    return f"{at}/{rest}" if rest else at


def _entry(name: str, member: Member) -> Entry:
    kind: EntryKind = "other" if member.kind == "hardlink" else member.kind
    return Entry(path=name, kind=kind, size=member.size, mode=member.mode, target=member.target)


def _spool(path: str, body: BinaryReader) -> None:
    try:
        with create_private(path) as file:
            while chunk := body.read(_CHUNK):
                file.write(chunk)
    except OSError as error:
        raise failure(path, error) from None
