"""`reprocheck diff`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import click

from reprocheck.cli import options, terminal
from reprocheck.cli.configuration import Configured, config_options
from reprocheck.cli.reports import Reports, report_options
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.render.style import Style

if TYPE_CHECKING:
    from reprocheck.api.outside import Outside
    from reprocheck.model.change import DiffReport
    from reprocheck.model.configuration import DiffSettings

_LOCK_FORMATS = ("text", "terse", "json")
_EXIT = {"identical": 0, "differs": 1, "inconclusive": 4}


@click.command("diff")
@click.argument("sides", metavar="A [B ...]", nargs=-1)
@report_options("text", "terse", "json", "html")
@click.option("--all", "everything", is_flag=True, help="Show every difference, and what counts as noise.")
@click.option(
    "--ignore",
    metavar="SECTION:GLOB",
    multiple=True,
    help="Leave out and count what matches, e.g. environment:SLURM_* or pypi:pip. Repeatable.",
)
@click.option("--fix", "with_fix", is_flag=True, help="Add the commands that turn B's environment into A's.")
@click.option("--lock", metavar="FILE", help="Hold A against a lock file instead of another side.")
@click.option("--from", "listing", metavar="FILE", help="Read more sides from FILE, one path a line.")
@click.option("--group-by", metavar="LABEL", help="Of a fleet: group the members by this label.")
@click.option(
    "--expect",
    type=click.Choice(("majority",)),
    help="Of a fleet: exit 1 only for members that differ from the majority, and name them.",
)
@options.syft
@options.docker_host
@config_options
@terminal.color_option
@options.limit_scale
def command(
    sides: tuple[str, ...],
    reports: Reports,
    everything: bool,
    ignore: tuple[str, ...],
    with_fix: bool,
    lock: str | None,
    listing: str | None,
    group_by: str | None,
    expect: Literal["majority"] | None,
    with_syft: bool,
    docker_host: str | None,
    configured: Configured,
    style: Style,
    limits: Limits,
) -> int:
    """Say what differs between two sides, what matters first; or who differs in a fleet.

    A side is a manifest, a document of another tool (syft-json, CycloneDX, SPDX, pip freeze, pip inspect,
    conda list --explicit, torch.utils.collect_env), or a target that is looked at now: docker:NAME,
    rootfs:DIR, env:PREFIX, local and all others of `reprocheck snapshot`. Fixes turn B's side into A's.

    Three sides or more, a directory of manifests, or --from make a fleet: the majority of each fact, and who
    is not with it. A lock check (--lock) has no html form.
    """
    from reprocheck.model.base import replace

    if sides.count("-") + (lock == "-") + (listing == "-") > 1:
        raise click.UsageError("standard input ('-') can be one document only")
    reports.check(_LOCK_FORMATS if lock is not None else ())
    outside = replace(terminal.outside(limits, docker_host=docker_host), use_cache=True)
    view = View(style=style, everything=everything)
    if lock is not None:
        if len(sides) != 1 or listing is not None:
            raise click.UsageError("--lock takes exactly one side")
        if group_by is not None or expect is not None:
            raise click.UsageError("--group-by and --expect are about a fleet, --lock about one side")
    settings = configured(limits).diff
    if lock is not None:
        against = Against(lock=lock, ignore=ignore, with_fix=with_fix, with_syft=with_syft)
        return _against_lock(sides[0], against, outside, reports, view, settings)
    if group_by is not None or expect is not None or listing is not None or len(sides) != 2:
        from reprocheck.cli.fleet import Fleet, compare_fleet

        if with_fix:
            raise click.UsageError("--fix needs exactly two sides")
        fleet = Fleet(
            sides=sides,
            listing=listing,
            group_by=group_by,
            expects_majority=expect is not None,
            ignore=ignore,
            configured=settings.ignore,
            format=settings.format,
        )
        return compare_fleet(fleet, reports, style, view.width, limits, all_=everything)
    from reprocheck.api.compare import diff
    from reprocheck.cli.sides import read_side

    a, b = (read_side(side, outside, with_syft=with_syft) for side in sides)
    report = diff(a, b, ignore=ignore, configured=settings.ignore, with_noise=everything, with_fix=with_fix)
    reports.write(_forms(report, view), view.style, configured=settings.format)
    return _EXIT[report.verdict]


class View(Frozen, frozen=True, kw_only=True):
    """How a text is shown."""

    style: Style
    everything: bool

    @property
    def width(self) -> int:
        """Columns of the terminal, 100 where there is none."""
        return shutil.get_terminal_size((100, 24)).columns


def _forms(report: DiffReport, view: View) -> dict[str, Callable[[Style], bytes]]:
    from reprocheck.codec import encode
    from reprocheck.render import diff_terse, diff_text, forecast_text, mending_text

    def text(style: Style) -> bytes:
        words = diff_text.render(report, everything=view.everything, style=style, width=view.width)
        if report.forecast is not None and report.verdict != "identical":
            words += "\n" + forecast_text.render(report.forecast, style=style, width=view.width)
        if report.mending is not None:
            words += "\n" + mending_text.render(report.mending)
        return words.encode()

    def html(_: Style) -> bytes:
        from reprocheck.render.html.diff import render_diff

        return render_diff(report).encode()

    return {
        "text": text,
        "terse": lambda _: diff_terse.render(report).encode(),
        "json": lambda _: encode(report),
        "html": html,
    }


class Against(Frozen, frozen=True, kw_only=True):
    """Which lock, and what is asked of it."""

    lock: str
    ignore: tuple[str, ...]
    with_fix: bool
    with_syft: bool


def _against_lock(
    side: str, asked: Against, outside: Outside, reports: Reports, view: View, settings: DiffSettings
) -> int:
    from reprocheck.api.foreign import check_lock, ignoring
    from reprocheck.cli.results import read_document
    from reprocheck.cli.sides import read_side
    from reprocheck.codec import encode
    from reprocheck.render import lock_terse, lock_text

    raw = read_document(asked.lock, outside.limits)
    manifest = read_side(side, outside, with_syft=asked.with_syft)
    found = check_lock(manifest, raw, name=asked.lock, limits=outside.limits)
    report = ignoring(found, asked.ignore, settings.ignore)
    forms: dict[str, Callable[[Style], bytes]] = {
        "text": lambda style: lock_text.render(
            report, everything=view.everything, style=style, with_commands=asked.with_fix
        ).encode(),
        "terse": lambda _: lock_terse.render(report).encode(),
        "json": lambda _: encode(report),
    }
    reports.write(forms, view.style, configured=settings.format)
    return _EXIT[report.verdict]
