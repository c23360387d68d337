"""Hashing what a result comes from: a file, a directory with everything below it, or a list of files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence

from reprocheck.artifacts.tree import TreeEntry, tree_digest
from reprocheck.engine.beneath import RefusedPath, kind_name, open_beneath
from reprocheck.engine.budget import over_limit
from reprocheck.engine.directory import Listing, decode, encode, entry_at, reason, walk
from reprocheck.engine.patterns import Patterns
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import MIB, Limits
from reprocheck.model.base import Frozen
from reprocheck.model.context import DataFile
from reprocheck.model.filetree import Entry, portable
from reprocheck.model.run import Input

_LARGE = 64 * MIB
"""From this size on hashing, which releases the interpreter's lock, outweighs the start of a thread."""


class _Hashed(Frozen, frozen=True, kw_only=True):
    """One file's digest, and its size as read."""

    size: int
    sha256: str


def hash_input(host_path: str, target: str, *, limits: Limits, exclude: tuple[str, ...] = ()) -> Input:
    """Hash a file or directory of this machine that the run will see at `target`.

    `host_path` itself may be a link (a mount follows it); links inside are recorded and not followed.
    `exclude` holds declared outputs (see `Patterns`), as the run knows their paths: what they match in a
    directory is no input. A file has its own SHA-256, a directory its tree digest. Raises InputFault
    (E_INPUT_MISSING, E_INPUT_SPECIAL, E_INPUT_UNREADABLE), UsageFault (E_OUTPUT_PATTERN) and CouldNotRun
    (E_INPUT_CHANGED, E_LIMIT).
    """
    return hash_with_listing(host_path, target, limits=limits, exclude=exclude)[0]


def hash_with_listing(
    host_path: str, target: str, *, limits: Limits, exclude: tuple[str, ...] = ()
) -> tuple[Input, tuple[DataFile, ...]]:
    """Do what `hash_input` does, and give each file of a directory with its digest, sorted by path."""
    place = os.path.realpath(host_path)
    try:
        status = os.stat(place)
    except (FileNotFoundError, NotADirectoryError):
        raise InputFault(
            "E_INPUT_MISSING", f"the input for {target!a} does not exist", hint="Check the path."
        ) from None
    except OSError as error:
        raise _unreadable(target, "", reason(error)) from None
    if stat.S_ISREG(status.st_mode):
        folder, _, name = place.rpartition("/")
        hashed = _hash_file(folder or "/", decode(os.fsencode(name)), target, "")
        return Input(path=target, kind="file", files=1, bytes=hashed.size, sha256=hashed.sha256), ()
    if not stat.S_ISDIR(status.st_mode):
        raise _special(target, "", kind_name(status.st_mode))
    return _hash_directory(place, target, limits=limits, exclude=exclude)


def hash_listed(root: str, paths: Sequence[str], target: str, *, limits: Limits, most: int) -> str:
    """Return the tree digest of some files and links below `root`, at most `most` bytes of them.

    `paths` are relative. Raises InputFault (E_INPUT_UNREADABLE, E_INPUT_SPECIAL) and CouldNotRun
    (E_INPUT_CHANGED, E_LIMIT).
    """
    if len(paths) > limits.inputs_files:
        raise over_limit("inputs_files", limits.inputs_files, target)
    base = os.fsencode(root).rstrip(b"/")
    missed = Listing()
    entries: list[Entry] = []
    total = 0
    for path in paths:
        entry = entry_at(base, f"/{path}", missed)
        if entry is None:
            raise _unreadable(target, f"/{path}", "it went away or cannot be seen")
        if entry.kind not in ("file", "link"):
            raise _special(target, entry.path, "neither a file nor a link")
        total += entry.size
        if total > most:
            raise over_limit("git_output", most, target)
        entries.append(entry)
    digests = _hash_files(root, [entry for entry in entries if entry.kind == "file"], target)
    return tree_digest(_tree_entry(entry, digests) for entry in entries)


def _hash_directory(
    root: str, target: str, *, limits: Limits, exclude: tuple[str, ...]
) -> tuple[Input, tuple[DataFile, ...]]:
    outputs = Patterns(exclude)
    above = "/" + target.strip("/")
    listing = Listing()
    base = os.fsencode(root).rstrip(b"/")
    walk(
        base,
        "/",
        listing,
        skip=lambda path: outputs.match(above + path),
        limits=limits,
        where=f"the input for {target!a}",
        sockets=True,
        budget="inputs_files",
    )
    for path, why in sorted(listing.unreadable):
        raise _unreadable(target, path, why)
    entries = [listing.entries[path] for path in sorted(listing.entries)]
    for entry in entries:
        if entry.kind == "other":
            mode = os.lstat(base + encode(entry.path)).st_mode
            raise _special(target, entry.path, kind_name(mode))
    files = [entry for entry in entries if entry.kind == "file"]
    digests = _hash_files(root, files, target)
    whole = Input(
        path=target,
        kind="directory",
        files=len(files),
        bytes=sum(hashed.size for hashed in digests.values()),
        sha256=tree_digest(_tree_entry(entry, digests) for entry in entries),
    )
    return whole, tuple(_listed(files, digests))


def _listed(files: list[Entry], digests: dict[str, _Hashed]) -> Iterable[DataFile]:
    for entry in files:
        hashed = digests[entry.path]
        yield DataFile(path=portable(entry.path[1:]), size=hashed.size, sha256=hashed.sha256)


def _tree_entry(entry: Entry, digests: dict[str, _Hashed]) -> TreeEntry:
    relative = entry.path[1:]
    if entry.kind == "file":
        hashed = digests[entry.path]
        executable = bool(entry.mode & 0o100)
        return TreeEntry(
            path=relative, kind="file", executable=executable, size=hashed.size, content=hashed.sha256
        )
    if entry.kind == "link":
        return TreeEntry(path=relative, kind="link", content=entry.target)
    return TreeEntry(path=relative, kind="directory")


def _hash_files(root: str, files: list[Entry], target: str) -> dict[str, _Hashed]:
    digests: dict[str, _Hashed] = {}
    large = [entry for entry in files if entry.size > _LARGE]
    if len(large) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=2) as pool:
            results = pool.map(lambda entry: _hash_file(root, entry.path[1:], target, entry.path), large)
            digests.update(zip((entry.path for entry in large), results, strict=True))
    for entry in files:
        if entry.path not in digests:
            digests[entry.path] = _hash_file(root, entry.path[1:], target, entry.path)
    return digests


def _hash_file(root: str, relative: str, target: str, shown: str) -> _Hashed:
    try:
        descriptor = open_beneath(root, relative)
    except RefusedPath as refused:
        raise _unreadable(target, shown, refused.reason) from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            before = os.fstat(descriptor)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(descriptor)
        except OSError as error:
            raise _unreadable(target, shown, reason(error)) from None
    if (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    ):
        raise CouldNotRun(
            "E_INPUT_CHANGED",
            f"the input {target + shown!a} changed while it was hashed",
            hint="Wait until nothing writes to it, then run again.",
        )
    return _Hashed(size=after.st_size, sha256=digest)


def _unreadable(target: str, shown: str, why: str) -> InputFault:
    return InputFault(
        "E_INPUT_UNREADABLE",
        f"the input {target + shown!a} cannot be read: {why}",
        hint="Make it readable for this user, or leave it out of the input.",
    )


def _special(target: str, shown: str, kind: str) -> InputFault:
    return InputFault(
        "E_INPUT_SPECIAL",
        f"the input {target + shown!a} is {kind}, which has no content to hash",
        hint="Move it out of the input.",
    )
