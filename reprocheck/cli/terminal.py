"""How results reach a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from reprocheck.limits import Limits
from reprocheck.render.style import Style, wants_color

_LONGEST_LINE = 64 * 1024

F = TypeVar("F", bound=Callable[..., Any])


def color_option(function: F) -> F:
    """`--color`; the command receives `style`."""
    return click.option(
        "--color",
        "style",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Colour; NO_COLOR and FORCE_COLOR count too.",
        callback=lambda _context, _option, choice: Style(
            wants_color(choice, os.environ, is_terminal=sys.stdout is not None and sys.stdout.isatty()),
            always=choice == "always",
        ),
    )(function)


def announce(message: str) -> None:
    """Say on stderr what was done, in one line."""
    from reprocheck.collect.secrets import REDACTOR
    from reprocheck.render.safe import show

    with suppress(OSError):  # with a full disk behind stderr the exit code alone must tell
        click.echo(show(REDACTOR.clean(message), limit=1_000), err=True)


def progress(message: str) -> None:
    """Say what is being done, only where somebody watches."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        announce(f"… {message}")


class Echo:
    """The program's own words, on standard output unless the result goes there.

    A reader that goes away does not end the program.
    """

    def __init__(self, *, to_stderr: bool = False) -> None:
        stream = sys.stderr if to_stderr else sys.stdout
        self._stream = stream.buffer if stream is not None else None
        self._problem: OSError | None = None

    def __call__(self, chunk: bytes) -> None:
        """Pass a chunk on, as long as somebody takes it."""
        if self._stream is None:
            return
        try:
            self._stream.write(chunk)
            self._stream.flush()
        except OSError as error:
            from reprocheck.engine.writing import silence

            silence(self._stream.fileno())
            self._stream, self._problem = None, error

    def check(self) -> None:
        """Raise CouldNotRun (E_DISK_FULL, E_NOT_WRITABLE) when a result would go nowhere after this."""
        if self._problem is not None and not isinstance(self._problem, BrokenPipeError):
            from reprocheck.engine.writing import failure

            raise failure("standard output", self._problem)


class SafeLog:
    """A program's output on stderr, made safe, in whole lines: a chunk may end inside a secret."""

    def __init__(self) -> None:
        self._line = bytearray()

    def __call__(self, chunk: bytes) -> None:
        """Show the lines that are complete now. Of a longer line than 64 KiB the rest is dropped."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._add(line)
            self.flush()
        self._add(rest)

    def flush(self) -> None:
        """Show what waits for the end of its line."""
        from reprocheck.collect.secrets import REDACTOR
        from reprocheck.render.safe import show

        text = show(REDACTOR.clean(self._line.decode("utf-8", "replace")), limit=2_000)
        self._line.clear()
        with suppress(OSError):
            click.echo(text, err=True)

    def close(self) -> None:
        """Show a last line that never ended."""
        if self._line:
            self.flush()

    def _add(self, part: bytes) -> None:
        self._line += part[: _LONGEST_LINE - len(self._line)]


def outside(limits: Limits, *, docker_host: str | None = None, timings: bool = False) -> Any:
    """Gather what the use cases need to know of this process (an `api.Outside`)."""
    from datetime import UTC, datetime

    from reprocheck.api.outside import Outside

    return Outside(
        environ=dict(os.environ),
        home=os.path.expanduser("~"),
        directory=_directory(),
        docker_host=docker_host,
        limits=limits,
        progress=progress,
        now=(lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")) if timings else None,
    )


def _directory() -> str:
    from pathlib import Path

    from reprocheck.errors import UsageFault

    try:
        return str(Path.cwd())
    except OSError:
        raise UsageFault(
            "E_NO_DIRECTORY", "the working directory no longer exists", hint="Change to another one."
        ) from None


def confirm(question: str, *, yes: bool) -> None:
    """Ask; without a terminal `--yes` is needed. Raises Refused (E_NEEDS_YES)."""
    from reprocheck.errors import Refused

    if yes:
        return
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(
            "E_NEEDS_YES",
            f"{question} There is no terminal to ask on; nothing was started",
            hint="Say --yes.",
        )
    if not click.confirm(question, err=True):
        raise Refused(
            "E_DECLINED", "declined; nothing was started", hint="Start again when you have read the plan."
        )
