"""Files that no package lists, in the directories where only packages put files.

Judged are the site directories of every environment, and /usr/{bin,lib,...} where dpkg or apk lists what
belongs there. /usr/local and /opt are for what has no package, so nothing there is unowned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from reprocheck.collect.file_lists_python import is_bytecode
from reprocheck.collect.python_sites import SITE_NAMES
from reprocheck.model.filetree import Entry, FileTree
from reprocheck.model.package import PythonEnvironment

_SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_MARKS = re.compile(
    r".*\.(?:dist|egg)-info/(?:INSTALLER|REQUESTED|RECORD(?:\.jws|\.p7s)?|direct_url\.json|uv_(?:cache|build)\.json)"
)
"""What installers write without listing it."""
_AT_THE_TOP = frozenset(
    {"README", "README.txt", "_virtualenv.py", "_virtualenv.pth", "easy-install.pth", "setuptools.pth"}
)
"""Of CPython's own installation, virtualenv and `setup.py develop`; what .pth files do stands with the
environment."""
_GENERATED = re.compile(
    r"(?:/usr)?/(?:"
    r"lib(?:64)?/(?:[^/]+/)?(?:gconv/gconv-modules\.cache|gio/modules/giomodule\.cache"
    r"|gdk-pixbuf-2\.0/[^/]+/loaders\.cache|gtk-[0-9.]+/[^/]+/immodules\.cache)"
    r"|lib/locale/locale-archive|lib/udev/hwdb\.bin|lib/apk/.*|lib/sysimage/.*|lib/jvm/.*\.jsa)"
)
"""Caches and databases that maintainer scripts and triggers write."""


def unowned_files(
    tree: FileTree,
    pythons: tuple[PythonEnvironment, ...],
    *,
    is_owned: Callable[[str], bool],
    unjudged: AbstractSet[str],
    beyond: tuple[str, ...],
    system: bool,
) -> Iterator[str]:
    """Give the paths of the files that nothing lists; `system` also judges the directories of the OS.

    `unjudged` is `Lists.unjudged`, `beyond` are beginnings of paths that are not judged either.
    """
    for root, site in _roots(tree, pythons, system=system):
        for entry in tree.under(root):
            path = entry.path
            if entry.kind not in ("file", "link") or is_owned(path) or path.startswith(beyond):
                continue
            if _counts(tree, entry, root, site=site) and not (unjudged and _may_belong(path, unjudged)):
                yield path


def _may_belong(path: str, unjudged: AbstractSet[str]) -> bool:
    """Look up every directory above a path, so that many packages cost no more than few."""
    while path:
        parent, _, name = path.rpartition("/")
        if path in unjudged or f"{parent}/{name.partition('.')[0]}." in unjudged:
            return True
        path = parent
    return False


def _roots(
    tree: FileTree, pythons: tuple[PythonEnvironment, ...], *, system: bool
) -> Iterator[tuple[str, bool]]:
    """(real directory, whether it is a site directory); none lies in another but sites in system ones."""
    found: dict[str, bool] = {}
    for python in pythons:
        for place in python.search_path:
            entry = tree.resolve(place) if place.rpartition("/")[2] in SITE_NAMES else None
            if entry is not None and entry.kind == "directory":
                found[entry.path] = True
    if system:
        for place in (*_SYSTEM, *(f"/usr{name}" for name in _SYSTEM)):
            entry = tree.resolve(place)
            if entry is not None and entry.kind == "directory":
                found.setdefault(entry.path, False)
    yield from sorted(found.items())


def _counts(tree: FileTree, entry: Entry, root: str, *, site: bool) -> bool:
    path = entry.path
    if is_bytecode(path) or _MARKS.fullmatch(path):
        return False
    if not site:
        # A link in a system directory is an alternative or a maintainer script's work; it has no content.
        return entry.kind == "file" and _GENERATED.fullmatch(path) is None
    if path[len(root) + 1 :] in _AT_THE_TOP:
        return False
    target = tree.resolve(path)
    return target is not None and target.kind == "file"
