"""Which Python environment a bare `python3` starts in the target."""

from __future__ import annotations

import posixpath

from reprocheck.collect.reading import unknown
from reprocheck.model.base import replace
from reprocheck.model.filetree import Entry, FileTree, portable
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown


def mark_active(
    tree: FileTree, pythons: tuple[PythonEnvironment, ...], path_variable: str, virtual_env: str
) -> tuple[tuple[PythonEnvironment, ...], Unknown | None]:
    """Mark the environment that VIRTUAL_ENV or CONDA_PREFIX names, else the one that PATH finds.

    Gives an Unknown when PATH finds something that is none of the interpreters seen (a shim, a wrapper).
    """
    chosen: PythonEnvironment | None = None
    problem: Unknown | None = None
    if virtual_env:
        chosen = _with_prefix(tree, pythons, virtual_env)
    if chosen is None and (path := _on_path(tree, path_variable)):
        chosen = _started_by(tree, pythons, path)
        if chosen is None and pythons:
            reason = "is what PATH finds, and no known interpreter; the active environment cannot be told"
            problem = unknown("pythons", path, reason)
    return tuple(replace(python, active=python is chosen) for python in pythons), problem


def _with_prefix(
    tree: FileTree, pythons: tuple[PythonEnvironment, ...], prefix: str
) -> PythonEnvironment | None:
    entry = tree.resolve(prefix)
    wanted = portable(entry.path if entry is not None else prefix.rstrip("/"))
    return next((python for python in pythons if python.prefix == wanted), None)


def _on_path(tree: FileTree, path_variable: str) -> str:
    """Return what the first directory of PATH holds: `python3` in any of them, then `python`."""
    for label in ("python3", "python"):
        for directory in path_variable.split(":"):
            if not directory.startswith("/"):
                continue
            path = f"{directory.rstrip('/')}/{label}"
            entry = tree.resolve(path)
            if entry is not None and entry.kind == "file" and (entry.mode == 0 or entry.mode & 0o111):
                return path
    return ""


def _started_by(
    tree: FileTree, pythons: tuple[PythonEnvironment, ...], path: str
) -> PythonEnvironment | None:
    """CPython looks for pyvenv.cfg near the name it was started by, else follows that link."""
    directory = tree.resolve(posixpath.dirname(path))
    if directory is not None:
        prefix = portable(posixpath.dirname(directory.path))
        for python in pythons:
            if python.kind == "venv" and python.prefix == prefix:
                return python
    target = tree.resolve(path)
    if target is None:
        return None
    others = [(python, tree.resolve(python.executable)) for python in pythons if python.kind != "venv"]
    for python, own in others:
        if own == target:
            return python
    # Hard links: one file has the names python3, python3.13 and python3.13t in one directory.
    twins = [python for python, own in others if own is not None and _may_be_one_file(own, target)]
    return twins[0] if len(twins) == 1 else None


def _may_be_one_file(one: Entry, other: Entry) -> bool:
    return one.size == other.size and posixpath.dirname(one.path) == posixpath.dirname(other.path)
