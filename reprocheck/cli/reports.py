"""Reports in several formats at once: `--format`, and `-o FMT=FILE` as often as wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from reprocheck.cli.options import OutputFile, merging
from reprocheck.cli.results import check_target, write_result
from reprocheck.model.base import Frozen
from reprocheck.render.style import Style

F = TypeVar("F", bound=Callable[..., Any])


class Reports(Frozen, frozen=True, kw_only=True):
    """Which formats go where. Without a FILE of its own, the chosen format goes to standard output."""

    format: str
    """'' when none was chosen on the command line."""
    names: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Format ('' for the chosen one) and path."""
    force: bool

    def check(self, available: Iterable[str] = ()) -> None:
        """Fail before any work when a result could not be written, or has no such form.

        `available` are the formats of the report that was asked for, where these are not all. Raises
        CouldNotRun, UsageFault, and click's usage error.
        """
        known = tuple(available) or self.names
        for format_ in (self.format, *(format_ for format_, _ in self.files)):
            if format_ and format_ not in known:
                raise click.UsageError(
                    f"there is no {format_} form of this report; there are {', '.join(known)}"
                )
        for _, path in self.files:
            check_target(OutputFile(path=path, force=self.force))

    def write(
        self, renderers: Mapping[str, Callable[[Style], bytes]], style: Style, *, configured: str = ""
    ) -> None:
        """Render and write each; `configured` is the format of the configuration file.

        Where the report at hand has no such form, that is said on stderr and the first format stands for it;
        `check` has seen to the formats of the command line.
        """
        taken = any(path == "-" for _, path in self.files)
        chosen = self.format or configured or self.names[0]
        wanted = [(format_ or chosen, path) for format_, path in self.files]
        if all(format_ for format_, _ in self.files) and not taken:
            wanted.append((chosen, "-"))
        if chosen not in renderers and any(format_ == chosen for format_, _ in wanted):
            from reprocheck.cli.terminal import announce

            first = self.names[0]
            announce(
                f"there is no {chosen} form of this report, as the configuration asks for: {first} instead"
            )
            wanted = [(first if format_ == chosen else format_, path) for format_, path in wanted]
        for format_, path in wanted:
            document = renderers[format_](style.into(path))
            write_result(document, OutputFile(path=path, force=self.force))


def report_options(*names: str) -> Callable[[F], F]:
    """`--format`, `-o` and `--force`; the command receives `reports`. The first format is the default."""

    def decorate(function: F) -> F:
        def make(*, format_: str | None, outputs: tuple[str, ...], force: bool) -> Reports:
            files = tuple(_split(text, names) for text in outputs)
            if sum(not format_ for format_, _ in files) > 1:
                raise click.UsageError("several -o need a format each: -o json=FILE")
            _check_places(files, chosen=format_)
            return Reports(format=format_ or "", names=names, files=files, force=force)

        function = merging("reports", ("format_", "outputs", "force"), make)(function)
        function = click.option("--force", is_flag=True, help="Replace FILE when it exists.")(function)
        function = click.option(
            "-o",
            "outputs",
            metavar="[FMT=]FILE",
            multiple=True,
            help="Write the report to FILE, in the format FMT; '-' is stdout. What stands before '=' is a "
            "format unless it holds a '/'. Repeatable.",
        )(function)
        return click.option(
            "--format",
            "format_",
            type=click.Choice(names),
            default=None,
            help=f"Output format; the exit code never depends on it.  [default: {names[0]}]",
        )(function)

    return decorate


def _split(text: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Split `FMT=FILE`. What stands before the first `=` is a format unless it holds a `/`."""
    format_, equals, path = text.partition("=")
    if not equals or "/" in format_:
        return "", text
    if format_ not in names:
        raise click.UsageError(
            f"-o {text}: {format_!r} is no format; there are {', '.join(names)} "
            f"(write ./{text} for a file of that name)"
        )
    if not path:
        raise click.UsageError(f"-o {text} names no file")
    return format_, path


def _check_places(files: tuple[tuple[str, str], ...], *, chosen: str | None) -> None:
    """Refuse two reports at one place: the second would go into the first, or could not be written."""
    places = [path if path == "-" else os.path.realpath(path) for _, path in files]
    if chosen is not None and all(format_ for format_, _ in files):
        places.append("-")
        files = (*files, (chosen, "-"))
    for number, place in enumerate(places):
        if place in places[:number]:
            named = "standard output" if place == "-" else files[number][1]
            raise click.UsageError(f"{named} is named for two reports")
