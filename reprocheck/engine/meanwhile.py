"""One piece of reading that goes on while the main thread waits for something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Meanwhile(Generic[T]):
    """Calls a function in a thread of its own, at once.

    The thread does not keep the process from ending, so the function must not leave anything behind when it
    is cut off: it reads, and neither writes nor starts processes.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="reprocheck-meanwhile", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """Wait for the function and return what it did, or raise what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asks
            self._error = error
