"""The Python environment that the user works in: VIRTUAL_ENV, CONDA_PREFIX, then PATH."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from reprocheck.api.outside import Outside
from reprocheck.collect.path_files import Reading
from reprocheck.engine.process import run_tool
from reprocheck.errors import ReprocheckError
from reprocheck.limits import DEFAULT
from reprocheck.model.base import Frozen

_QUESTION = "import sys; print(sys.prefix); print(sys.base_prefix)"


_STANDARD = tuple(
    f"lib/{library}" for library in ("libpython*", "python3*/*.py", "python3*/lib-dynload", "pypy3*/*.py")
)
"""What tells an interpreter's version and ABI; its own packages may be tens of thousands of files."""


class ActivePython(Frozen, frozen=True, kw_only=True):
    """An environment by its prefix, and the prefix of the interpreter it was made from."""

    prefix: str
    base: str
    closed: bool = False
    """A venv that takes no packages from its base."""

    @classmethod
    def of_prefix(cls, prefix: str) -> ActivePython:
        """Tell the base from pyvenv.cfg, without running anything."""
        base = prefix
        closed = False
        try:
            lines = Path(prefix, "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            key, _, value = line.partition("=")
            if key.strip() == "home" and value.strip():
                base = os.path.dirname(os.path.normpath(value.strip()))
            if key.strip().lower() == "include-system-site-packages":
                closed = value.strip().lower() == "false"
        return cls(prefix=prefix, base=base, closed=closed and base != prefix)

    def paths(self) -> tuple[str, ...]:
        """Absolute paths that hold the interpreter, its version and its distributions."""
        found: set[str] = set()
        for prefix in {self.prefix, self.base}:
            if prefix == "/usr":
                # Not all of /usr/lib: on a workstation it holds millions of files that are no Python.
                patterns: tuple[str, ...] = (
                    "/usr/bin/python*",
                    "/usr/lib/python3*",
                    "/usr/local/lib/python3*",
                    "/usr/include/python3*",
                    "/etc/python3*",
                )
            else:
                patterns = tuple(
                    f"{glob.escape(prefix)}/{part}"
                    for part in (
                        "bin/python*",
                        "bin/pypy*",
                        "pyvenv.cfg",
                        "conda-meta",
                        "include/python*",
                        *(_STANDARD if self.closed and prefix == self.base else ("lib",)),
                    )
                )
            for pattern in patterns:
                found.update(glob.glob(pattern))
        user_site = os.path.expanduser("~/.local/lib")
        if self.prefix == self.base:
            found.update(glob.glob(f"{glob.escape(user_site)}/python3*"))
        found |= _named_by_path_files(tuple(found))
        return tuple(sorted(found))


def _named_by_path_files(places: Iterable[str]) -> set[str]:
    """Return what bears on packages in directories that `.pth` files add: a checkout may hold much else."""
    found: set[str] = set()
    for place in places:
        below = "*/*-packages/*.pth" if os.path.basename(place) == "lib" else "*-packages/*.pth"
        for path in glob.glob(f"{glob.escape(place)}/{below}"):
            try:
                raw = Path(path).read_bytes()
            except OSError:
                continue  # the view will say so
            if len(raw) > DEFAULT.metadata_file:
                continue
            for line in Reading().lines(raw)[0]:
                target = os.path.normpath(os.path.join(os.path.dirname(path), line))
                if os.path.isdir(target):
                    found.update(glob.glob(f"{glob.escape(target)}/*-info"))
                    found.update(f"{target}/{name}.py" for name in ("sitecustomize", "usercustomize"))
    return found


def find_active(outside: Outside) -> ActivePython | None:
    """Return the user's environment; None when PATH has no Python.

    A found `python3` may be a shim (pyenv, asdf), so it is asked for its prefix: the user's own program on
    the user's own machine. When it does not answer, its place on PATH decides.
    """
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = outside.environ.get(name, "")
        if prefix and Path(prefix, "bin").is_dir():
            return ActivePython.of_prefix(os.path.realpath(prefix))
    executable = _on_path(outside.environ.get("PATH", ""))
    if executable is None:
        return None
    try:
        answer = run_tool(
            [executable, "-I", "-c", _QUESTION],
            seconds=20,
            stdout_limit=64 * 1024,
            environ=outside.environ,
            cwd=outside.directory,
        )
        lines = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
        if answer.returncode == 0 and len(lines) == 2:
            return ActivePython(prefix=os.path.realpath(lines[0]), base=os.path.realpath(lines[1]))
    except ReprocheckError:
        pass
    return ActivePython.of_prefix(os.path.dirname(os.path.dirname(os.path.realpath(executable))))


def _on_path(variable: str) -> str | None:
    for name in ("python3", "python"):
        for directory in variable.split(os.pathsep):
            candidate = os.path.join(directory, name)
            if os.path.isabs(directory) and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return candidate
    return None
