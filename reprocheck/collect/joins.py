"""Pure joins over what the collectors saw: who owns what, and which interpreter finds what."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from reprocheck.collect.native_names import is_own_package
from reprocheck.collect.native_versions import with_claims
from reprocheck.collect.observed import Claim
from reprocheck.model.base import replace
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import NativeLibrary, Package, PythonEnvironment, VersionClaim

Owners = dict[str, Claim]
"""By path, directories of the path resolved."""

# Two managers can claim one path (a conda package and the RECORD that it installed): the outer one owns it.
_RANK = {"conda": 0, "deb": 1, "apk": 2, "rpm": 3, "pypi": 4}
_RELEASE = re.compile(r"(?:[0-9]+:)?([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:[~_]?((?:a|b|rc)[0-9]+))?")


def owners_of(tree: FileTree, claims: tuple[Claim, ...]) -> Owners:
    """Index claims by path. A file list may name /lib/... where the tree has /usr/lib/... (merged /usr)."""
    owners: Owners = {}
    for claim in sorted(claims, key=lambda claim: (_RANK[claim.manager], claim.owner), reverse=True):
        directory, _, label = claim.path.rpartition("/")
        entry = tree.resolve(directory or "/")
        path = claim.path if entry is None else f"{entry.path.rstrip('/')}/{label}"
        owners[portable(path)] = claim
    return owners


def refine_versions(
    tree: FileTree, pythons: tuple[PythonEnvironment, ...], owners: Owners
) -> tuple[PythonEnvironment, ...]:
    """Tell `3.11` as `3.11.2` where the package that owns the interpreter knows.

    A venv whose interpreter is a link runs what its base is now, whatever pyvenv.cfg says.
    """
    versions: dict[str, str] = {}
    for python in pythons:
        versions[python.executable] = python.version
        claim = owners.get(python.executable)
        match = _RELEASE.match(claim.version) if claim is not None and python.kind != "venv" else None
        if match and python.version.count(".") == 1 and match[1].startswith(f"{python.version}."):
            versions[python.executable] = match[1] + (match[2] or "")
    for python in pythons:
        base = versions.get(python.base, "")
        if python.kind == "venv" and base and _same_file(tree, python.executable, python.base):
            versions[python.executable] = base
    return tuple(replace(python, version=versions[python.executable]) for python in pythons)


def _same_file(tree: FileTree, one: str, other: str) -> bool:
    left, right = tree.resolve(one), tree.resolve(other)
    return left is not None and left == right


def assign(
    packages: tuple[Package, ...], pythons: tuple[PythonEnvironment, ...], owners: Owners
) -> list[Package]:
    """Give each Python distribution to every environment whose search path has it, and say which one wins.

    A directory on two search paths (a venv with system site-packages and its base) gives one entry for each:
    what an interpreter sees is then exactly the entries with its name, and the effective ones are `pip list`.
    """
    by_location: dict[str, list[Package]] = {}
    rest: list[Package] = []
    for package in packages:
        if package.python is None:
            rest.append(package)
        else:
            claim = owners.get(f"{package.python.location.rstrip('/')}/{package.python.metadata}")
            owner = claim.owner if claim is not None and claim.manager != "pypi" else ""
            by_location.setdefault(package.python.location, []).append(replace(package, owner=owner))
    seen: set[str] = set()
    for python in pythons:
        names: set[str] = set()
        for location in python.search_path:
            here = sorted(by_location.get(location, []), key=_dist_info_first)
            # Debian's python3-cryptography describes one version twice, as .dist-info and as .egg-info. Two
            # versions in one directory are another matter: which of them counts is chance, so both do.
            twins: set[tuple[str, str]] = set()
            for package in here:
                name = canonicalize_name(package.name)
                effective = name not in names and (name, package.version) not in twins
                rest.append(_found_by(package, python, effective))
                twins.add((name, package.version))
            names.update(name for name, _ in twins)
            seen.add(location)
    for location, here in by_location.items():
        if location not in seen:
            rest.extend(here)
    return rest


def _dist_info_first(package: Package) -> tuple[bool, str]:
    metadata = package.python.metadata if package.python is not None else ""
    return not metadata.endswith(".dist-info"), metadata


def _found_by(package: Package, python: PythonEnvironment, effective: bool) -> Package:
    assert package.python is not None
    return replace(
        package, python=replace(package.python, environment=python.executable, effective=effective)
    )


def merge_conda(
    packages: list[Package], pythons: tuple[PythonEnvironment, ...], owners: Owners
) -> list[Package]:
    """Make a conda package and the distribution that it installed one component.

    Other sightings of that distribution (from a venv on top of the prefix) stay, owned by the conda package.
    """
    prefixes = {python.executable: python.prefix for python in pythons}
    hosts = {
        (package.purl, package.conda.prefix): package for package in packages if package.conda is not None
    }
    places: dict[str, list[str]] = {}
    for purl, place in hosts:
        places.setdefault(purl, []).append(place)
    merged: dict[tuple[str, str], Package] = {}
    rest: list[Package] = []
    for package in sorted(packages, key=sort_key):
        python = package.python
        if package.conda is not None:
            continue
        if python is None or not package.owner.startswith("pkg:conda/"):
            rest.append(package)
            continue
        # One package of one build can stand in several prefixes, and prefixes lie inside each other.
        inside = [
            place for place in places[package.owner] if python.location.startswith(f"{place.rstrip('/')}/")
        ]
        prefix = max(inside, key=len, default="")
        key = (package.owner, prefix)
        if not prefix or key in merged or prefixes.get(python.environment, prefix) != prefix:
            rest.append(package)
            continue
        conda = hosts[key].conda
        assert conda is not None
        merged[key] = replace(hosts[key], python=python, conda=replace(conda, pip_name=package.name))
    return rest + [merged.get(key, host) for key, host in hosts.items()]


def name_pip_projects(packages: list[Package], claims: tuple[Claim, ...]) -> list[Package]:
    """Fill `pip_name` where pip has since replaced what conda installed: its file list still names it."""
    stems: dict[str, list[str]] = {}
    for claim in claims:
        if claim.manager == "conda" and claim.path.endswith((".dist-info", ".egg-info")):
            stems.setdefault(claim.owner, []).append(claim.path)
    named = []
    for package in packages:
        if package.conda is not None and not package.conda.pip_name:
            inside = f"{package.conda.prefix.rstrip('/')}/"
            paths = [path for path in stems.get(package.purl, ()) if path.startswith(inside)]
            if paths:
                stem = min(paths).rpartition("/")[2].partition("-")[0]
                package = replace(package, conda=replace(package.conda, pip_name=stem))  # noqa: PLW2901
        named.append(package)
    return named


def own_libraries(libraries: tuple[NativeLibrary, ...], owners: Owners) -> tuple[NativeLibrary, ...]:
    """Name each library's owner, and hear its version if the owner is that library's own package.

    scikit-learn bundles libgomp: its version says nothing about that of libgomp.
    """
    return tuple(_owned(library, owners.get(library.path)) for library in libraries)


def _owned(library: NativeLibrary, claim: Claim | None) -> NativeLibrary:
    if claim is None:
        return library
    library = replace(library, owner=claim.owner)
    if not is_own_package(library.kind, claim.owner.partition("@")[0].rpartition("/")[2]):
        return library
    source = "wheel" if claim.manager == "pypi" else claim.manager
    return with_claims(library, (VersionClaim(version=claim.version, source=source),))


def sort_key(package: Package) -> tuple[str, ...]:
    """Order of packages: type, normalised name, version, place."""
    python, conda = package.python, package.conda
    location = conda.prefix if conda is not None else python.location if python is not None else ""
    environment, metadata = (python.environment, python.metadata) if python is not None else ("", "")
    return (
        package.type,
        canonicalize_name(package.name) if package.type == "pypi" else package.name,
        package.version,
        location,
        environment,
        metadata,
        package.purl,
    )
