"""Reading in a second thread: its result and its errors arrive where they are asked for."""

from __future__ import annotations

import threading

import pytest

from reprocheck.engine.meanwhile import Meanwhile
from reprocheck.errors import CouldNotRun


def test_it_runs_at_once_and_gives_its_result() -> None:
    begun = threading.Event()

    def read() -> str:
        begun.set()
        return threading.current_thread().name

    reading = Meanwhile(read)
    assert begun.wait(10)
    assert reading.result() == "reprocheck-meanwhile"
    assert reading.result() == "reprocheck-meanwhile"


def test_its_error_is_raised_to_who_asks() -> None:
    def fail() -> None:
        raise CouldNotRun("E_LIMIT", "too much", hint="Raise it.")

    with pytest.raises(CouldNotRun, match="too much"):
        Meanwhile(fail).result()
