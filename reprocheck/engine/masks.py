"""What a container engine puts into every container: left out of every source, so that all sources agree.

Docker's init layer creates these paths (moby `daemon/initlayer/setup_unix.go`), podman `/run/.containerenv`;
an export of a created container shows them, the image's own layer directories do not.
"""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.model.filetree import Entry, FileTree

_FILES = frozenset(
    {
        "/.dockerenv",
        "/run/.containerenv",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/resolv.conf",
        "/etc/mtab",
        "/dev",
        "/proc",
        "/sys",
    }
)
_BELOW = ("/dev/", "/proc/", "/sys/")
_PLACES = ("/dev", "/proc", "/sys", "/etc/", "/run/", "/.dockerenv")
_MADE_FOR_FILES = ("/etc", "/run")


def masked(path: str) -> bool:
    """Whether the absolute `path` belongs to the engine and not to the image."""
    return path.startswith(_PLACES) and (path in _FILES or path.startswith(_BELOW))


def image_tree(entries: Mapping[str, Entry]) -> FileTree:
    """Build the tree that every source of one image agrees on.

    Masked paths go; so do `/etc` and `/run` when nothing is left in them, because the engine creates them for
    its files where an image lacks them. The root's own mode differs between sources and is set to 0755.
    """
    kept = {path: entry for path, entry in entries.items() if not masked(path)}
    for directory in _MADE_FOR_FILES:
        entry = kept.get(directory)
        if entry is not None and entry.kind == "directory":
            below = f"{directory}/"
            if not any(path.startswith(below) for path in kept):
                del kept[directory]
    kept["/"] = Entry(path="/", kind="directory", mode=0o755)
    return FileTree(kept)
