"""What runs show of one cause: threads of a variable, the file of a module, files of a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reprocheck.explain.forest import Forest
from reprocheck.explain.judging import normal_name
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest

_THREADS = ":threads"
_HEEDED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mkl", ("MKL_NUM_THREADS", "OMP_NUM_THREADS")),
    ("openblas", ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")),
    ("blis", ("BLIS_NUM_THREADS", "OMP_NUM_THREADS")),
    ("blas", ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")),
    ("omp", ("OMP_NUM_THREADS",)),
)
"""By what the file of a library has in its name: the variables that it heeds, first the one that wins."""


def fold_threads(suspicions: Sequence[Suspicion], forest: Forest) -> None:
    """Link how many threads a library said it uses to the variable that says so on both sides."""
    variables = {
        s.difference.name: index
        for index, s in enumerate(suspicions)
        if s.difference.section == "environment" and s.difference.attribute in ("value", "presence")
    }
    for index, s in enumerate(suspicions):
        d = s.difference
        if (d.section, d.attribute) != ("loaded", "state") or not d.name.endswith(_THREADS):
            continue
        for name in _heeded(d.name.removesuffix(_THREADS).lower()):
            if name in variables:
                if _set_by(d, suspicions[variables[name]].difference):
                    forest.link(index, variables[name])
                break


def _heeded(library: str) -> tuple[str, ...]:
    return next((names for part, names in _HEEDED if part in library), ("OMP_NUM_THREADS",))


def _set_by(threads: Difference, variable: Difference) -> bool:
    """Whether the variable tells the number wherever it is set: elsewhere the library chose by itself."""
    told = [(x, y) for x, y in ((variable.before, threads.before), (variable.after, threads.after)) if x]
    return bool(told) and all(x == y for x, y in told)


def fold_module_files(suspicions: Sequence[Suspicion], forest: Forest) -> None:
    """Link the shared object of a module that only one run imported to that module."""
    modules = {
        (s.difference.name, s.difference.before is None): index
        for index, s in enumerate(suspicions)
        if (s.difference.section, s.difference.attribute) == ("loaded", "module")
        and (s.difference.before is None) != (s.difference.after is None)
    }
    for index, s in enumerate(suspicions):
        d = s.difference
        if (d.section, d.attribute, d.type) == ("loaded", "library", ""):
            stem = d.name.rpartition("/")[2].partition(".")[0]
            head = modules.get((stem, d.before is None))
            if head is not None:
                forest.link(index, head)


def fold_written(
    suspicions: Sequence[Suspicion],
    moved: Mapping[tuple[str, str], int],
    a: Manifest,
    b: Manifest,
    forest: Forest,
) -> None:
    """Link what was written in a running container to the Python package that it was written for."""
    homes: dict[tuple[str, str], int] = {}
    for package in (*a.every_package, *b.every_package):
        head = moved.get(("pypi", normal_name("pypi", package.name)))
        if package.type == "pypi" and package.python is not None and head is not None:
            name = normal_name("pypi", package.name)
            for entry in (name, f"{name}.py", f"{name}.libs", package.python.metadata):
                homes[package.python.location.rstrip("/"), _entry(entry)] = head
    locations = {location for location, _ in homes}
    for index, s in enumerate(suspicions):
        d = s.difference
        if (d.section, d.attribute) != ("run", "written"):
            continue
        place = next((x for x in _parents(d.name) if x in locations), None)
        if place is not None:
            head = homes.get((place, _entry(d.name[len(place) + 1 :].partition("/")[0])))
            if head is not None:
                forest.link(index, head)


def _entry(name: str) -> str:
    """Return the name of a directory or file as the name of its project is written."""
    return name.lower().replace("-", "_")


def _parents(path: str) -> list[str]:
    """Return the directories above a path, the nearest first; the deepest have no place in a name."""
    parts = path.split("/")[:64]
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
