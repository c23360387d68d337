"""The layer directories of an overlay file system, merged as the kernel would, without mounting anything.

Rules: the kernel's Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories",
"redirect_dir", "Metadata only copy up". What we do not merge (redirects, metadata-only copies, whiteouts as
attributes) is refused, so that the caller falls back to an export.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from reprocheck.engine.budget import over_limit
from reprocheck.engine.directory import decode, encode, reason, to_entry
from reprocheck.engine.disk import NOTHING, disk_view
from reprocheck.engine.masks import image_tree, masked
from reprocheck.engine.view import View
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.filetree import Entry
from reprocheck.ports import Interest, ViewError

NOT_MERGED = ("E_OVERLAY_REDIRECT", "E_OVERLAY_READ")
"""Codes after which the engine's own view of the files (an export, an archive) is read instead."""

_PREFIXES = ("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.")
_CAP_SYS_ADMIN = 21
_FULL_MAP = ("0", "0", "4294967295")


@dataclass(slots=True)
class Merged:
    """The merged tree, and for each path the number of the layer that holds it (0 is the lowest)."""

    entries: dict[str, Entry] = field(default_factory=dict)
    holder: dict[str, int] = field(default_factory=dict)


def layers_readable(layers: tuple[str, ...]) -> bool:
    """Whether this process sees the layers as the kernel does.

    Opaque marks are `trusted.*` attributes, which the kernel hides (without an error) from everybody but the
    administrator of the first user namespace, so being able to list the directories is not enough.
    """
    if not layers or not _administrator():
        return False
    return all(
        Path(layer).is_dir()
        and os.access(layer, os.R_OK | os.X_OK)
        # Podman's composefs: the directory holds objects by digest, the tree is elsewhere.
        and not Path(layer).with_name("composefs-data").exists()
        for layer in layers
    )


def open_overlay(layers: tuple[str, ...], *, interest: Interest = NOTHING, limits: Limits) -> View:
    """Merge the layer directories `layers`, lowest first, into one view.

    Raises CouldNotRun: E_OVERLAY_REDIRECT for features that are not merged here, E_OVERLAY_READ when a layer
    cannot be listed (the caller then uses an export), E_LIMIT.
    """
    merged = merge(layers, limits=limits, skip=masked)

    def root_of(entry: Entry) -> str:
        index = merged.holder.get(entry.path)
        if index is None:
            raise ViewError("is not in any layer")
        return layers[index]

    return disk_view(image_tree(merged.entries), root_of, interest=interest, limits=limits)


def merge(
    layers: tuple[str, ...], *, limits: Limits, skip: Callable[[str], bool], sockets: bool = False
) -> Merged:
    """Merge `layers` (lowest first), leaving out every path that `skip` names with all below it."""
    roots = [os.fsencode(layer).rstrip(b"/") for layer in layers]
    merged = Merged()
    top_down = list(range(len(roots) - 1, -1, -1))
    stack: list[tuple[str, list[int]]] = [("/", top_down)]
    while stack:
        directory, sharing = stack.pop()
        deeper = _merge_directory(directory, sharing, roots, merged, skip, sockets=sockets)
        stack.extend(deeper.items())
        if len(merged.entries) > limits.tar_members:
            raise over_limit("tar_members", limits.tar_members, "the merged image")
    return merged


def _merge_directory(
    directory: str,
    sharing: list[int],
    roots: list[bytes],
    merged: Merged,
    skip: Callable[[str], bool],
    *,
    sockets: bool,
) -> dict[str, list[int]]:
    """List one directory through the layers that share it, topmost first.

    Returns its subdirectories, each with the layers that share it.
    """
    prefix = directory if directory == "/" else f"{directory}/"
    settled: set[bytes] = set()
    deeper: dict[str, list[int]] = {}
    lowest = sharing[-1]
    for index in sharing:
        place = roots[index] + encode(prefix)
        names: set[bytes] = set()
        try:
            if index and _opaque(place, directory):  # nothing lies below layer 0
                lowest = index
            with os.scandir(place) as items:
                for item in items:
                    name = item.name
                    if name in settled:
                        continue
                    path = prefix + decode(name)
                    if skip(path):
                        continue
                    if name.startswith(b".wh."):  # fuse-overlayfs, rootless podman's; no image may hold such
                        _unsupported(path, "is a whiteout by name")
                    status = item.stat(follow_symlinks=False)
                    mode = status.st_mode
                    if stat.S_ISDIR(mode):
                        _share(path, status, index, merged, deeper)
                        continue
                    names.add(name)
                    # A file below an upper layer's directory of the same name is hidden by it.
                    if path in deeper or (stat.S_ISCHR(mode) and status.st_rdev == 0):
                        continue
                    if stat.S_ISREG(mode) and status.st_size and not status.st_blocks:
                        _refuse_metacopy(item.path, path)
                    entry = to_entry(path, status, item.path, sockets=sockets)
                    if entry is not None:
                        merged.entries[path] = entry
                        merged.holder[path] = index
        except OSError as error:
            _unreadable(directory, error)
        settled |= names
        if index == lowest:
            break
    return deeper


def _share(
    path: str, status: os.stat_result, index: int, merged: Merged, deeper: dict[str, list[int]]
) -> None:
    """Note that layer `index` has the directory `path`; the topmost layer that has it gives its mode."""
    layers = deeper.get(path)
    if layers is not None:
        layers.append(index)
        return
    deeper[path] = [index]
    merged.entries[path] = Entry(path=path, kind="directory", mode=status.st_mode & 0o7777)
    merged.holder[path] = index


def _opaque(place: bytes, directory: str) -> bool:
    """Whether lower layers end at this directory. Raises CouldNotRun (E_OVERLAY_REDIRECT)."""
    opaque = False
    for name, value in _attributes(place):
        if name == "redirect":
            _unsupported(directory, "is redirected")
        if name == "opaque":
            if value != b"y":
                _unsupported(directory, "holds whiteouts as attributes")
            opaque = True
    return opaque


def _refuse_metacopy(place: bytes, path: str) -> None:
    if any(name == "metacopy" for name, _ in _attributes(place)):
        _unsupported(path, "has its bytes in another layer")


def _attributes(place: bytes) -> list[tuple[str, bytes]]:
    """Overlay attributes of one path without their prefix; one system call where there are none."""
    try:
        names = os.listxattr(place, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise
    return [
        (name.removeprefix(prefix), os.getxattr(place, name, follow_symlinks=False))
        for name in names
        for prefix in _PREFIXES
        if name.startswith(prefix)
    ]


def _unsupported(path: str, what: str) -> NoReturn:
    raise CouldNotRun(
        "E_OVERLAY_REDIRECT",
        f"{path!a} of the image's layers {what}, which needs a mount to be merged; nothing was kept of them",
        hint="Read the image through an export instead.",
    )


def _unreadable(path: str, error: OSError) -> NoReturn:
    raise CouldNotRun(
        "E_OVERLAY_READ",
        f"{path!a} of the image's layers cannot be read ({reason(error)}); nothing was kept of them",
        hint="Read the image through an export instead.",
    ) from None


def _administrator() -> bool:
    """Whether `trusted.*` attributes are visible: CAP_SYS_ADMIN in the first user namespace."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
        mapping = Path("/proc/self/uid_map").read_text("ascii", "replace")
    except OSError:
        return False
    if tuple(mapping.split()) != _FULL_MAP:
        return False
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)
    return False
