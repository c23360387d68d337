"""Python environments: each interpreter with the directories that an import searches, in their order."""

from __future__ import annotations

from reprocheck.collect.customizations import customizations_on
from reprocheck.collect.observed import Observed
from reprocheck.collect.path_files import Reading, SearchPath, is_path_file
from reprocheck.collect.python_abi import build_of, builds_in
from reprocheck.collect.python_interpreters import (
    Interpreter,
    Venv,
    header_version,
    inside,
    installed,
    standard_libraries,
    venvs_in,
)
from reprocheck.collect.python_sites import is_aside
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, field
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import PythonEnvironment
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "python-environments"
endings: tuple[str, ...] = ("/pyvenv.cfg", "/patchlevel.h", ".pth")
prefixes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """pyvenv.cfg of venvs, the C header that holds Python's full version, and `.pth` files."""
    if path.endswith(".pth"):
        return is_path_file(path) and not is_aside(path)
    return path.endswith(endings) and not is_aside(path)


class _Base(Frozen, frozen=True, kw_only=True):
    """An interpreter that is no venv, and what a venv on top of it takes over."""

    environment: PythonEnvironment
    sites: tuple[str, ...]
    """Its own site directories, as site.py names them."""
    standard: tuple[str, ...]


class _Survey(Frozen, frozen=True, kw_only=True):
    """One pass over a view."""

    view: ContainerView
    limits: Limits
    unknowns: list[Unknown] = field(default_factory=list)
    spent: list[int] = field(default_factory=lambda: [0])

    def search_path(self, standard: tuple[str, ...]) -> SearchPath:
        known = frozenset(place for each in standard for place in (each, f"{each}/lib-dynload"))
        return SearchPath(
            view=self.view, limits=self.limits, unknowns=self.unknowns, spent=self.spent, known=known
        )


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Find every interpreter and venv, sorted by executable."""
    survey = _Survey(view=view, limits=limits)
    venvs = venvs_in(view, survey.unknowns)
    tree = view.tree
    bases: dict[str, _Base] = {}
    for interpreter in installed(tree, frozenset(venv.prefix for venv in venvs), survey.unknowns):
        bases[interpreter.resolved] = _base(survey, interpreter)
    found = [base.environment for base in bases.values()]
    for venv in venvs:
        own = inside(tree, venv)
        if own is None:
            reason = "belongs to a venv whose bin directory holds no interpreter that could be told"
            survey.unknowns.append(unknown("pythons", f"{venv.prefix}/pyvenv.cfg", reason))
            continue
        found.append(_venv(survey, venv, own, bases))
    found.sort(key=lambda environment: environment.executable)
    return Observed(pythons=tuple(found), unknowns=tuple(survey.unknowns))


def _base(survey: _Survey, interpreter: Interpreter) -> _Base:
    tree, prefix = survey.view.tree, interpreter.prefix
    version = header_version(survey.view, interpreter, survey.unknowns) or interpreter.series
    standard = standard_libraries(tree, interpreter)
    users, sites = _user_sites(tree, interpreter), _sites(tree, interpreter)
    path = survey.search_path(standard)
    for place in (*users, *sites):
        path.add_site(place, Reading.of_version(version))
    build = build_of(builds_in(tree, standard), interpreter.flags, interpreter.library)
    environment = PythonEnvironment(
        executable=portable(interpreter.executable),
        prefix=portable(prefix or "/"),
        kind="conda" if tree.names(f"{prefix}/conda-meta") else "system",
        implementation="pypy" if interpreter.pypy else "cpython",
        version=version,
        search_path=tuple(path.places),
        abi=build.abi,
        platform=build.platform,
        path_files=tuple(path.files.values()),
        customizations=customizations_on(
            tree, (*standard, *path.places), users=path.found(users), user_site=True
        ),
    )
    return _Base(environment=environment, sites=sites, standard=standard)


def _venv(survey: _Survey, venv: Venv, own: Interpreter, bases: dict[str, _Base]) -> PythonEnvironment:
    tree = survey.view.tree
    base, named = _base_of(tree, venv, own, bases)
    prefix = venv.prefix.rstrip("/")
    version = venv.version if venv.version.startswith(own.series) else own.series
    running = base.environment if base is not None else None
    reading = Reading.of_version(running.version if running and running.version.count(".") > 1 else version)
    standard = base.standard if base is not None else ()
    # site.py: the venv's own directory comes first, then the user's, then those of the base.
    places = [f"{prefix}/{lib}/{own.library}/site-packages" for lib in ("lib64", "lib")]
    if own.pypy:
        places.append(f"{prefix}/site-packages")
    users = _user_sites(tree, own) if venv.system_site else ()
    if venv.system_site:
        places += users
        if base is not None:
            places += base.sites
        else:
            reason = f"takes packages from a base interpreter ({named or 'not named'}) that was not found"
            survey.unknowns.append(unknown("pythons", own.executable, reason))
    path = survey.search_path(standard)
    for place in places:
        path.add_site(place, reading)
    build = build_of((), own.flags, own.library)
    return PythonEnvironment(
        executable=portable(own.executable),
        prefix=portable(venv.prefix),
        kind="venv",
        implementation="pypy" if own.pypy else "cpython",
        version=version,
        search_path=tuple(path.places),
        base=running.executable if running is not None else portable(named),
        abi=running.abi if running is not None else build.abi,
        platform=running.platform if running is not None else "",
        path_files=tuple(path.files.values()),
        customizations=customizations_on(
            tree, (*standard, *path.places), users=path.found(users), user_site=venv.system_site
        ),
    )


def _base_of(
    tree: FileTree, venv: Venv, own: Interpreter, bases: dict[str, _Base]
) -> tuple[_Base | None, str]:
    """Return the environment that a venv was made from, and the path that names it."""
    home = venv.home.rstrip("/")
    stem = "pypy" if own.pypy else "python"
    by_home = (
        tuple(f"{home}/{label}" for label in (f"{stem}{own.series}", own.library, "python3", "python"))
        if home
        else ()
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
    if interpreter.series.startswith("2") and tree.exists("/etc/debian_version"):
        return tuple(f"{root}/{library}/dist-packages" for root in ("/usr/local/lib", "/usr/lib"))
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
