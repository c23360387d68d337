"""N manifests, read one after another and let go of again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.fleet import FleetReport

if TYPE_CHECKING:
    from reprocheck.explain import Ignore

SUFFIX = ".json"


def fleet(
    files: Iterable[tuple[str, bytes]],
    *,
    group_by: str = "",
    ignores: Sequence[Ignore] = (),
    noise: bool = False,
    limits: Limits,
) -> FleetReport:
    """Hold manifests against each other; of `files` (name, bytes) one at a time is in memory.

    A file whose name comes twice counts once and is named in `FleetReport.repeated`; equal bytes under two
    names are two equal members. `ignores` are patterns as of a diff of two. `noise` lists what differs by
    nature too. Raises InputFault for the first file that cannot be read: nothing is reported of the others.
    """
    from reprocheck.codec import decode_manifest
    from reprocheck.compare.fleet import close
    from reprocheck.compare.fleet_census import Census
    from reprocheck.compare.fleet_weights import weigh
    from reprocheck.explain.fleet import rank_fleet

    census = Census(group_by=group_by)
    seen: set[str] = set()
    for name, raw in files:
        if name in seen:
            if name not in census.repeated:
                census.repeated.append(name)
            continue
        seen.add(name)
        census.add(name, decode_manifest(raw, where=name, limits=limits))
    delta = close(census)
    del census
    return weigh(delta, rank_fleet(delta, ignores=ignores), noise=noise)


def files_of(paths: Iterable[str], read: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    """Read the files of paths in turn: of a directory its `*.json`, in the order of their names.

    A file that was met before, under whatever path, comes again by its first name. `read` returns the bytes
    of a path, bounded. Raises InputFault (E_FLEET_EMPTY) for a directory without manifests, and what `read`
    raises.
    """
    met: dict[tuple[int, int], str] = {}
    for path in paths:
        for file in _listed(path) if path != "-" and os.path.isdir(path) else (path,):
            known = _identity(file)
            first = met.get(known, "") if known is not None else ""
            if known is not None and not first:
                met[known] = file
            yield (first, b"") if first else (file, read(file))


def _identity(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None  # standard input, or a path of which `read` says what is wrong
    return status.st_dev, status.st_ino


def _listed(directory: str) -> tuple[str, ...]:
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if entry.name.endswith(SUFFIX))
    except OSError as error:
        raise InputFault(
            "E_UNREADABLE",
            f"cannot read {directory}: {error.strerror}",
            hint="Check the path and its permissions.",
        ) from None
    if not names:
        raise InputFault(
            "E_FLEET_EMPTY",
            f"{directory} holds no manifest: no file in it ends in {SUFFIX}",
            hint="Name the manifests themselves, or the directory that holds them.",
        )
    return tuple(str(Path(directory, name)) for name in names)
