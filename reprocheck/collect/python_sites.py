"""Which directories hold installed Python distributions, told by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reprocheck.model.filetree import FileTree

SITE_NAMES = ("site-packages", "dist-packages")

# Copies that other tools carry or cache; nothing imports them under their own name.
_ASIDE = ("/_vendor/", "/.cache/")
_INSIDE_A_SITE = re.compile(r"/(?:site|dist)-packages/")


def is_aside(path: str) -> bool:
    """Whether the path lies in a vendored copy or in a cache."""
    return any(mark in path for mark in _ASIDE)


def in_package_cache(tree: FileTree, path: str) -> bool:
    """Whether the path lies in conda's package cache (`PREFIX/pkgs/NAME/info/...`), from which it links."""
    head, mark, rest = path.partition("/pkgs/")
    while mark:
        root = f"{head}/pkgs/{rest.partition('/')[0]}/info"
        if f"{root}/index.json" in tree.entries or f"{root}/repodata_record.json" in tree.entries:
            return True
        next_head, mark, rest = rest.partition("/pkgs/")
        head = f"{head}/pkgs/{next_head}"
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One metadata directory or file."""

    path: str
    location: str
    """The directory that an import would search."""
    metadata: str
    """What lies in it, e.g. `numpy-2.1.0.dist-info`."""


def metadata_in(tree: FileTree) -> list[Found]:
    """Every metadata directory and file of an installed distribution, sorted by path.

    In a site directory all of them count. Elsewhere (`pip install --target DIR`) a `.dist-info` counts if an
    installer left its mark in it; a bare `.egg-info` is a source checkout and does not.
    """
    candidates: set[str] = set()
    for path in tree.entries:
        if path.endswith((".dist-info", ".egg-info", ".egg-link", ".egg/EGG-INFO")):
            candidates.add(path)
        elif path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg/EGG-INFO/PKG-INFO")):
            candidates.add(path.rpartition("/")[0])  # a tree may leave its directories out
    found = []
    for path in sorted(candidates):
        if is_aside(path) or in_package_cache(tree, path):
            continue
        location, _, metadata = path.rpartition("/")
        if metadata == "EGG-INFO":
            location, _, egg = location.rpartition("/")
            metadata = f"{egg}/EGG-INFO"
        site = location.rpartition("/")[2] in SITE_NAMES
        if site or (_INSIDE_A_SITE.search(path) is None and _is_installed(tree, path)):
            found.append(Found(path=path, location=location or "/", metadata=metadata))
    return found


def _is_installed(tree: FileTree, path: str) -> bool:
    marks = ("RECORD", "INSTALLER")
    return path.endswith(".dist-info") and any(f"{path}/{mark}" in tree.entries for mark in marks)
