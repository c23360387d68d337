"""Narrowing an observation to one Python environment (`env:PREFIX`, local snapshots)."""

from __future__ import annotations

from reprocheck.collect.observed import Observed
from reprocheck.collect.python_sites import SITE_NAMES
from reprocheck.collect.reading import unknown
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import NativeLibrary, Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView


def narrow(view: ContainerView, observed: Observed, prefix: str) -> Observed:
    """Keep the environments with this prefix and what they see; OS packages and the OS itself stay.

    Libraries, wheels, remnants and unknowns go that belong to another environment.
    """
    tree: FileTree = view.tree
    entry = tree.resolve(prefix)
    root = portable(entry.path if entry is not None else prefix.rstrip("/") or "/")
    pythons = tuple(python for python in observed.pythons if python.prefix == root)
    names = {python.executable for python in pythons}
    places = tuple(place.rstrip("/") + "/" for python in pythons for place in python.search_path)
    others = tuple(
        place.rstrip("/") + "/"
        for python in observed.pythons
        if python.prefix != root
        for place in (*python.search_path, *(() if python.kind == "system" else (python.prefix,)))
    )
    # A prefix like /usr or / contains half the machine, other environments among it.
    inside = (
        places if any(python.kind == "system" for python in pythons) else (*places, root.rstrip("/") + "/")
    )

    roots = frozenset(place.rstrip("/") or "/" for python in pythons for place in python.search_path)

    def mine(path: str) -> bool:
        if path.startswith(inside):
            return True
        foreign_site = any(f"/{site}/" in path for site in SITE_NAMES) or "/conda-meta/" in path
        return not path.startswith(others) and not foreign_site

    def keeps(package: Package) -> bool:
        if package.python is not None and package.python.environment in names:
            return True
        if package.conda is not None:
            return package.conda.prefix == root
        return package.python is None

    def keeps_library(library: NativeLibrary) -> bool:
        return mine(library.path)

    def keeps_unknown(item: Unknown) -> bool:
        return item.section not in ("packages", "pythons") or mine(item.where)

    packages = tuple(filter(keeps, observed.packages))
    unknowns = tuple(filter(keeps_unknown, observed.unknowns))
    if not pythons and not any(package.conda is not None for package in packages):
        unknowns += (unknown("pythons", root, "holds no Python environment that could be told"),)
    return Observed(
        os=observed.os,
        packages=packages,
        pythons=pythons,
        libraries=tuple(filter(keeps_library, observed.libraries)),
        unknowns=unknowns,
        frameworks=tuple(item for item in observed.frameworks if item.location in roots),
        loading=tuple(item for item in observed.loading if mine(item.consumer)),
        # The system's own libraries were not listed, so that one is not found says nothing.
        linking=tuple(item for item in observed.linking if mine(item.consumer) and item.provider),
        notes=observed.notes,
        hub=observed.hub,
        wheels=tuple(item for item in observed.wheels if item.path.startswith(inside)),
        remnants=tuple(item for item in observed.remnants if item.path.startswith(inside)),
    )
