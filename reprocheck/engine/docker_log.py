"""The output of a running container, brought from the engine's stream into the main thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from reprocheck.engine.docker_errors import translated
from reprocheck.engine.docker_stream import answer
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from docker import APIClient
    from urllib3 import HTTPResponse

_WAITING = 256
"""Chunks on the way; a slow sink then slows the program down instead of filling our memory."""
_CHUNK = 1 << 16
_PAUSE = 0.2
_DRAIN_SECONDS = 5.0


class Log:
    """A context that brings the output of one container into the thread that reads it.

    Enter it before the container is created: the stream ends when the container is removed, and leaving the
    context then waits for the thread that reads it.
    """

    def __init__(self, client: APIClient, *, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._chunks: queue.Queue[bytes | None] = queue.Queue(maxsize=_WAITING)
        self._attached = threading.Event()
        self._stop = threading.Event()
        self._problem: BaseException | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._reader is not None:
            self._reader.join(timeout=_DRAIN_SECONDS)

    def attach(self, container: str) -> None:
        """Attach to a container that has not started, so that no word is lost. Raises CouldNotRun."""
        what = "attaching to the container"
        self._reader = threading.Thread(
            target=self._pump, args=(container,), name="reprocheck-log", daemon=True
        )
        self._reader.start()
        with translated(what):
            if not self._attached.wait(self._limits.idle_seconds):
                raise TimeoutError
            if self._problem is not None:
                raise self._problem

    def chunks(self, ended: threading.Event) -> Iterator[bytes]:
        """Give the output, both streams in order of arrival, without the frames' headers.

        Ends when the program has closed its output, or a few seconds after `ended` is set.
        """
        give_up: float | None = None
        while True:
            try:
                chunk = self._chunks.get(timeout=_PAUSE)
            except queue.Empty:
                if ended.is_set():
                    give_up = time.monotonic() + _DRAIN_SECONDS if give_up is None else give_up
                    if time.monotonic() > give_up:
                        return
                continue
            if chunk is None:
                return
            yield chunk

    def _pump(self, container: str) -> None:
        try:
            # No time-out once attached: a training may say nothing for hours.
            with answer(
                self._client,
                f"/containers/{container}/attach",
                method="POST",
                parameters={"stream": "1", "stdout": "1", "stderr": "1"},
                stream=True,
                timeout=(self._limits.connect_seconds, None),
            ) as response:
                self._attached.set()
                self._read_frames(response.raw)
        except BaseException as problem:  # noqa: BLE001 - raised by `attach`; later the guard tells why
            self._problem = problem
        self._attached.set()
        _put(self._chunks, None, self._stop)

    def _read_frames(self, raw: HTTPResponse) -> None:
        """Docker Engine API, "Stream format": stream number, three zeros, length as a 32-bit integer."""
        while len(header := raw.read(8, decode_content=False)) == 8:
            left = int.from_bytes(header[4:], "big")
            while left and (chunk := raw.read(min(left, _CHUNK), decode_content=False)):
                left -= len(chunk)
                if not _put(self._chunks, chunk, self._stop):
                    return


def _put(chunks: queue.Queue[bytes | None], item: bytes | None, stop: threading.Event) -> bool:
    while not stop.is_set():
        with suppress(queue.Full):
            chunks.put(item, timeout=_PAUSE)
            return True
    return False
