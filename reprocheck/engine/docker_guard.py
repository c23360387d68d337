"""Watches a running container: its time, its disk, and whether it still runs."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Literal

from reprocheck.engine.docker_document import Document, flag, mapping, objects, text, whole
from reprocheck.engine.docker_errors import cleaned, status_of, translated
from reprocheck.engine.docker_settings import host_mounts, overlay_layers
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.endpoint import shares_files
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from docker import APIClient

_SHORTEST, _LONGEST = 0.02, 1.0
_ATTEMPTS = 3
_CANCEL_SECONDS = 2.0
"""A guard in the middle of a slow call is left behind: the removal of the container ends it."""
_SHARE = 10
"""Looking at the disk takes at most a tenth of the time."""


class Guard:
    """A thread that stops a container at its deadline or its disk limit.

    The time is kept here and not in the container, where the program could reach it.
    """

    def __init__(
        self, client: APIClient, container: str, *, seconds: int, disk_bytes: int, limits: Limits
    ) -> None:
        self._client = client
        self._container = container
        self._seconds = seconds
        self._disk_bytes = disk_bytes
        self._limits = limits
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reprocheck-guard", daemon=True)
        self._cancelled = False
        self._next_look = 0.0
        self._places: tuple[str, ...] | None = None
        self.ended = threading.Event()
        """Set when the container has stopped or cannot be watched any more."""
        self.cause: Literal["", "time", "disk"] = ""
        """Why we stopped it, '' when it ended by itself."""
        self.problem: BaseException | None = None
        """Why it cannot be watched; the container may still run."""

    def start(self) -> None:
        """Start the clock."""
        self._thread.start()

    def hurry(self) -> None:
        """Look now: the program has closed its output, so it has ended or will soon."""
        self._wake.set()

    def cancel(self) -> None:
        """Stop watching; the container is left as it is."""
        self._cancelled = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=_CANCEL_SECONDS)

    def _watch(self) -> None:
        try:
            self._until_it_stops()
        except BaseException as problem:  # noqa: BLE001 - handed to the main thread, which raises it
            self.problem = problem
        self.ended.set()

    def _until_it_stops(self) -> None:
        deadline = time.monotonic() + self._seconds
        pause = _LONGEST
        stopped_at: float | None = None
        while not self._cancelled:
            now = time.monotonic()
            document = self._inspect()
            if not flag(mapping(document, "State"), "Running"):
                return
            if stopped_at is not None:
                if now - stopped_at > self._limits.stop_seconds + self._limits.idle_seconds:
                    raise CouldNotRun(
                        "E_NOT_STOPPED",
                        "the engine could not stop the container",
                        hint="Look at it with `docker ps`, and restart the engine if it stays.",
                    )
            elif now >= deadline:
                self.cause, stopped_at = "time", now
                self._stop()
            elif self._disk_used(document, now) > self._disk_bytes:
                self.cause, stopped_at = "disk", now
                self._kill()
            left = deadline - time.monotonic()
            if self._wake.wait(min(pause, left) if left > 0 else _SHORTEST):
                self._wake.clear()
                pause = _SHORTEST
            else:
                pause = min(pause * 2, _LONGEST)

    def _inspect(self) -> Document:
        """Look, patiently: one silence of a busy engine must not end a training of hours."""
        for attempt in range(_ATTEMPTS):
            try:
                with translated("watching the container"):
                    return document_at(self._client, f"/containers/{self._container}/json")
            except CouldNotRun as error:
                last = attempt == _ATTEMPTS - 1
                if last or self._cancelled or error.code == "E_CONTAINER_NOT_FOUND":
                    raise
            time.sleep(_LONGEST)
        raise AssertionError

    def _stop(self) -> None:
        """SIGTERM, then SIGKILL after `limits.stop_seconds`, both by the engine."""
        with translated("stopping the container"):
            self._client.stop(self._container, timeout=self._limits.stop_seconds)

    def _kill(self) -> None:
        with translated("stopping the container"):
            try:
                self._client.kill(self._container)
            except OSError as error:  # docker's errors are requests' errors, which are OSErrors
                if status_of(error) != 409:  # it has just stopped by itself
                    raise

    def _disk_used(self, document: Document, now: float) -> int:
        """Bytes of the writable layer and the volumes; 0 when it is not time to look again."""
        if now < self._next_look:
            return 0
        if self._places is None:
            self._places = _places(self._client, document)
        used = disk_usage(self._places) if self._places else self._measured(document)
        spent = time.monotonic() - now
        self._next_look = now + max(_LONGEST, _SHARE * spent)
        return used

    def _measured(self, document: Document) -> int:
        """Ask the engine, which counts a container's volumes apart from its layer."""
        path = f"/containers/{self._container}/json"
        with translated("measuring the container"):
            used = whole(document_at(self._client, path, parameters={"size": "1"}), "SizeRw")
        volumes = {text(mount, "Name") for mount in objects(document, "Mounts") if flag(mount, "RW")} - {""}
        return used + self._volumes_measured(volumes) if volumes else used

    def _volumes_measured(self, names: set[str]) -> int:
        try:
            with translated("measuring the volumes"):
                listed = objects(document_at(self._client, "/system/df"), "Volumes")
        except CouldNotRun:
            return 0  # one such question at a time, says the engine to the second; the next look counts
        sizes = (mapping(row, "UsageData") for row in listed if text(row, "Name") in names)
        return sum(max(0, whole(size, "Size")) for size in sizes)


def _places(client: APIClient, document: Document) -> tuple[str, ...]:
    """The directories that the program can fill, () when this process cannot see them."""
    layers = overlay_layers(document)
    if not layers or not shares_files(client):
        return ()
    volumes = [mount.source for mount in host_mounts(document) if mount.kind == "volume" and mount.writable]
    places = (layers[-1], *volumes)
    return places if all(os.access(place, os.R_OK | os.X_OK) for place in places) else ()


def disk_usage(places: tuple[str, ...]) -> int:
    """Bytes that the files in some directories take on the disk; holes count nothing, hard links once.

    What vanishes meanwhile counts nothing; links are not followed.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [os.fsencode(place) for place in places]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif status.st_nlink > 1:
                        if (status.st_dev, status.st_ino) in seen:
                            continue
                        seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * 512
        except OSError:
            continue
    return total


def guard_failure(problem: BaseException) -> CouldNotRun:
    """Turn what ended a guard into an error of ours."""
    if isinstance(problem, CouldNotRun):
        return problem
    return CouldNotRun(
        "E_DAEMON_LOST",
        f"the running container could not be watched any more: {cleaned(repr(problem))}",
        hint="See whether the engine still runs (`docker info`), then try again.",
    )
