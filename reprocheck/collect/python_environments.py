"""Python environments: each interpreter with the directories that an import searches, in their order."""

from __future__ import annotations

from reprocheck.collect.observed import Observed
from reprocheck.collect.python_interpreters import (
    Interpreter,
    Venv,
    header_version,
    inside,
    installed,
    venvs_in,
)
from reprocheck.collect.python_sites import is_aside
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "python-environments"
endings: tuple[str, ...] = ("/pyvenv.cfg", "/patchlevel.h")
prefixes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """pyvenv.cfg of venvs, and the C header that holds Python's full version."""
    return path.endswith(endings) and not is_aside(path)


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Find every interpreter and venv, sorted by executable."""
    unknowns: list[Unknown] = []
    venvs = venvs_in(view, unknowns)
    tree = view.tree
    bases: dict[str, PythonEnvironment] = {}
    for interpreter in installed(tree, frozenset(venv.prefix for venv in venvs)):
        bases[interpreter.resolved] = _base(view, interpreter, unknowns)
    found = list(bases.values())
    for venv in venvs:
        own = inside(tree, venv)
        if own is None:
            reason = "belongs to a venv whose bin directory holds no interpreter that could be told"
            unknowns.append(unknown("pythons", f"{venv.prefix}/pyvenv.cfg", reason))
            continue
        found.append(_venv(view, venv, own, bases, unknowns))
    found.sort(key=lambda environment: environment.executable)
    return Observed(pythons=tuple(found), unknowns=tuple(unknowns))


def _base(view: ContainerView, interpreter: Interpreter, unknowns: list[Unknown]) -> PythonEnvironment:
    tree, prefix = view.tree, interpreter.prefix
    return PythonEnvironment(
        executable=portable(interpreter.executable),
        prefix=portable(prefix or "/"),
        kind="conda" if tree.names(f"{prefix}/conda-meta") else "system",
        implementation="pypy" if interpreter.pypy else "cpython",
        version=header_version(view, interpreter, unknowns) or interpreter.series,
        search_path=_existing(tree, (*_user_sites(tree, interpreter), *_sites(tree, interpreter))),
    )


def _venv(
    view: ContainerView,
    venv: Venv,
    own: Interpreter,
    bases: dict[str, PythonEnvironment],
    unknowns: list[Unknown],
) -> PythonEnvironment:
    tree = view.tree
    base, named = _base_of(tree, venv, own, bases)
    # site.py: the venv's own directory comes first, then the user's, then those of the base.
    places: tuple[str, ...] = (f"{venv.prefix.rstrip('/')}/lib/{own.library}/site-packages",)
    if venv.system_site:
        places += _user_sites(tree, own)
        if base is not None:
            places += base.search_path
        else:
            reason = f"takes packages from a base interpreter ({named or 'not named'}) that was not found"
            unknowns.append(unknown("pythons", own.executable, reason))
    version = venv.version if venv.version.startswith(own.series) else ""
    return PythonEnvironment(
        executable=portable(own.executable),
        prefix=portable(venv.prefix),
        kind="venv",
        implementation="pypy" if own.pypy else "cpython",
        version=version or own.series,
        search_path=_existing(tree, places),
        base=base.executable if base is not None else portable(named),
    )


def _base_of(
    tree: FileTree, venv: Venv, own: Interpreter, bases: dict[str, PythonEnvironment]
) -> tuple[PythonEnvironment | None, str]:
    """Return the environment that a venv was made from, and the path that names it."""
    home = venv.home.rstrip("/")
    stem = "pypy" if own.pypy else "python"
    by_home = (
        tuple(f"{home}/{label}" for label in (f"{stem}{own.series}", "python3", "python")) if home else ()
    )
    named = venv.executable or (by_home[0] if by_home else "")
    for path in (own.executable, venv.executable, *by_home):
        entry = tree.resolve(path) if path.startswith("/") else None
        if entry is not None and entry.path in bases:
            return bases[entry.path], named
    return None, named


def _sites(tree: FileTree, interpreter: Interpreter) -> tuple[str, ...]:
    prefix, library = interpreter.prefix.rstrip("/"), interpreter.library
    plain: tuple[str, ...] = (f"{prefix}/lib/{library}/site-packages",)
    if interpreter.pypy:
        plain += (f"{prefix}/site-packages",)  # before PyPy 7.3.8
    if prefix != "/usr":
        return (f"{prefix}/lib64/{library}/site-packages", *plain)
    if tree.exists("/usr/lib/python3/dist-packages") or tree.exists("/etc/debian_version"):
        generic = "pypy3" if interpreter.pypy else "python3"  # Debian's patch to site.py
        return tuple(
            f"{root}/dist-packages"
            for root in (f"/usr/local/lib/{library}", f"/usr/lib/{generic}", f"/usr/lib/{library}")
        )
    # Fedora and its kin: pip's directories before rpm's.
    fedora = tree.exists(f"/usr/lib64/{library}")
    local = tuple(f"/usr/local/{lib}/{library}/site-packages" for lib in ("lib64", "lib")) if fedora else ()
    return (*local, f"/usr/lib64/{library}/site-packages", *plain)


def _user_sites(tree: FileTree, interpreter: Interpreter) -> tuple[str, ...]:
    """Each user's own directory: only that of the user who runs counts, and any of them may be that user."""
    homes = ("/root", *(f"/home/{user}" for user in tree.names("/home")))
    return tuple(f"{home}/.local/lib/{interpreter.library}/site-packages" for home in homes)


def _existing(tree: FileTree, places: tuple[str, ...]) -> tuple[str, ...]:
    """Keep directories that exist, links followed, each once, in order."""
    found: dict[str, None] = {}
    for place in places:
        entry = tree.resolve(place)
        if entry is not None and entry.kind == "directory":
            found[portable(entry.path)] = None
    return tuple(found)
