"""Three sides or more of `reprocheck diff`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from reprocheck.cli.reports import Reports
from reprocheck.cli.results import read_document
from reprocheck.cli.sides import is_target
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.model.fleet import FleetReport

_EXIT = {"identical": 0, "differs": 1, "inconclusive": 4}
_MAJORITY = {"held": 0, "broken": 1, "unknown": 4}


class Fleet(Frozen, frozen=True, kw_only=True):
    """Which manifests, and what is asked of them."""

    sides: tuple[str, ...]
    listing: str | None
    """A file with one path a line, '-' for standard input."""
    group_by: str | None
    expects_majority: bool
    ignore: tuple[str, ...]
    configured: tuple[str, ...]
    format: str = ""
    """Of the configuration file."""

    def paths(self, limits: Limits) -> tuple[str, ...]:
        """Return every path. Raises InputFault, and click's usage error for what is no file."""
        paths = [*self.sides]
        if self.listing is not None:
            lines = read_document(self.listing, limits).decode("utf-8", "surrogateescape").split("\n")
            paths += [line.rstrip("\r") for line in lines if line.strip()]
        for path in paths:
            if is_target(path):
                raise click.UsageError(f"a fleet is made of manifest files; {path} is a target to look at")
        if not paths:
            raise click.UsageError("name two sides A and B, a directory of manifests, or --from FILE")
        if self.listing is None and len(paths) == 1 and not os.path.isdir(paths[0]):
            raise click.UsageError(
                f"{paths[0]} is one side only: name B, a directory of manifests, or --from FILE"
            )
        return tuple(paths)


def compare_fleet(
    asked: Fleet, reports: Reports, style: Style, width: int, limits: Limits, *, all_: bool
) -> int:
    """Compare, write the reports, and return the exit code."""
    from reprocheck.api.compare import ignores_of
    from reprocheck.api.fleet import files_of, fleet

    def files() -> Iterator[tuple[str, bytes]]:
        return files_of(asked.paths(limits), lambda path: read_document(path, limits))

    report = fleet(
        files(),
        group_by=asked.group_by or "",
        ignores=ignores_of(asked.ignore, asked.configured),
        noise=all_,
        limits=limits,
    )
    reports.write(_forms(report, width, all_=all_), style, configured=asked.format)
    if not asked.expects_majority:
        return _EXIT[report.verdict]
    return _expectation(report)


def _expectation(report: FleetReport) -> int:
    from reprocheck.cli.terminal import announce

    outliers = [member.name for member in report.members if member.outlying]
    if outliers:
        named = ", ".join(outliers[:10]) + (f" and {len(outliers) - 10} more" if len(outliers) > 10 else "")
        announce(f"not with the majority: {named}")
        return 1
    return _MAJORITY[report.majority]


def _forms(report: FleetReport, width: int, *, all_: bool) -> dict[str, Callable[[Style], bytes]]:
    from reprocheck.codec import encode
    from reprocheck.render import fleet_terse, fleet_text

    def html(_: Style) -> bytes:
        from reprocheck.render.html import render_fleet

        return render_fleet(report).encode()

    return {
        "text": lambda style: fleet_text.render(report, everything=all_, style=style, width=width).encode(),
        "terse": lambda _: fleet_terse.render(report).encode(),
        "json": lambda _: encode(report),
        "html": html,
    }
