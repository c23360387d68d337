"""The one error boundary: every way to fail becomes one line on stderr and one exit code.

click's own defaults collide with ours (`ClickException` and `Abort` exit 1, which means "differs" here).
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from reprocheck.cli import signals
from reprocheck.errors import ReprocheckError
from reprocheck.render.safe import show, show_lines

BROKEN_PIPE = 141
BUG = 70

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def guarded(work: Callable[[], int]) -> int:
    """Run `work`; return its exit code or the one that its failure stands for."""
    signals.listen()
    _open_missing_streams()
    try:
        code = work()
        if sys.stdout is not None:
            sys.stdout.flush()
    except ReprocheckError as error:
        _report(error.code, error.message, error.hint)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "reprocheck"
        hint = f"See `{command} --help`."
        if isinstance(error, click.NoSuchOption) and command == "reprocheck run":
            hint = "The program and its options come after `--`; see `reprocheck run --help`."
        _report("E_USAGE", error.format_message(), hint)
        return 2
    except (click.Abort, KeyboardInterrupt):
        _say(signals.LINE)
        return signals.EXIT_CODE
    except BrokenPipeError:  # the reader went away (`| head`)
        _silence_stdout()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the boundary is where a bug becomes exit code 70
        # Files are written by one module, which tells of a full disk itself; what is left is click's help.
        if isinstance(error, OSError) and error.errno in _FULL:
            _silence_stdout()
            problem = f"standard output could not be written: {os.strerror(error.errno or 0).lower()}"
            _report("E_DISK_FULL", problem, "Free some space or quota, or choose another place.")
            return 3
        return _bug(error)
    return code


def _bug(error: Exception) -> int:
    if os.environ.get("REPROCHECK_DEBUG"):
        _say(show_lines(_clean(traceback.format_exc())))
    _report(
        "E_BUG",
        f"a bug in reprocheck: {type(error).__name__}: {error}",
        "Run again with REPROCHECK_DEBUG=1 for the traceback, and report it.",
    )
    return BUG


def _clean(text: str) -> str:
    """Mask secrets; imported here because most commands end well and some have no other use for it."""
    from reprocheck.collect.secrets import REDACTOR

    return REDACTOR.clean(text)


def _report(code: str, message: str, hint: str) -> None:
    """Say what, where and what was left in one sentence, and what to do next in another."""
    what = show(_clean(message).strip().removesuffix("."), limit=1_000)
    _say(f"error[{code}]: {what}. {show(_clean(hint), limit=1_000)}")


def _say(text: str) -> None:
    with suppress(OSError):  # with a full disk behind stderr the exit code alone must tell
        click.echo(text, err=True)


def _open_missing_streams() -> None:
    """Give a number to every standard stream that the caller closed, so that no file of ours takes it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _silence_stdout() -> None:
    """Point stdout elsewhere, else what it still holds fails again when the interpreter exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
