"""Reports in several formats at once: `--format`, and `-o FMT=FILE` as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

    def check(self) -> None:
        """Fail before any work when a result could not be written. Raises CouldNotRun, UsageFault."""
        for _, path in self.files:
            check_target(OutputFile(path=path, force=self.force))

    def write(
        self, renderers: Mapping[str, Callable[[Style], bytes]], style: Style, *, configured: str = ""
    ) -> None:
        """Render and write each; `configured` is the format of the configuration file.

        A format that the report at hand has no renderer for raises UsageFault (click's usage error).
        """
        chosen = self.format or configured or self.names[0]
        wanted = [(format_ or chosen, path) for format_, path in self.files]
        if all(format_ for format_, _ in self.files):
            wanted.append((chosen, "-"))
        for format_, _ in wanted:
            if format_ not in renderers:
                raise click.UsageError(
                    f"there is no {format_} form of this report; there are {', '.join(renderers)}"
                )
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
            return Reports(format=format_ or "", names=names, files=files, force=force)

        function = merging("reports", ("format_", "outputs", "force"), make)(function)
        function = click.option("--force", is_flag=True, help="Replace FILE when it exists.")(function)
        function = click.option(
            "-o",
            "outputs",
            metavar="[FMT=]FILE",
            multiple=True,
            help="Write the report to FILE, in the format FMT; '-' is stdout. Repeatable.",
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
    format_, equals, path = text.partition("=")
    return (format_, path) if equals and path and format_ in names else ("", text)
