"""OpenMP runtimes that one process can come to hold (CPU-107)."""

from __future__ import annotations

from collections import defaultdict

from reprocheck.graph import rules_below as rules
from reprocheck.model.conflict import Cause, Conflict
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown


def find_openmp_conflicts(manifest: Manifest) -> tuple[tuple[Conflict, ...], tuple[Unknown, ...]]:
    """Give environments that lead to several OpenMP runtimes; copies of one runtime are only a remark.

    Copies count that lie below an environment's search path or prefix, or that its objects would load.
    With an observed run only what it loaded counts.
    """
    if manifest.loaded is not None:
        paths = [item.path for item in manifest.loaded.libraries if item.kind == "openmp"]
        item = _conflict(paths, "", "loaded by the run")
        return ((item,) if item is not None else ()), ()
    copies = {library.path for library in manifest.libraries if library.kind == "openmp"}
    found = []
    for python in sorted(manifest.pythons, key=lambda one: one.executable):
        places = _places(python)
        paths = sorted(
            {path for path in copies if path.startswith(places)}
            | {row.path for row in manifest.loading if row.path in copies and row.consumer.startswith(places)}
        )
        item = _conflict(paths, python.executable, "reachable")
        if item is not None:
            found.append(item)
    return tuple(found), ()


def _places(python: PythonEnvironment) -> tuple[str, ...]:
    own = (python.prefix,) if python.kind != "system" else ()
    return tuple(f"{place.rstrip('/')}/" for place in (*python.search_path, *own))


def _conflict(paths: list[str], executable: str, how: str) -> Conflict | None:
    """Make the finding; None for one copy or none."""
    by_runtime: dict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        by_runtime[_runtime(path)].append(path)
    several = len(by_runtime) > 1
    if not several and all(len(copies) < 2 for copies in by_runtime.values()):
        return None
    return Conflict(
        code=rules.OPENMP.code,
        kind="two-runtimes" if several else "two-copies",
        severity=rules.OPENMP.severity if several else "info",
        package=" and ".join(sorted(by_runtime)),
        requirement="one OpenMP runtime",
        found=f"{how}: {', '.join(sorted(path for copies in by_runtime.values() for path in copies))}",
        causes=tuple(
            Cause(requirement=name, parent=path.rpartition("/")[2], chain=(path,))
            for name in sorted(by_runtime)
            for path in sorted(by_runtime[name])
        ),
        broken=False,
        fix=rules.OPENMP.fix if several else "",
        environment=executable,
    )


def _runtime(path: str) -> str:
    label = path.rpartition("/")[2]
    return (
        "libgomp" if label.startswith("libgomp") else "libiomp5" if label.startswith("libiomp") else "libomp"
    )
