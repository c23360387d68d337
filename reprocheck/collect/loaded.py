"""What the processes of a run really loaded: reports of the hook and samples of /proc, joined and owned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reprocheck.collect.hook_reports import Report, parse_reports
from reprocheck.collect.imported import imported_modules, place_in_record
from reprocheck.collect.native_names import kind_of
from reprocheck.collect.observed import Observed
from reprocheck.collect.path_owners import PathOwners, owners_of_paths
from reprocheck.collect.secrets import REDACTOR
from reprocheck.collect.unobserved import missed
from reprocheck.limits import Limits
from reprocheck.model.base import map_text
from reprocheck.model.filetree import FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.model.loaded import (
    Loaded,
    LoadedLibrary,
    ObservedProcess,
    Sight,
    StateFlag,
)
from reprocheck.model.run import Change
from reprocheck.model.sighting import HOOK_PLACE, SampledProcess, Sighting
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView, ViewError

Origin = Literal["image", "host", "mount", "run", "unknown"]

_EXACT = frozenset({"build_id", "kind", "origin", "owner", "seen", "sha256"})
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - a name, not a place to write


@dataclass(slots=True)
class _Library:
    """One path, as all processes together saw it."""

    mount: str = "/"
    gone: bool = False
    build_id: str = ""
    processes: int = 0


@dataclass(slots=True)
class _Program:
    """One program in one process."""

    executable: str
    python: str
    seen: Sight
    paths: set[str] = field(default_factory=set)
    report: Report | None = None

    def key(self) -> tuple[object, ...]:
        """Order of processes: nothing in it is chance, unless the program itself is."""
        report = self.report
        names = tuple(module.name for module in report.modules) if report is not None else ()
        return (
            self.executable,
            self.python,
            self.seen,
            report.state if report is not None else (),
            names,
            sorted(self.paths),
        )


def library_paths(sighting: Sighting, limits: Limits) -> tuple[str, ...]:
    """Return the paths of all mapped files that still have their name, sorted."""
    reports, _ = parse_reports(sighting.reports, limits)
    _, libraries = _join(reports, sighting, {})
    return tuple(sorted(path for path, library in libraries.items() if not library.gone))


def describe_loaded(
    sighting: Sighting,
    view: ContainerView,
    observed: Observed,
    *,
    changes: tuple[Change, ...] = (),
    limits: Limits,
) -> tuple[Loaded, tuple[Unknown, ...]]:
    """Join what was seen, and name owner, kind and identity of each library; also say what was missed.

    `view` and `observed` are of the environment that the run started from, `changes` what the run changed of
    it. Raises nothing for what reports and files hold.
    """
    reports, unknowns = parse_reports(sighting.reports, limits)
    versions = {python.executable: python.version for python in observed.pythons}
    programs, libraries = _join(reports, sighting, versions)
    origins = {path: _origin(path, libraries[path], sighting, view.tree, changes) for path in libraries}
    files = {module.path for report in reports for module in report.modules}
    owned = {path for path, origin in origins.items() if origin in ("image", "host")}
    owners = owners_of_paths(view, observed.packages, owned | files, limits)
    facts = _facts(view, {path for path, origin in origins.items() if origin == "image"}, sighting)
    loaded = Loaded(
        observer=" + ".join(
            (
                *(("reprocheck hook 1",) if sighting.hooked else ()),
                *(("/proc maps",) if sighting.sampled else ()),
            )
        )
        or "/proc maps",
        processes=tuple(
            ObservedProcess(executable=program.executable, python=program.python, seen=program.seen)
            for program in programs
        ),
        libraries=tuple(
            sorted(
                (
                    _library(path, libraries[path], origins[path], owners, facts.get(path), sighting)
                    for path in libraries
                ),
                key=lambda library: library.path,
            )
        ),
        modules=imported_modules(reports, owners, sighting),
        state=tuple(
            StateFlag(name=name, value=value, process=index)
            for index, program in enumerate(programs)
            if program.report is not None
            for name, value in sorted(program.report.state)
        ),
    )
    return map_text(loaded, REDACTOR.clean, keep=_EXACT), (*unknowns, *missed(sighting, reports))


def _join(
    reports: tuple[Report, ...], sighting: Sighting, versions: dict[str, str]
) -> tuple[list[_Program], dict[str, _Library]]:
    """Match each report with the sample of the same process and program; both see what the other missed."""
    samples = {(item.pid, item.started, item.executable): item for item in sighting.processes}
    programs: list[_Program] = []
    libraries: dict[str, _Library] = {}
    for report in reports:
        sample = samples.pop((report.pid, report.started, report.executable), None)
        program = _Program(
            executable=report.executable,
            python=report.python,
            seen="hook" if sample is None else "both",
            report=report,
        )
        for item in report.libraries:
            if item.path not in libraries:
                libraries[item.path] = _Library(mount=_mount_of(item.path, report.mounts))
            library = libraries[item.path]
            library.gone = library.gone or item.gone
            library.build_id = library.build_id or item.build_id
            program.paths.add(item.path)
        _add_sample(program, sample, libraries)
        programs.append(program)
    for key in sorted(samples):
        sample = samples[key]
        program = _Program(
            executable=sample.executable, python=versions.get(sample.executable, ""), seen="maps"
        )
        _add_sample(program, sample, libraries)
        programs.append(program)
    for program in programs:
        program.paths.discard(program.executable)
        for path in program.paths:
            libraries[path].processes += 1
        program.executable = place_in_record(program.executable, sighting)
    programs.sort(key=_Program.key)
    return programs, {path: library for path, library in libraries.items() if library.processes}


def _add_sample(program: _Program, sample: SampledProcess | None, libraries: dict[str, _Library]) -> None:
    for item in sample.files if sample is not None else ():
        library = libraries.setdefault(item.path, _Library())
        library.mount, library.gone = item.mount, library.gone or item.gone
        program.paths.add(item.path)


def _mount_of(path: str, points: tuple[str, ...]) -> str:
    inside = (point for point in points if path == point or path.startswith(f"{point.rstrip('/')}/"))
    return max(inside, key=len, default="/")


def _origin(
    path: str, library: _Library, sighting: Sighting, tree: FileTree, changes: tuple[Change, ...]
) -> Origin:
    if path.startswith((*(f"{place}/" for place in sighting.workspace), f"{HOOK_PLACE}/", _SHARED_MEMORY)):
        return "run"
    if sighting.workspace:
        return "host"
    if library.mount != "/":
        given = any(path.startswith(f"{mount.rstrip('/')}/") or path == mount for mount in sighting.mounts)
        return "mount" if given else "host"
    if path in sighting.written or any(_changed(path, change) for change in changes):
        return "run"
    entry = tree.resolve(path)
    return "image" if entry is not None and entry.kind == "file" and not library.gone else "unknown"


def _changed(path: str, change: Change) -> bool:
    if change.path.endswith("/**"):  # folded: see `engine.docker_changes.fold`
        return path.startswith(change.path.removesuffix("**"))
    return change.path == path


def _facts(view: ContainerView, paths: set[str], sighting: Sighting) -> dict[str, LibraryFacts]:
    """Read what each file of the image says of itself, and its digest."""
    found: dict[str, LibraryFacts] = {}
    for path in sorted(paths):
        try:
            found[path] = view.library(path)
        except (OSError, ViewError):  # without it the hook's build id stands alone
            found[path] = LibraryFacts()
    rest = [path for path in sorted(found) if not found[path].sha256]
    for path, digest in zip(rest, view.digests([(path, "sha256") for path in rest]), strict=True):
        if isinstance(digest, str):
            facts = found[path]
            found[path] = LibraryFacts(soname=facts.soname, build_id=facts.build_id, sha256=digest)
    return {**found, **{path: facts for path, facts in sighting.facts if path not in found}}


def _library(
    path: str,
    library: _Library,
    origin: Origin,
    owners: PathOwners,
    facts: LibraryFacts | None,
    sighting: Sighting,
) -> LoadedLibrary:
    facts = facts or LibraryFacts()
    return LoadedLibrary(
        path=place_in_record(path, sighting),
        soname=facts.soname,
        build_id=facts.build_id or library.build_id,
        sha256=facts.sha256,
        kind=kind_of(path.rpartition("/")[2]),
        owner=owners.owner(path) if origin in ("image", "host") else "",
        origin=origin,
        processes=library.processes,
    )
