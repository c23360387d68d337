"""Python interpreters in a tree: where they are, and which version each one is; nothing is run."""

from __future__ import annotations

import posixpath
import re

from reprocheck.collect.claims import INTERPRETER
from reprocheck.collect.python_abi import builds_in
from reprocheck.collect.python_sites import in_package_cache, is_aside
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import KIB
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import FileTree
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_LIMIT = 64 * KIB
_PY_VERSION = re.compile(
    rb'^#[ \t]*define[ \t]+PY_VERSION[ \t]+"([0-9]+\.[0-9]+[0-9a-z.+]{0,20})"', re.MULTILINE
)
_RELEASE = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)?")
_UNVERSIONED = ("python3", "python", "python2", "pypy3", "pypy")
_RED_HAT = "/usr/libexec/platform-python"  # RHEL 8 keeps the interpreter of its own tools out of the way
_STDLIB = ("os.py", "os.pyc", "lib-dynload")
_SHARED = re.compile(r"lib(python|pypy)([23]\.[0-9]{1,3})[dmtu]{0,3}\.so(?:\.[0-9.]+)?")
_FINAL = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)\.final\.0")


class Interpreter(Frozen, frozen=True, kw_only=True):
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
    flags: str = ""
    """ABI flags in its name: `t`, `d`, `m`."""


class Venv(Frozen, frozen=True, kw_only=True):
    """What pyvenv.cfg says (PEP 405)."""

    prefix: str
    home: str = ""
    version: str = ""
    executable: str = ""
    """The base interpreter, where the file names it."""
    system_site: bool = False


def installed(tree: FileTree, venvs: frozenset[str], unknowns: list[Unknown]) -> list[Interpreter]:
    """Return each interpreter outside a venv once, sorted by path.

    It is told by a versioned name (`*/bin/python3.N`, `pypy3.N`, with ABI flags), or by `python3` or `python`
    in a prefix that holds one standard library. A link counts if it leads to a regular file in the tree;
    several names of one file are one interpreter, told by the name that the file itself has.
    """
    found: dict[str, Interpreter] = {}
    unversioned: dict[str, str] = {}
    for path in sorted(path for path in tree.entries if "/bin/py" in path or path.startswith(_RED_HAT)):
        directory, _, label = path.rpartition("/")
        named = INTERPRETER.fullmatch(label.removeprefix("platform-")) is not None
        if not directory.endswith(("/bin", "/libexec")) or not (named or label in _UNVERSIONED):
            continue
        entry = tree.resolve(path)
        if entry is None or entry.kind != "file" or posixpath.dirname(directory) in venvs or is_aside(path):
            continue
        if in_package_cache(tree, path):
            continue
        if not named:
            if entry.path == path:
                unversioned.setdefault(directory, path)
            continue
        # CPython finds its prefix from the file behind the link.
        own = entry.path if INTERPRETER.fullmatch(posixpath.basename(entry.path)) else path
        known = found.get(entry.path)
        if known is None or (known.executable.startswith(_RED_HAT) and not own.startswith(_RED_HAT)):
            found[entry.path] = _interpreter(tree, own, entry.path)
    told = {posixpath.dirname(path) for path in found}
    for directory, path in sorted(unversioned.items()):
        if directory not in told and (one := _told_by_its_library(tree, path, unknowns)) is not None:
            found[path] = one
    return [found[path] for path in sorted(found) if not _is_second_name(tree, found[path], found)]


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
        flags = (INTERPRETER.fullmatch(posixpath.basename(resolved)) or known)[3]
        return Interpreter(
            executable=path,
            resolved=resolved,
            prefix=venv.prefix,
            pypy=pypy,
            series=known[2],
            library=_library(tree, venv.prefix, pypy, known[2], flags),
            flags=flags,
        )
    return None


def _interpreter(tree: FileTree, path: str, resolved: str) -> Interpreter:
    match = INTERPRETER.fullmatch(posixpath.basename(path).removeprefix("platform-"))
    assert match is not None
    pypy = match[1] == "pypy"
    # CPython looks for its library from the file behind the link, whatever name that has.
    places = [posixpath.dirname(posixpath.dirname(place)) for place in (path, resolved)]
    candidates = [
        Interpreter(
            executable=path,
            resolved=resolved,
            prefix=prefix,
            pypy=pypy,
            series=match[2],
            library=_library(tree, prefix, pypy, match[2], match[3]),
            flags=match[3],
        )
        for prefix in places
    ]
    return candidates[1 if standard_libraries(tree, candidates[1]) else 0]


