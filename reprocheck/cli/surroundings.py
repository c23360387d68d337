"""Options about what stands around an environment, and the files that they put beside the manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprocheck.cli.options import OutputFile, merging
from reprocheck.cli.results import check_target, write_result
from reprocheck.model.base import Frozen, replace

if TYPE_CHECKING:
    from reprocheck.api.context import ContextOptions
    from reprocheck.api.data import DataRequest

F = TypeVar("F", bound=Callable[..., Any])


class Surroundings(Frozen, frozen=True, kw_only=True):
    """Code, data, labels and the host's name, as the user gave them."""

    code: tuple[str, ...]
    no_code: bool
    data: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    host_name: bool

    def _requests(self) -> tuple[DataRequest, ...]:
        if not self.data:
            return ()
        from reprocheck.api.data import DataRequest

        return tuple(DataRequest.parse(text) for text in self.data)

    def beside(self, output_file: OutputFile) -> Beside:
        """Settle where everything goes, and fail now when it could not be written later.

        Raises UsageFault (E_NAME_PATTERN, E_DATA, E_EXISTS, ...) and CouldNotRun.
        """
        from reprocheck.api.context import ContextOptions

        settled = self._named(output_file)
        check_target(settled)
        files = SideFiles(settled)
        data = self._requests()
        for request in data:
            files.check(request.name)
        context = ContextOptions(
            code=self.code,
            no_code=self.no_code,
            data=data,
            labels=self.labels,
            host_name=self.host_name,
            keep_listing=files.keep if files.stem else None,
        )
        return Beside(output_file=settled, context=context, side_files=files)

    def _named(self, output_file: OutputFile) -> OutputFile:
        """Fill in what `%h` and `%r` stand for."""
        import os

        from reprocheck.api.context import machine_name
        from reprocheck.api.naming import expand_name

        if output_file.path is None or "%" not in output_file.path:
            return output_file
        path = expand_name(output_file.path, labels=self.labels, environ=os.environ, machine=machine_name())
        return replace(output_file, path=path)


class SideFiles:
    """Listings of data that are too long for the manifest: `<manifest>.data-NAME.jsonl`."""

    def __init__(self, output_file: OutputFile) -> None:
        """Take the manifest's own place."""
        path = output_file.path
        self.stem = "" if path is None or path == "-" else path.removesuffix(".json")
        """Path of the manifest without `.json`, '' on standard output: nothing lies beside that."""
        self._output_file = output_file
        self._pending: list[tuple[str, bytes]] = []

    def keep(self, name: str, document: bytes) -> None:
        """Take a listing; it is written when the manifest is."""
        self._pending.append((name, document))

    def check(self, name: str) -> None:
        """Fail when the listing of this data set could not be written."""
        if self.stem:
            check_target(self._file(name))

    def write(self) -> None:
        """Write what was taken."""
        for name, document in self._pending:
            write_result(document, self._file(name))

    def _file(self, name: str) -> OutputFile:
        return replace(self._output_file, path=f"{self.stem}.data-{name}.jsonl")


class Beside(Frozen, frozen=True, kw_only=True):
    """A manifest's place, what to look at around the environment, and the files beside the manifest."""

    output_file: OutputFile
    context: ContextOptions
    side_files: SideFiles

    def write(self, document: bytes) -> None:
        """Write the manifest, then its side files."""
        write_result(document, self.output_file)
        self.side_files.write()


def surroundings(function: F) -> F:
    """`--code`, `--no-code`, `--data`, `--label` and `--host-name`; the command receives `surroundings`."""
    parts = ("code", "no_code", "data", "labels", "host_name")
    function = merging("surroundings", parts, Surroundings)(function)
    for option in (
        click.option("--host-name", is_flag=True, help="Record this machine's name."),
        click.option(
            "--label",
            "labels",
            metavar="NAME=VALUE",
            multiple=True,
            callback=lambda _context, _option, items: tuple(map(_label, items)),
            help="Put a label on the manifest, such as node=a100-3 or site=cern. Repeatable.",
        ),
        click.option(
            "--data",
            metavar="[NAME=]PATH",
            multiple=True,
            help="Hash this file or directory as data; links inside are not followed. Repeatable.",
        ),
        click.option("--no-code", is_flag=True, help="Record no git repository but those of --code."),
        click.option(
            "--code",
            metavar="DIR",
            multiple=True,
            help="Record the state of the git repository that holds DIR. Repeatable.",
        ),
    ):
        function = option(function)
    return function


def _label(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals:  # not shown: it may be a secret
        raise click.BadParameter("a label is of the form NAME=VALUE")
    return name, value
