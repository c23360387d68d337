"""The error tree: each class holds a message, a hint, and the exit code it ends in.

    ReprocheckError
    ├── UsageFault          2  flags or arguments that make no sense together
    ├── InputFault          2  an input file that is malformed, of an unknown version, or hostile
    ├── CouldNotRun         3  no daemon, image gone, tool missing, time-out, disk full
    └── Refused             5  policy: an explicit flag is needed; nothing was started

Every error carries a stable code (`E_...`) that `reprocheck explain` knows.
"""

from __future__ import annotations

from typing import ClassVar


class ReprocheckError(Exception):
    """An expected failure, reported in one line: what, where, what was left, what to do next."""

    exit_code: ClassVar[int] = 70

    def __init__(self, code: str, message: str, *, hint: str) -> None:
        """Take a stable code (`E_IMAGE_NOT_FOUND`), what happened, and the next step for the user."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class UsageFault(ReprocheckError):
    """The call itself makes no sense."""

    exit_code = 2


class InputFault(ReprocheckError):
    """An input file is malformed, of an unknown version, over a limit, or hostile."""

    exit_code = 2


class CouldNotRun(ReprocheckError):
    """The work could not be done here and now; trying again may help."""

    exit_code = 3


class Refused(ReprocheckError):
    """Policy forbids it without an explicit flag; nothing was started."""

    exit_code = 5