def _library(tree: FileTree, prefix: str, pypy: bool, series: str, flags: str) -> str:
    """Name the library directory; a prefix with the free-threaded build alone calls that python3.13 too."""
    plain = ("pypy" if pypy else "python") + series
    root = f"{prefix.rstrip('/')}/lib"
    if "t" in flags or (tree.exists(f"{root}/{plain}t") and not tree.exists(f"{root}/{plain}")):
        return f"{plain}t"
    return plain


def _is_second_name(tree: FileTree, one: Interpreter, found: dict[str, Interpreter]) -> bool:
    """Whether this file is a hard link to another: `make install` gives a build with ABI flags two names.

    A debug build beside the usual one is an interpreter of its own; both find their extension modules in
    one directory, which tells the cases apart.
    """
    directory, label = posixpath.split(one.executable)
    plain = label.rstrip("dmtu")
    if set(one.flags) & {"m", "u"} and "d" not in one.flags:
        return f"{directory}/{plain}" in found
    siblings = [
        other
        for other in found.values()
        if other.flags and other.executable == f"{directory}/{label}{other.flags}"
    ]
    if one.flags or not siblings:
        return False
    builds = builds_in(tree, standard_libraries(tree, one))
    for other in siblings:
        if "t" in other.flags and other.library == one.library:
            return True
        if "d" in other.flags and builds and all("d" in build.flags for build in builds):
            return True
    return False


def standard_libraries(tree: FileTree, interpreter: Interpreter) -> tuple[str, ...]:
    """Directories of the standard library, in import order; () when the prefix holds none."""
    prefix = interpreter.prefix.rstrip("/")
    places = [f"{prefix}/lib64/{interpreter.library}", f"{prefix}/lib/{interpreter.library}"]
    if interpreter.pypy:
        places += [f"{prefix}/lib-python/{interpreter.series[0]}", f"{prefix}/lib_pypy"]  # before PyPy 7.3.8
    return tuple(place for place in places if any(f"{place}/{mark}" in tree.entries for mark in _STDLIB))


def _told_by_its_library(tree: FileTree, path: str, unknowns: list[Unknown]) -> Interpreter | None:
    """Tell `bin/python3` by the one standard library below its prefix; a wrapper script has none."""
    prefix = posixpath.dirname(posixpath.dirname(path))
    label = posixpath.basename(path)
    stem = label.rstrip("23")
    major = label.removeprefix(stem)
    series = {
        match[2] + match[3]
        for lib in ("lib", "lib64")
        for name in tree.names(f"{prefix}/{lib}")
        if (match := INTERPRETER.fullmatch(name)) and match[1] == stem and match[2].startswith(major)
        if any(f"{prefix}/{lib}/{name}/{mark}" in tree.entries for mark in _STDLIB)
    }
    for directory, pattern in (("lib", _SHARED), ("include", INTERPRETER)):
        if len(series) <= 1:
            break
        named = {
            match[2] for name in tree.names(f"{prefix}/{directory}") if (match := pattern.fullmatch(name))
        }
        series = {item for item in series if item.rstrip("t") in named} or series
    if not series:
        return None
    if len(series) > 1:
        choices = ", ".join(sorted(series))
        unknowns.append(unknown("pythons", path, f"may be any of {choices}; nothing tells which"))
        return None
    (only,) = series
    flags = only.lstrip("0123456789.")
    return Interpreter(
        executable=path,
        resolved=path,
        prefix=prefix,
        pypy=stem == "pypy",
        series=only.removesuffix(flags),
        library=f"{stem}{only}",
        flags=flags,
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
    include = f"{interpreter.prefix.rstrip('/')}/include"
    # Up to Python 3.7 the directory's name ends in `m`, for pymalloc; PyPy had none of its own before 7.3.8.
    names = [f"{interpreter.library}{flags}" for flags in ("", "m", "d", "dm")]
    paths = [f"{include}/{name}/patchlevel.h" for name in names]
    if interpreter.pypy:
        paths.append(f"{include}/patchlevel.h")
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
