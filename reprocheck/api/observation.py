"""Observing a run, and looking at a running container: from what was seen to the manifest's `loaded`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from reprocheck.api.outside import Outside
from reprocheck.api.sight import wanted_by_either
from reprocheck.collect import library_reader, library_spans
from reprocheck.collect.loaded import describe_loaded, library_paths
from reprocheck.collect.observed import Observed
from reprocheck.engine.directory import open_directory
from reprocheck.engine.observation import Observation, read_files
from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen, replace
from reprocheck.model.loaded import Loaded
from reprocheck.model.run import Change
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, Interest

if TYPE_CHECKING:
    from reprocheck.engine.docker import DockerEngine
    from reprocheck.engine.docker_inspect import ContainerFacts

OpenView = Callable[[Interest], AbstractContextManager[tuple[ContainerView, str]]]
"""Opens the files that a run starts from, and says how they are read."""

_DATABASES = ("/var/lib/dpkg", "/lib/apk/db", "/usr/lib/apk/db")


class Watching(Frozen, frozen=True, kw_only=True):
    """One run that is observed: `observation` goes to the runner, the rest tells what was seen."""

    observation: Observation
    open_view: OpenView | None
    """None for a plain process on this machine."""


def watch(outside: Outside, open_view: OpenView | None = None) -> Watching:
    """Prepare the observation of one run."""
    limits = outside.limits
    return Watching(observation=Observation(read=library_reader(limits), limits=limits), open_view=open_view)


def see_loaded(
    watching: Watching, observed: Observed, outside: Outside, changes: tuple[Change, ...]
) -> tuple[Loaded, tuple[Unknown, ...]]:
    """Tell what the run loaded, once it has ended; `observed` is what it started from.

    Raises CouldNotRun when the files cannot be opened again.
    """
    outside.progress("reading what was loaded")
    sighting, limits = watching.observation.sighting, outside.limits
    paths = library_paths(sighting, limits)
    if watching.open_view is None:  # its libraries lie on this machine
        seen = dict(sighting.facts)
        missing = tuple(path for path in paths if path not in seen)
        read = read_files(missing, read=library_reader(limits))
        sighting = replace(sighting, facts=(*sighting.facts, *read))
    with (watching.open_view or _this_machine(observed, paths, outside))(_interest(paths, outside)) as (
        view,
        _,
    ):
        return describe_loaded(sighting, view, observed, changes=changes, limits=limits)


def probe(
    engine: DockerEngine,
    facts: ContainerFacts,
    view: ContainerView,
    observed: Observed,
    outside: Outside,
) -> tuple[Loaded, tuple[Unknown, ...]]:
    """Look at the processes of a running container (`snapshot --probe`); nothing is executed in it.

    `view` shows the container's own files. Raises UsageFault (E_PROBE_NOT_RUNNING).
    """
    if not facts.running:
        raise UsageFault(
            "E_PROBE_NOT_RUNNING",
            "--probe looks at the processes of a container, and this one does not run",
            hint="Leave --probe out; to see what a run loads, record it with `reprocheck run --observe`.",
        )
    outside.progress("looking at the container's processes")
    sighting = engine.probe(facts, library_reader(outside.limits))
    return describe_loaded(sighting, view, observed, limits=outside.limits)


def _interest(paths: tuple[str, ...], outside: Outside) -> Interest:
    """What tells the owners, and the libraries themselves."""
    wanted = frozenset(paths)
    return Interest(
        keep=wanted_by_either,
        library=lambda path: path in wanted,
        read_library=library_reader(outside.limits),
        library_spans=library_spans,
        # Through every source a library has its digest, else two records would seem to differ.
        digests=True,
    )


def _this_machine(observed: Observed, paths: tuple[str, ...], outside: Outside) -> OpenView:
    """Show of this machine what tells the owners of some files."""
    places = {package.python.location for package in observed.packages if package.python is not None}
    places |= {f"{item.conda.prefix.rstrip('/')}/conda-meta" for item in observed.packages if item.conda}
    # A list may name /lib/x for /usr/lib/x: the link must be seen, too.
    merged = {path.removeprefix("/usr") for path in paths if path.startswith("/usr/")}

    @contextmanager
    def open_view(interest: Interest) -> Iterator[tuple[ContainerView, str]]:
        only = (*_DATABASES, *sorted(places), *paths, *sorted(merged))
        yield open_directory("/", only=only, interest=interest, limits=outside.limits), "directory"

    return open_view
