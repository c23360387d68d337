"""Python interpreters in a tree: where they are, and which version each one is; nothing is run."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from reprocheck.collect.claims import INTERPRETER
from reprocheck.collect.python_sites import in_package_cache, is_aside
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import KIB
from reprocheck.model.filetree import FileTree
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_LIMIT = 64 * KIB
_PY_VERSION = re.compile(
    rb'^#[ \t]*define[ \t]+PY_VERSION[ \t]+"([0-9]+\.[0-9]+[0-9a-z.+]{0,20})"', re.MULTILINE
)
_RELEASE = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)?")
_FINAL = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)\.final\.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """One executable, and the directories that its name stands for."""

    executable: str
    resolved: str
    """Where links lead; '' when they lead out of the tree."""
    prefix: str
    pypy: bool
    series: str
    """`3.11`."""
    library: str
    """Name of its library directory: `python3.11`, `python3.13t`, `pypy3.10`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Venv:
    """What pyvenv.cfg says (PEP 405)."""

    prefix: str
    home: str = ""
    version: str = ""
    executable: str = ""
    """The base interpreter, where the file names it."""
    system_site: bool = False


def installed(tree: FileTree, venvs: frozenset[str]) -> list[Interpreter]:
    """Return each `*/bin/python3.N` or `*/bin/pypy3.N` outside a venv once, sorted by path.

    A link counts if it leads to a regular file in the tree; several names of one file are one interpreter,
    told by the name that the file itself has.
    """
    found: dict[str, Interpreter] = {}
    for path in sorted(path for path in tree.entries if "/bin/py" in path):
        directory, _, label = path.rpartition("/")
        if not directory.endswith("/bin") or INTERPRETER.fullmatch(label) is None or is_aside(path):
            continue
        entry = tree.resolve(path)
        if entry is None or entry.kind != "file" or posixpath.dirname(directory) in venvs:
            continue
        if in_package_cache(tree, path):
            continue
        # CPython finds its prefix from the file behind the link.
        own = entry.path if INTERPRETER.fullmatch(posixpath.basename(entry.path)) else path
        if entry.path not in found:
            found[entry.path] = _interpreter(own, entry.path)
    return [found[path] for path in sorted(found)]


def inside(tree: FileTree, venv: Venv) -> Interpreter | None:
    """Return the interpreter of a venv, by its most telling name; None when its bin directory has none."""
    directory = f"{venv.prefix.rstrip('/')}/bin"
    names = [label for label in tree.names(directory) if INTERPRETER.fullmatch(label)]
    series = ".".join(venv.version.split(".")[:2])
    exact = [label for label in names if label in (f"python{series}", f"pypy{series}")]
    for label in (*exact, *names, "python3", "python"):
        path = f"{directory}/{label}"
        if path not in tree.entries:
            continue
        entry = tree.resolve(path)
        resolved = entry.path if entry is not None else ""
        known = INTERPRETER.fullmatch(label) or INTERPRETER.fullmatch(posixpath.basename(resolved))
        if known is None:
            known = INTERPRETER.fullmatch(f"python{series}")
        if known is None:
            continue
        pypy = known[1] == "pypy" or posixpath.basename(resolved).startswith("pypy")
        return Interpreter(
            executable=path,
            resolved=resolved,
            prefix=venv.prefix,
            pypy=pypy,
            series=known[2],
            library=("pypy" if pypy else "python") + known[2] + known[3],
        )
    return None


def _interpreter(path: str, resolved: str) -> Interpreter:
    match = INTERPRETER.fullmatch(posixpath.basename(path))
    assert match is not None
    pypy = match[1] == "pypy"
    return Interpreter(
        executable=path,
        resolved=resolved,
        prefix=posixpath.dirname(posixpath.dirname(path)),
        pypy=pypy,
        series=match[2],
        library=("pypy" if pypy else "python") + match[2] + match[3],
    )


def venvs_in(view: ContainerView, unknowns: list[Unknown]) -> list[Venv]:
    """Read every pyvenv.cfg, sorted by prefix."""
    found = []
    for path in sorted(path for path in view.tree.entries if path.endswith("/pyvenv.cfg")):
        if is_aside(path):
            continue
        raw = read(view, path, _LIMIT, "pythons")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            raw = b""
        found.append(parse_venv(raw, path.rpartition("/")[0] or "/"))
    return found


def parse_venv(raw: bytes, prefix: str) -> Venv:
    """Read `key = value` lines as site.py does: the last of equal keys counts, and an absent
    `include-system-site-packages` means true.
    """
    keys: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").split("\n"):
        key, equals, value = line.partition("=")
        if equals:
            keys[key.strip().lower()] = value.strip()
    written = keys.get("version") or keys.get("version_info", "")
    if final := _FINAL.fullmatch(written):
        written = final[1]  # virtualenv writes 3.11.9.final.0
    return Venv(
        prefix=prefix,
        home=keys.get("home", ""),
        version=written if _RELEASE.fullmatch(written) else "",
        executable=keys.get("executable") or keys.get("base-executable", ""),
        system_site=keys.get("include-system-site-packages", "true").lower() == "true",
    )


def header_version(view: ContainerView, interpreter: Interpreter, unknowns: list[Unknown]) -> str:
    """Return PY_VERSION of PREFIX/include/pythonX.Y/patchlevel.h, '' when that is not there."""
    stem = f"{interpreter.prefix.rstrip('/')}/include/{interpreter.library}"
    # Up to Python 3.7 the directory's name ends in `m`, for pymalloc.
    paths = (f"{stem}/patchlevel.h", f"{stem}m/patchlevel.h")
    path = next((path for path in paths if view.tree.exists(path)), "")
    if not path:
        return ""
    raw = read(view, path, _LIMIT, "pythons")
    if isinstance(raw, Unknown):
        unknowns.append(raw)
        return ""
    match = _PY_VERSION.search(raw)
    if match is None:
        unknowns.append(unknown("pythons", path, "has no PY_VERSION"))
        return ""
    version = match[1].decode("ascii")
    return version if version.startswith(f"{interpreter.series}.") else ""
