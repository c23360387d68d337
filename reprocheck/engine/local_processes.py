"""The processes of a local run: those below this one that carry a mark in their environment."""

from __future__ import annotations

import os
from pathlib import Path

from reprocheck.engine.container_processes import descendants_of

_ENVIRON = 1 << 21
"""A little more than the kernel lets a program be started with (execve(2))."""


class LocalProcesses:
    """Gives the process numbers of a local run (`sampling.Pids`)."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._known: set[int] = set()

    def __call__(self) -> tuple[int, ...]:
        """Return the numbers, sorted; a process that left for another parent is kept while it lives."""
        alive = {pid for pid in self._known if self._is_marked(pid)}
        found = set(alive)
        for pid in (os.getpid(), *sorted(alive)):
            found.update(below for below in descendants_of(pid) if below in alive or self._is_marked(below))
        self._known = found
        return tuple(sorted(found))

    def _is_marked(self, pid: int) -> bool:
        try:
            with Path(f"/proc/{pid}/environ").open("rb") as file:
                return self._mark in file.read(_ENVIRON).split(b"\0")
        except OSError:
            return False
