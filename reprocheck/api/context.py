"""What stood around an environment: code, data, labels, job, and the host's name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reprocheck.api.assemble import Context
from reprocheck.api.outside import Outside
from reprocheck.collect.job import describe_job
from reprocheck.collect.labels import describe_labels
from reprocheck.collect.secrets import REDACTOR
from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen, map_text, replace
from reprocheck.model.context import DataSet
from reprocheck.model.host import Host

if TYPE_CHECKING:
    from reprocheck.api.code import SeenCode
    from reprocheck.api.data import DataRequest, ListingSink

_EXACT = frozenset(
    {"commit", "recorded", "checked_out", "kind", "name", "patch_sha256", "scheduler"}
    | {"sha256", "listing_sha256", "untracked_sha256"}
)
"""Fields in which no secret stands: masking would only break them."""


class ContextOptions(Frozen, frozen=True, kw_only=True):
    """What to look at around the environment."""

    code: tuple[str, ...] = ()
    """Directories whose repositories are recorded."""
    no_code: bool = False
    """Record no repository but those that `code` names."""
    data: tuple[DataRequest, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    host_name: bool = False
    """Record the machine's name, and the variables of a scheduler that hold host names."""
    keep_listing: ListingSink | None = None
    """Where a long listing of data goes; None where there is no place beside the manifest."""


def check_context(options: ContextOptions, outside: Outside) -> None:
    """Raise now what `gather` would raise after longer work. Raises UsageFault (E_LABEL, E_CODE, ...)."""
    describe_labels(options.labels, outside.limits)
    for directory in options.code:
        _existing(directory, outside)


def gather(
    options: ContextOptions,
    outside: Outside,
    *,
    here: bool,
    inputs: Iterable[tuple[str, str]] = (),
    variables: Sequence[tuple[str, str]] = (),
) -> Context:
    """Look at everything that the options ask for.

    `here` adds the repository of the working directory, `inputs` (path on this machine, path for the program)
    those of what is handed into a run. `variables` are those of the target, for its job. Raises UsageFault
    (E_CODE, E_DATA, E_LABEL, E_LABEL_SECRET), InputFault and CouldNotRun (see `engine.inputs`).
    """
    check_context(options, outside)
    REDACTOR.register_variables(outside.environ.items())
    code = _repositories(options, outside, here=here, inputs=inputs)
    data, notes = _data(options, outside)
    repositories = [item.repository for item in code if item.repository is not None]
    repositories.sort(key=lambda item: (item.path, item.commit))
    context = Context(
        code=tuple(repositories),
        data=data,
        labels=describe_labels(options.labels, outside.limits),
        job=describe_job(variables, outside.limits, with_hosts=options.host_name),
        unknowns=tuple(problem for item in code for problem in item.unknowns),
        notes=(*(note for item in code for note in item.notes), *notes),
    )
    return _masked(context)


def _masked(context: Context) -> Context:
    """Mask every secret that is known in what targets and schedulers said."""
    return Context(
        code=map_text(context.code, REDACTOR.clean, keep=_EXACT),
        data=map_text(context.data, REDACTOR.clean, keep=_EXACT),
        labels=map_text(context.labels, REDACTOR.clean, keep=_EXACT),
        job=map_text(context.job, REDACTOR.clean, keep=_EXACT),
        unknowns=context.unknowns,
        notes=map_text(context.notes, REDACTOR.clean),
    )


def name_host(host: Host | None, options: ContextOptions) -> Host | None:
    """Add the machine's name when it was asked for."""
    return replace(host, name=machine_name()) if host is not None and options.host_name else host


def machine_name() -> str:
    """Return the name of the machine that this process runs on."""
    return os.uname().nodename


def _data(options: ContextOptions, outside: Outside) -> tuple[tuple[DataSet, ...], tuple[str, ...]]:
    if not options.data:
        return (), ()
    from reprocheck.api.data import see_data

    return see_data(options.data, outside, options.keep_listing)


def _repositories(
    options: ContextOptions, outside: Outside, *, here: bool, inputs: Iterable[tuple[str, str]]
) -> list[SeenCode]:
    """Give each repository once, under the first path that leads to it."""
    wanted: list[tuple[str, str, bool]] = []
    if not options.no_code:
        wanted += [(outside.directory, ".", False)] if here else []
        wanted += [(_directory_of(host, outside), target, False) for host, target in _by_target(inputs)]
    wanted += [(_existing(path, outside), _shown(path), True) for path in options.code]
    if not wanted:
        return []
    from reprocheck.api.code import see_code

    found: list[SeenCode] = []
    seen: set[str] = set()
    for directory, shown, named in wanted:
        if os.path.realpath(directory) in seen:
            continue
        item = see_code(directory, shown, outside)
        if named and not item.root and not item.unknowns:
            raise UsageFault(
                "E_CODE",
                f"--code {directory} lies in no git repository",
                hint="Name a directory of a working tree, or leave it out.",
            )
        place = item.root or os.path.realpath(directory)
        if place not in seen:
            found.append(item)
        seen |= {place, os.path.realpath(directory)}
    return found


def _by_target(inputs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(inputs, key=lambda pair: (pair[1], pair[0]))


def _directory_of(host: str, outside: Outside) -> str:
    place = os.path.realpath(outside.absolute(host))
    return place if os.path.isdir(place) else os.path.dirname(place)


def _existing(path: str, outside: Outside) -> str:
    place = os.path.realpath(outside.absolute(path)) if "\0" not in path else ""
    if not os.path.isdir(place):
        raise UsageFault("E_CODE", f"--code {path!a} is no directory", hint="Name a directory that exists.")
    return place


def _shown(path: str) -> str:
    """Name a directory without saying where on this machine it lies."""
    clean = os.path.normpath(path)
    if not os.path.isabs(clean) and not clean.startswith(("..", "~")):
        return clean
    return os.path.basename(os.path.realpath(os.path.expanduser(path))) or "."
