"""Finding and reading the configuration: `--config FILE`, else the nearest pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reprocheck.cli.options import merging
from reprocheck.cli.results import read_document
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from reprocheck.model.configuration import Configuration

F = TypeVar("F", bound=Callable[..., Any])
Configured = Callable[[Limits], "Configuration"]

_PYPROJECT = "pyproject.toml"


def config_options(function: F) -> F:
    """`--config FILE` and `--no-config`; the command receives `configured`, which reads it on demand."""
    function = merging("configured", ("config_file", "without_config"), _configured)(function)
    function = click.option(
        "--no-config", "without_config", is_flag=True, help="Read no configuration file."
    )(function)
    return click.option(
        "--config",
        "config_file",
        metavar="FILE",
        help="Configuration  [default: [tool.reprocheck] of the nearest pyproject.toml]",
    )(function)


def _configured(*, config_file: str | None, without_config: bool) -> Configured:
    if config_file is not None and without_config:
        raise click.UsageError("--config and --no-config exclude each other")

    def read(limits: Limits) -> Configuration:
        """Read what there is. Raises InputFault (E_CONFIG, E_UNREADABLE)."""
        from reprocheck.codec.configuration import decode_configuration
        from reprocheck.model.configuration import Configuration

        path = None if without_config else config_file or _nearest()
        if path is None:
            return Configuration()
        whole = config_file is not None and Path(path).name != _PYPROJECT
        found = decode_configuration(read_document(path, limits), where=path, whole=whole)
        return found if found is not None else Configuration()

    return read


def _nearest() -> str | None:
    """Find the pyproject.toml of the working directory or of the nearest directory above it."""
    place = os.path.abspath(os.curdir)
    while True:
        candidate = os.path.join(place, _PYPROJECT)
        if os.path.isfile(candidate):
            return candidate
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above
