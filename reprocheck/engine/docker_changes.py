"""What changed in a container's writable layer outside its outputs: packages added, files edited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reprocheck.engine.docker_errors import translated
from reprocheck.engine.patterns import Patterns
from reprocheck.model.run import Change

if TYPE_CHECKING:
    from typing import Literal

    from docker import APIClient

    Kind = Literal["added", "modified", "deleted"]

MOST_CHANGES = 10_000
"""More than these are folded by directory."""

_KINDS: dict[object, Kind] = {0: "modified", 1: "added", 2: "deleted"}
"""Docker Engine API, `ContainerChangeResponseItem.Kind`."""

VOLATILE: tuple[tuple[str, str], ...] = (
    (r".*/__pycache__(/[^/]*\.pyc(\.[0-9]+)?)?", "bytecode that Python writes on import (PEP 3147)"),
    (r"/(var/)?tmp", "the directory itself: what came and went in it"),
    (r"/(var/)?tmp/tmp[a-z0-9_]{8}(/.*)?", "random names of Python's tempfile, which nothing finds again"),
    (r"/(var/)?tmp/(pip|pymp|matplotlib)-[^/]*(/.*)?", "temporary files of pip, multiprocessing, matplotlib"),
    (r"/(var/)?tmp/torchinductor_[^/]*(/.*)?", "kernels that torch.compile makes from the program"),
    (r"/(var/)?tmp/joblib_memmapping_folder_[^/]*(/.*)?", "arrays that joblib hands to its workers"),
    (r"/(var/)?tmp/hsperfdata_[^/]*(/.*)?", "counters of the Java virtual machine"),
    (r"/(var/)?tmp/\.(X11|ICE|font|XIM|Test)-unix(/.*)?", "sockets of X11"),
    (
        r"/(var/)?run(/(lock(/.*)?|utmp|[^/]+\.(pid|sock)))?",
        "locks, sockets, process numbers (FHS 3.0, 3.15)",
    ),
    (r".*/\.cache(/torch)?", "the directories themselves, which the first of several libraries makes"),
    (r".*/\.cache/(pip|uv)(/.*)?", "packages on their way to an installation, which is listed itself"),
    (r".*/\.cache/(matplotlib|fontconfig)(/.*)?", "lists of the fonts that are installed"),
    (r".*/\.cache/(torch/kernels|numba|mesa_shader_cache(_db)?)(/.*)?", "compiled from the program"),
    (r"/var/log(/.*)?", "logs (FHS 3.0, 5.10)"),
    (r"/var/cache(/(apt|apk|debconf|dnf|fontconfig|ldconfig|man|yum)(/.*)?)?", "made again by system tools"),
    (r"/var/lib/apt/lists(/.*)?", "package lists, fetched again by apt update"),
    (r"/etc/(hostname|hosts|resolv\.conf|mtab)", "written by the engine at every start"),
    (r"/etc", "the directory itself: podman makes those files in the container's own layer"),
    (r"/(dev|proc|sys)(/.*)?", "served by the kernel"),
    (r"/\.dockerenv|/run/\.containerenv|(/usr)?/sbin/docker-init", "put there by the engine"),
    (r".*/\.nv(/.*)?", "kernels compiled and cached by the NVIDIA driver (CUDA_CACHE_PATH)"),
    (r".*/\.triton(/.*)?", "kernels compiled and cached by Triton"),
    (r".*/\.config(/matplotlib)?", "empty settings directories that matplotlib makes on import"),
    (r".*/\.((bash|python)_history|lesshst|viminfo)", "what somebody typed"),
)
"""Paths that no result comes from, each with the reason."""

_SHARED = re.compile(
    r"/etc|/(var/)?(tmp|run)|/var/cache|.*/\.cache(/torch)?|.*/\.config(/matplotlib)?", re.DOTALL
)
"""Of these, the directories that hold other things too: when one was deleted, those went with it."""

_VOLATILE = re.compile("|".join(f"(?:{expression})" for expression, _ in VOLATILE), re.DOTALL)


def is_volatile(path: str, kind: Kind = "modified") -> bool:
    """Whether no result comes from this change of `path` (see `VOLATILE`)."""
    if kind == "deleted" and _SHARED.fullmatch(path):
        return False
    return _VOLATILE.fullmatch(path) is not None


def container_changes(
    client: APIClient, container_id: str, *, outputs: tuple[str, ...], mounts: tuple[str, ...]
) -> tuple[Change, ...]:
    """List the changes of a container's writable layer that are not outputs, sorted by path.

    `outputs` are patterns, `mounts` the targets of mounts. More than `MOST_CHANGES` are folded: then a path
    that ends in `/**` stands for everything below. Raises CouldNotRun (E_CONTAINER_NOT_FOUND, E_DAEMON_LOST).
    """
    with translated("listing the container's changes"):
        rows = client.diff(container_id) or []  # null when nothing changed
    changed: dict[str, Kind] = {}
    for row in rows:
        path, kind = row.get("Path"), _KINDS.get(row.get("Kind"))
        if isinstance(path, str) and path.startswith("/") and path != "/" and kind is not None:
            changed[path] = kind
    return fold(select_changes(changed, outputs=outputs, mounts=mounts))


def select_changes(
    changed: dict[str, Kind], *, outputs: tuple[str, ...], mounts: tuple[str, ...]
) -> tuple[Change, ...]:
    """Leave out outputs, mounts, and directories that changed only because something in them did."""
    wanted = Patterns(outputs)
    targets = tuple(sorted({mount.rstrip("/") for mount in mounts}))

    def excluded(path: str) -> bool:
        return wanted.match(path) or any(
            path == target or path.startswith(f"{target}/") for target in targets
        )

    kept: list[Change] = []
    holds_change: set[str] = set()
    holds_excluded: set[str] = set()
    # Deepest first: what lies in a directory is known before the directory itself.
    for path in sorted(changed, key=lambda path: (-path.count("/"), path)):
        parent, kind = path.rpartition("/")[0], changed[path]
        if excluded(path):
            holds_excluded.add(parent)
        elif kind == "modified" and path in holds_change:
            holds_change.add(parent)
        elif path in holds_excluded and (kind == "modified" or path not in holds_change):
            # It leads to an output or mount: it changes, or is there, because of that.
            holds_excluded.add(parent)
        elif kind == "added" and path not in holds_change and wanted.leads(path):
            holds_excluded.add(parent)
        else:
            holds_change.add(parent)
            kept.append(Change(path=path, kind=kind, volatile=is_volatile(path, kind)))
    return tuple(sorted(kept, key=lambda change: change.path))


def fold(changes: tuple[Change, ...], most: int = MOST_CHANGES) -> tuple[Change, ...]:
    """Fold by directory until at most `most` are left; a fold's path ends in `/**`.

    The fold keeps the kind that all of its changes share, else `modified`; it is volatile only when all are.
    """
    if len(changes) <= most:
        return changes
    deepest = max(change.path.count("/") for change in changes)
    for depth in range(deepest - 1, 0, -1):
        folded = _folded(changes, depth)
        if len(folded) <= most:
            return folded
    return _folded(changes, 0)


def _folded(changes: Iterable[Change], depth: int) -> tuple[Change, ...]:
    groups: dict[tuple[str, bool], list[Change]] = {}
    for change in changes:
        parts = change.path.split("/")
        path = "/".join([*parts[: depth + 1], "**"]) if len(parts) > depth + 1 else change.path
        # Volatile and other changes are not folded into each other: the one must not hide the other.
        groups.setdefault((path, change.volatile), []).append(change)
    folded: list[Change] = []
    for (path, volatile), members in sorted(groups.items()):
        kinds = {member.kind for member in members}
        kind = members[0].kind if len(kinds) == 1 else "modified"
        folded.append(Change(path=path, kind=kind, volatile=volatile))
    return tuple(folded)
