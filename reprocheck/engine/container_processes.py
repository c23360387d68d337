"""The processes of a container on this machine, by its cgroup; nothing is executed in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reprocheck.engine.docker_document import mapping, whole
from reprocheck.engine.docker_errors import translated
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.endpoint import shares_files

if TYPE_CHECKING:
    from docker import APIClient

_CGROUPS = "/sys/fs/cgroup"
_CONTROLLERS = ("pids", "memory", "systemd", "unified")
"""Where cgroup v1 has a directory for each controller; every one lists the same processes."""


class ContainerProcesses:
    """Gives the process numbers of one running container (`sampling.Pids`)."""

    def __init__(self, client: APIClient, container: str) -> None:
        self._client = client
        self._container = container
        self._first = 0
        self._lists: tuple[str, ...] = ()

    def __call__(self) -> tuple[int, ...]:
        """Return the numbers, sorted, as this machine counts them. Raises OSError when there are none."""
        if not self._first:
            self._first = first_process(self._client, self._container)
            self._lists = tuple(_lists_of(self._first, self._container))
        for place in self._lists:
            try:
                found = sorted(_listed(place))
            except OSError:
                continue
            if found:
                return tuple(found)
        if self._lists:
            raise ProcessLookupError  # never the number alone: another process may have it by now
        return tuple(sorted({self._first, *descendants_of(self._first)}))


def first_process(client: APIClient, container: str) -> int:
    """Return the number of the container's first process on this machine.

    Raises OSError: ProcessLookupError when it does not run, PermissionError when the engine's processes are
    not this machine's. Raises CouldNotRun when the engine does not answer.
    """
    with translated("looking at the running container"):
        document = document_at(client, f"/containers/{container}/json")
    pid = whole(mapping(document, "State"), "Pid")
    if pid <= 0:
        raise ProcessLookupError
    with Path(f"/proc/{pid}/cgroup").open("rb") as file:
        # An engine in another PID namespace counts otherwise; the cgroup's name proves that it is the one.
        if not shares_files(client) or container[:64].encode() not in file.read(1 << 20):
            raise PermissionError
    return pid


def _lists_of(pid: int, container: str) -> Iterator[str]:
    """Name the files that may list the processes, from /proc/PID/cgroup (cgroups(7))."""
    for line in Path(f"/proc/{pid}/cgroup").read_text("utf-8", "replace").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if container not in path or ".." in path.split("/"):
            continue
        if number == "0":
            yield f"{_CGROUPS}{path}/cgroup.procs"
        for controller in controllers.removeprefix("name=").split(","):
            if controller in _CONTROLLERS:
                yield f"{_CGROUPS}/{controller}{path}/cgroup.procs"


def _listed(place: str) -> set[int]:
    """Read the list of a cgroup and of those below it."""
    found: set[int] = set()
    for directory, _, names in os.walk(place.rpartition("/")[0]):
        if "cgroup.procs" in names:
            text = Path(directory, "cgroup.procs").read_text("ascii")
            found.update(int(word) for word in text.split())
    return found - {0}


def descendants_of(pid: int) -> Iterator[int]:
    """Give the processes below one (proc(5), /proc/PID/task/TID/children)."""
    waiting, seen = [pid], {pid}
    while waiting:
        place = f"/proc/{waiting.pop()}/task"
        try:
            tasks = os.listdir(place)
        except OSError:
            continue
        for task in tasks:
            try:
                words = Path(place, task, "children").read_text("ascii").split()
            except OSError:
                continue
            for child in map(int, words):
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
                    yield child
