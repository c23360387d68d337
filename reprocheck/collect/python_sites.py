"""Which directories hold installed Python distributions, told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from reprocheck.model.base import Frozen
from reprocheck.model.filetree import FileTree

SITE_NAMES = ("site-packages", "dist-packages")

VENDORED = ("/_vendor/", "/_bundled/")
"""Directories in which a distribution carries copies of others: pip, setuptools, pkg_resources, ensurepip.

Nothing imports such a copy under its own name. `vendor` and other names count as vendored below a site
directory only, because whatever lies there beyond its first level is somebody's content, not installed:
`pip install --target vendor` is how a function for a cloud is packed, and that is installed.
"""

_CACHE = "/.cache/"
# Poetry, pre-commit and uv keep whole environments in the cache; the rest of it is copies.
_IN_AN_ENVIRONMENT = re.compile(
    r"/(?:bin/[^/]+|pyvenv\.cfg|include/[^/]+/patchlevel\.h|lib(?:64)?/(?:python|pypy)[23]\.[0-9]+t?/.*)\Z",
    re.DOTALL,
)
_INSIDE_A_SITE = re.compile(r"/(?:site|dist)-packages/")


def is_aside(path: str) -> bool:
    """Whether the path lies in a vendored copy, or in a cache and there in no environment."""
    if any(mark in path for mark in VENDORED):
        return True
    _, cache, rest = path.partition(_CACHE)
    return bool(cache) and _IN_AN_ENVIRONMENT.search(f"/{rest}") is None


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


def in_site(path: str) -> bool:
    """Whether the path names something directly in a site directory."""
    return path.rpartition("/")[0].rpartition("/")[2] in SITE_NAMES


class Found(Frozen, frozen=True, kw_only=True):
    """One metadata directory or file."""

    path: str
    location: str
    """The directory (or zipped egg) that an import would search."""
    metadata: str
    """What lies in it, e.g. `numpy-2.1.0.dist-info`."""


def metadata_in(tree: FileTree, added: AbstractSet[str] = frozenset()) -> list[Found]:
    """Every metadata directory and file of an installed distribution, sorted by path.

    In a site directory, and in one of those that `.pth` files have `added`, all of them count. Elsewhere
    (`pip install --target DIR`) metadata counts if an installer left its mark in it; a bare `.egg-info` is a
    source checkout and does not.
    """
    candidates: set[str] = set()
    for path in tree.entries:
        if path.endswith((".dist-info", ".egg-info", ".egg-link", ".egg", ".egg/EGG-INFO")):
            candidates.add(path)
        elif path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg/EGG-INFO/PKG-INFO")):
            candidates.add(path.rpartition("/")[0])  # a tree may leave its directories out
    found = []
    for path in sorted(candidates):
        if is_aside(path) or in_package_cache(tree, path):
            continue
        location, _, metadata = path.rpartition("/")
        if metadata.endswith(".egg"):
            entry = tree.resolve(path)
            if entry is None or entry.kind != "file":
                continue  # a directory: what counts is its EGG-INFO
            location, metadata = path, "EGG-INFO"
        whole = location.rpartition("/")[2] if metadata != "EGG-INFO" else location.split("/")[-2]
        site = whole in SITE_NAMES or (location or "/") in added
        if site or (_INSIDE_A_SITE.search(path) is None and _is_installed(tree, path)):
            found.append(Found(path=path, location=location or "/", metadata=metadata))
    return found


def _is_installed(tree: FileTree, path: str) -> bool:
    marks = {".dist-info": ("RECORD", "INSTALLER"), ".egg-info": ("installed-files.txt",)}
    return any(f"{path}/{mark}" in tree.entries for mark in marks.get(f".{path.rpartition('.')[2]}", ()))
