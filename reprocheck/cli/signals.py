"""Ctrl-C and its kin: the first one unwinds everything, another one right behind it does not disturb that."""

from __future__ import annotations

import signal
import time
from types import FrameType

EXIT_CODE = 130
CODE = "E_INTERRUPTED"
LINE = f"error[{CODE}]: interrupted. Nothing was left behind; start again when you like."

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEAF_SECONDS = 5.0
"""How long the clean-up that the first signal began is not disturbed by another."""

_last: list[float] = []


def listen() -> None:
    """Turn each signal into KeyboardInterrupt; one that the caller ignores (`nohup`, `&`) stays ignored."""
    for number in _HEARD:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def stop_listening() -> None:
    """Ignore them: everything is done, and the interpreter's own end must not be torn apart."""
    for number in _HEARD:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _last and now - _last[0] < _DEAF_SECONDS:
        return
    _last[:] = [now]
    raise KeyboardInterrupt
