"""The one error boundary: every way to fail becomes one line on stderr and one exit code.

click's own defaults collide with ours (`ClickException` and `Abort` exit 1, which means "differs" here).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import click

from reprocheck.collect.secrets import REDACTOR
from reprocheck.errors import Interrupted, ReprocheckError
from reprocheck.render.safe import show, show_lines

BROKEN_PIPE = 141
BUG = 70


def guarded(work: Callable[[], int]) -> int:
    """Run `work`; return its exit code or the one that its failure stands for."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return work()
    except ReprocheckError as error:
        _report(error.code, error.message, error.hint)
        return error.exit_code
    except click.UsageError as error:
        context = error.ctx.command_path if error.ctx else "reprocheck"
        _report("E_USAGE", error.format_message(), f"See `{context} --help`.")
        return 2
    except click.Abort:
        _report("E_INTERRUPTED", "interrupted", "Nothing was left behind; start again when you like.")
        return Interrupted.exit_code
    except click.ClickException as error:
        _report("E_USAGE", error.format_message(), "See `reprocheck --help`.")
        return 2
    except KeyboardInterrupt:
        _report("E_INTERRUPTED", "interrupted", "Nothing was left behind; start again when you like.")
        return Interrupted.exit_code
    except BrokenPipeError:
        # The reader went away (`| head`). Point stdout elsewhere, else the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the boundary is where a bug becomes exit code 70
        summary = f"{type(error).__name__}: {error}"
        if os.environ.get("REPROCHECK_DEBUG"):
            click.echo(show_lines(REDACTOR.clean(traceback.format_exc())), err=True)
        _report(
            "E_BUG",
            f"a bug in reprocheck: {summary}",
            "Run again with REPROCHECK_DEBUG=1 for the traceback, and report it.",
        )
        return BUG


def _report(code: str, message: str, hint: str) -> None:
    text = REDACTOR.clean(message)
    click.echo(
        f"error[{code}]: {show(text, limit=1_000)}. {show(REDACTOR.clean(hint), limit=1_000)}", err=True
    )


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
