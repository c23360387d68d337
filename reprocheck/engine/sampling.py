"""Looks at the processes of a run now and then while it runs; never pauses or signals them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable

from reprocheck.engine.process_maps import (
    Identity,
    Mapping,
    executable_of,
    facts_of,
    identity_of,
    mappings_of,
    mount_of,
    mount_points_of,
    open_mapped,
)
from reprocheck.limits import Limits
from reprocheck.model.library import LibraryFacts
from reprocheck.model.sighting import ENGINE_PROGRAMS, MappedFile, SampledProcess
from reprocheck.ports import ReadLibrary

TICK = 0.25
"""Seconds between two looks for new processes."""
PATIENCE = 10.0
"""Seconds that the last look may take after the run has ended."""
_FIRST, _LAST = 0.25, 4.0
"""Seconds until the maps of a process are read again: doubled each time, so a long run costs nothing."""

Pids = Callable[[], Iterable[int]]
"""Numbers of the processes that belong to a run; OSError when that cannot be told (any more)."""


class _Seen:
    """One program in one process."""

    def __init__(self, *, inherited: bool) -> None:
        self.inherited = inherited
        """Whether its parent runs the same program: a fork, or on the way to another program."""
        self.looks = 0
        self.files: dict[str, MappedFile] = {}
        self.due = 0.0
        self.pause = _FIRST


class Sampler:
    """Collects what the processes of a run have mapped.

    `is_written` says of a path whether the run itself wrote the file; of such files, and of those on a mount,
    facts are taken at once, since they may be gone afterwards.
    """

    def __init__(
        self, pids: Pids, *, is_written: Callable[[str], bool], read: ReadLibrary, limits: Limits
    ) -> None:
        self._pids = pids
        self._is_written = is_written
        self._read = read
        self._limits = limits
        self._seen: dict[tuple[int, int, str], _Seen] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reprocheck-sampler", daemon=True)
        self.facts: dict[str, LibraryFacts] = {}
        self.written: set[str] = set()
        self.problem = ""
        """Why a process could not be looked at, '' while all could."""

    def start(self) -> None:
        """Look in a thread until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was seen stays."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=PATIENCE)
            if self._thread.is_alive():  # a file of a hung mount; the run's end does not wait for it
                self.problem = self.problem or f"a look at them did not end within {PATIENCE:.0f} seconds"

    def processes(self) -> tuple[SampledProcess, ...]:
        """Return what was seen, sorted."""
        return tuple(
            SampledProcess(
                pid=pid,
                started=started,
                executable=executable,
                files=tuple(seen.files[path] for path in sorted(seen.files)),
            )
            for (pid, started, executable), seen in sorted(self._seen.items())
        )

    def look(self) -> None:
        """Look once at every process."""
        for pid in self._pids():
            try:
                self._look_at(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            except PermissionError:
                self.problem = self.problem or "/proc does not show their mappings to this user"
            except OSError as error:
                self.problem = (
                    self.problem or f"/proc cannot be read: {os.strerror(error.errno or 0).lower()}"
                )

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except PermissionError:
                self.problem = self.problem or "the engine's processes are not visible from here"
                return
            except OSError:
                pass  # the processes are gone, or not there yet
            except Exception as error:  # noqa: BLE001 - an observer never ends the run that it observes
                self.problem = self.problem or f"they could not be sampled: {type(error).__name__}"
                return
            self._stop.wait(TICK)

    def _look_at(self, pid: int) -> None:
        identity = identity_of(pid)
        if identity is None:
            return
        executable = executable_of(pid)
        if executable in ENGINE_PROGRAMS:
            return
        key = (identity.pid, identity.started, executable)
        seen = self._seen.get(key)
        now = time.monotonic()
        if seen is None:
            if len(self._seen) >= self._limits.observed_processes:
                self.problem = self.problem or (
                    f"there were more than the limit of {self._limits.observed_processes} (see --limit-scale)"
                )
                return
            self._forget_passage(identity)
            seen = self._seen[key] = _Seen(inherited=_runs(identity.parent, executable))
        elif now < seen.due:
            return
        seen.looks += 1
        seen.due = now + seen.pause
        seen.pause = min(seen.pause * 2, _LAST)
        points: tuple[str, ...] = ()
        for mapping in mappings_of(pid):
            if mapping.path in seen.files:
                continue
            points = points or mount_points_of(pid)
            mount = mount_of(mapping.path, points)
            seen.files[mapping.path] = MappedFile(path=mapping.path, mount=mount, gone=mapping.gone)
            self._take(pid, mapping, mount)

    def _forget_passage(self, identity: Identity) -> None:
        """Drop the parent's program that was seen in this process once, between fork and exec."""
        for key in [key for key in self._seen if key[:2] == (identity.pid, identity.started)]:
            if self._seen[key].inherited and self._seen[key].looks == 1:
                del self._seen[key]

    def _take(self, pid: int, mapping: Mapping, mount: str) -> None:
        written = self._is_written(mapping.path)
        if written:
            self.written.add(mapping.path)
        if mapping.path in self.facts or not (written or mapping.gone or mount != "/"):
            return
        try:
            descriptor = open_mapped(pid, mapping)
            self.facts[mapping.path] = facts_of(descriptor, mapping.path, self._read)
        except OSError:
            return  # without root only the name is known


def _runs(pid: int, executable: str) -> bool:
    try:
        return pid > 0 and executable_of(pid) == executable
    except OSError:
        return False
