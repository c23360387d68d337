"""Observing one run: the hook is put into its Python processes, and all of its processes are sampled.

The hook's directory is handed in read-only. Its reports go to an empty volume (a container) or a directory of
our own (a plain process), which the disk limit counts like every other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import TYPE_CHECKING

from reprocheck.engine.container_processes import ContainerProcesses
from reprocheck.engine.docker_document import mapping, pairs, texts
from reprocheck.engine.docker_errors import translated
from reprocheck.engine.docker_outputs import container_outputs
from reprocheck.engine.docker_settings import host_mounts, overlay_layers
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.endpoint import shares_files
from reprocheck.engine.hook import read_reports, write_hook
from reprocheck.engine.local_processes import LocalProcesses
from reprocheck.engine.outputs import directory_outputs
from reprocheck.engine.process_maps import facts_of
from reprocheck.engine.sampling import Pids, Sampler
from reprocheck.engine.sandbox import REPORTS, REPORTS_VARIABLE, ObserverMounts
from reprocheck.engine.writing import make_private_directory, scratch_directory
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.library import LibraryFacts
from reprocheck.model.sighting import HOOK_PLACE, Sighting
from reprocheck.ports import OutputFile, Plan, ReadLibrary, RefusedOutput

if TYPE_CHECKING:
    from docker import APIClient

    from reprocheck.engine.docker_document import Document

_FILES = 16_384
"""Twice what one process of the hook leaves in the directory at most."""


Written = Callable[[str], bool]
"""Whether the run itself wrote the file at a path."""


@dataclass(slots=True)
class _Outside:
    """What the sampler of this run is, and why there is none."""

    sampler: Sampler | None = None
    problem: str = ""


class Observation:
    """What one run shows of itself; handed to a runner before the run, read after it."""

    def __init__(self, *, read: ReadLibrary, limits: Limits) -> None:
        self._read = read
        self._limits = limits
        self._outside = _Outside()
        self.sighting = Sighting(hooked=True, unsampled="the run did not start")
        """Complete when the context of the run has been entered."""

    def hook_into(self, client: APIClient, plan: Plan, scratch: str) -> ObserverMounts:
        """Write the hook below `scratch` and tell what the container of `plan` must be given.

        Raises UsageFault (E_OBSERVE_REMOTE) and CouldNotRun.
        """
        if not shares_files(client):
            raise UsageFault(
                "E_OBSERVE_REMOTE",
                "--observe hands a directory of this machine into the run, and the engine is on another one",
                hint="Run reprocheck on the engine's machine, or leave --observe out.",
            )
        with translated("looking at the image"):
            document = document_at(client, f"/images/{plan.image}/json")
        declared = dict(pairs(texts(mapping(document, "Config"), "Env")))
        python_path = dict(plan.environment).get("PYTHONPATH", declared.get("PYTHONPATH", ""))
        return ObserverMounts(hook=write_hook(scratch), python_path=python_path)

    def watch_container(self, client: APIClient, container: str) -> None:
        """Sample the processes of a container that has just been started, until `stop`."""
        with translated("looking at the running container"):
            document = document_at(client, f"/containers/{container}/json")
        self._watch(ContainerProcesses(client, container), written_in(overlay_layers(document)))

    def stop(self) -> None:
        """End the sampling."""
        if self._outside.sampler is not None:
            self._outside.sampler.stop()

    def read_container(self, client: APIClient, container: str, document: Document, scratch: str) -> None:
        """Take the reports of a container that has stopped; what cannot be read becomes a fault."""
        directory = f"{scratch}/reports"
        make_private_directory(directory)
        mounts = host_mounts(document)
        limits = changed(self._limits, outputs=_FILES, output_bytes=self._limits.hook_report)
        try:
            found: Iterable[OutputFile | RefusedOutput] = container_outputs(
                client,
                container,
                layers=overlay_layers(document),
                mounts=mounts,
                patterns=(REPORTS,),
                limits=limits,
                scratch=directory,
            )
            faults: tuple[tuple[str, str], ...] = ()
        except CouldNotRun as error:
            found, faults = (), (("the hook's reports", error.message),)
        targets = tuple(m.target for m in mounts if not m.target.startswith(f"{HOOK_PLACE}/"))
        self._conclude(found, faults=faults, mounts=targets)

    @contextmanager
    def local(self, environ: Mapping[str, str], *, private: tuple[str, ...]) -> Iterator[dict[str, str]]:
        """Give the environment of a plain process that is observed; `private` are its own directories."""
        with scratch_directory() as scratch:
            hook, reports = write_hook(scratch), f"{scratch}/reports"
            make_private_directory(reports)
            given = environ.get("PYTHONPATH", "")
            observed = {
                **environ,
                "PYTHONPATH": f"{hook}:{given}" if given else hook,
                REPORTS_VARIABLE: reports,
            }
            places = tuple(f"{os.path.realpath(place)}/" for place in private)
            mark = os.fsencode(f"{REPORTS_VARIABLE}={reports}")
            self._watch(LocalProcesses(mark), lambda path: path.startswith(places))
            try:
                yield observed
            finally:
                self.stop()
            limits = changed(self._limits, outputs=_FILES, output_bytes=self._limits.hook_report)
            found = directory_outputs(reports, "", ("*",), limits=limits)
            self._conclude(found, workspace=tuple(place.rstrip("/") for place in places))

    def _watch(self, pids: Pids, is_written: Written) -> None:
        sampler = Sampler(pids, is_written=is_written, read=self._read, limits=self._limits)
        self._outside.sampler = sampler
        sampler.start()

    def _conclude(
        self,
        found: Iterable[OutputFile | RefusedOutput],
        *,
        faults: tuple[tuple[str, str], ...] = (),
        mounts: tuple[str, ...] = (),
        workspace: tuple[str, ...] = (),
    ) -> None:
        try:
            reports, starts, bad = read_reports(found, self._limits)
        except CouldNotRun as error:
            reports, starts, bad = (), (), (("the hook's reports", error.message),)
        sampler = self._outside.sampler
        seen = sampled_by(sampler) if sampler is not None else Sighting(hooked=True)
        self.sighting = replace(
            seen,
            hooked=True,
            reports=reports,
            starts=starts,
            faults=(*faults, *bad),
            mounts=mounts,
            workspace=workspace,
        )


def sampled_by(sampler: Sampler) -> Sighting:
    """Return what a sampler saw."""
    processes = sampler.processes()
    problem = sampler.problem or ("" if processes else "they ended before they could be looked at")
    return Sighting(
        hooked=False,
        sampled=not problem,
        unsampled=problem,
        processes=processes,
        facts=tuple(sorted(sampler.facts.items())),
        written=tuple(sorted(sampler.written)),
    )


def read_files(paths: tuple[str, ...], *, read: ReadLibrary) -> tuple[tuple[str, LibraryFacts], ...]:
    """Tell what files of this machine say of themselves; one that cannot be read is left out."""
    found = []
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            found.append((path, facts_of(descriptor, path, read)))
        except OSError:
            continue
    return tuple(found)


def written_in(layers: tuple[str, ...]) -> Written:
    """Tell which paths lie in the last, writable, layer of a container, as far as that can be seen."""
    upper = layers[-1] if layers else ""
    return lambda path: bool(upper) and os.path.lexists(upper + path)


def probe_container(
    client: APIClient,
    container: str,
    *,
    layers: tuple[str, ...],
    mounts: tuple[str, ...],
    read: ReadLibrary,
    limits: Limits,
) -> Sighting:
    """Look once at every process of a running container; nothing is executed in it, nothing is paused.

    `layers` are its overlay directories, the writable one last; `mounts` the targets of its mounts. Raises
    CouldNotRun when the engine does not answer.
    """
    sampler = Sampler(
        ContainerProcesses(client, container), is_written=written_in(layers), read=read, limits=limits
    )
    try:
        sampler.look()
    except PermissionError:
        sampler.problem = "the engine's processes are not visible from here"
    except OSError:
        sampler.problem = "it has ended meanwhile"
    return replace(sampled_by(sampler), mounts=mounts)
