"""What a stopped container left: from its layers, from the mounts it could write, or through the engine.

In place where this process sees the files (nothing is copied, nothing can be swapped any more); else by
`GET /containers/ID/archive` into a scratch directory, once per fixed beginning of the patterns.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reprocheck import strictjson
from reprocheck.engine.docker_document import mapping, text
from reprocheck.engine.docker_errors import status_of, translated
from reprocheck.engine.docker_settings import HostMount
from reprocheck.engine.docker_stream import answer, streamed
from reprocheck.engine.endpoint import shares_files
from reprocheck.engine.outputs import archive_outputs, directory_outputs, layer_outputs
from reprocheck.engine.overlay import NOT_MERGED, layers_readable
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.writing import make_private_directory
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.ports import OutputFile, RefusedOutput

if TYPE_CHECKING:
    from docker import APIClient

Found = OutputFile | RefusedOutput


def container_outputs(
    client: APIClient,
    container: str,
    *,
    layers: tuple[str, ...],
    mounts: tuple[HostMount, ...],
    patterns: tuple[str, ...],
    limits: Limits,
    scratch: str,
) -> tuple[Found, ...]:
    """Find the files that `patterns` mean in a container that has stopped, sorted by name.

    `layers` are its overlay directories, lowest first; `scratch` is a private directory of the caller that
    must live as long as the files are read. What lies below a mount that the container could not write was
    not made by it and is left out. Raises CouldNotRun (E_LIMIT, E_STREAM_STALLED, E_DAEMON_LOST, ...).
    """
    wanted = Patterns(patterns)
    found: dict[str, Found] = {}
    places = {mount.target.rstrip("/") or "/": mount for mount in mounts}
    at_source = {target for target, mount in places.items() if _readable(client, mount)}
    for target in sorted(at_source):
        if wanted.reaches(target) or wanted.match(target):
            items = directory_outputs(places[target].source, target, patterns, limits=limits)
            found.update((item.name, item) for item in items if _owner(item.name, places) == target)

    def from_container(name: str) -> bool:
        owner = _owner(name, places)
        return owner is None or (places[owner].writable and owner not in at_source)

    rest = _layer_files(layers, patterns, limits) if shares_files(client) else None
    elsewhere = [target for target, mount in places.items() if mount.writable and target not in at_source]
    if rest is None:
        bases = wanted.bases
    else:
        found.update((item.name, item) for item in rest if _owner(item.name, places) is None)
        bases = tuple(base for base in wanted.bases if any(_meet(base, target) for target in elsewhere))
    for index, base in enumerate(_outermost(bases)):
        if not from_container(base or "/"):
            continue
        directory = f"{scratch}/{index}"
        make_private_directory(directory)
        for item in _archived(
            client, container, base or "/", patterns=patterns, limits=limits, directory=directory
        ):
            if from_container(item.name):
                found.setdefault(item.name, item)
    return tuple(found[name] for name in sorted(found))


def _readable(client: APIClient, mount: HostMount) -> bool:
    if not mount.writable or not mount.source or not shares_files(client):
        return False
    # Not Path.is_dir, which raises for what lies in a directory that is closed to this user.
    return os.access(mount.source, os.R_OK | os.X_OK if os.path.isdir(mount.source) else os.R_OK)


def _owner(name: str, places: dict[str, HostMount]) -> str | None:
    """The innermost mount that holds the path, None when it lies in the container's own layers."""
    path = name
    while path:
        if path in places:
            return path
        path = path.rpartition("/")[0]
    return None


def _meet(base: str, target: str) -> bool:
    return base == target or base.startswith(f"{target}/") or target.startswith(f"{base}/")


def _outermost(bases: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what another base already holds; `bases` is sorted, so parents come first."""
    kept: list[str] = []
    for base in bases:
        if not any(base.startswith(f"{other}/") or other == "" for other in kept):
            kept.append(base)
    return tuple(kept)


def _layer_files(
    layers: tuple[str, ...], patterns: tuple[str, ...], limits: Limits
) -> tuple[Found, ...] | None:
    if not layers_readable(layers):
        return None
    try:
        return tuple(layer_outputs(layers, patterns, limits=limits))
    except CouldNotRun as error:
        if error.code in NOT_MERGED:
            return None
        raise


def _archived(
    client: APIClient,
    container: str,
    base: str,
    *,
    patterns: tuple[str, ...],
    limits: Limits,
    directory: str,
) -> Iterator[Found]:
    path = f"/containers/{container}/archive"
    what = f"reading {base!a} of the container"
    link = _link_above(client, container, base, limits)
    if link is None:
        return
    if link:
        yield RefusedOutput(name=link, reason="is a symbolic link, and outputs are never read through one")
        return
    with streamed(client, path, parameters={"path": base}, limits=limits, what=what) as read:
        yield from archive_outputs(
            read, patterns, scratch=directory, base=base, limits=limits, where=f"the archive of {base!a}"
        )


def _link_above(client: APIClient, container: str, base: str, limits: Limits) -> str | None:
    """The first symbolic link on the way to `base` (or itself), '' when there is none.

    None when nothing is there. The engine would follow a link in a parent directory.
    """
    parts = [part for part in base.split("/") if part]
    for end in range(1, len(parts) + 1):
        prefix = "/" + "/".join(parts[:end])
        stat = _path_stat(client, container, prefix, limits)
        if stat is None:
            return None
        if stat:
            return prefix
    return ""


def _path_stat(client: APIClient, container: str, path: str, limits: Limits) -> str | None:
    """Where the link at `path` leads, '' for anything else, None when nothing is there.

    Source: Docker Engine API, `HEAD /containers/ID/archive`, header X-Docker-Container-Path-Stat.
    """
    with translated(f"looking at {path!a} of the container"):
        try:
            response = answer(
                client, f"/containers/{container}/archive", method="HEAD", parameters={"path": path}
            )
        except OSError as error:  # requests' and docker's errors are OSErrors
            if status_of(error) == 404:
                return None
            raise
    header = response.headers.get("X-Docker-Container-Path-Stat", "")
    response.close()
    try:
        raw = base64.b64decode(header, validate=True)
        return text(mapping(strictjson.loads(raw, where="the engine's answer", limits=limits)), "linkTarget")
    except (binascii.Error, ValueError, InputFault):
        raise CouldNotRun(
            "E_ENGINE_REFUSED",
            f"the container engine gave no readable answer about {path!a} of the container",
            hint="Update the engine.",
        ) from None
