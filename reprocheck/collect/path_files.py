"""`.pth` files: what site.py would add to a search path, and whether it would execute something.

Read as `site.addpackage` and `site.addsitedir` do (CPython 2.7 to 3.14); nothing is executed.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from reprocheck.collect.python_sites import in_package_cache, in_site, is_aside
from reprocheck.collect.reading import read, unknown
from reprocheck.collect.secrets import redact_text
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import Entry, FileTree, portable
from reprocheck.model.package import PathFile
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_LONGEST_PATH = 4096
# gh-113659: since then names that begin with a dot are passed over.
_SKIPS_HIDDEN = {(3, 8): 19, (3, 9): 19, (3, 10): 14, (3, 11): 8, (3, 12): 2}


def is_path_file(path: str) -> bool:
    """Whether site.py may read this file: a `.pth` elsewhere is likelier to be a model's weights."""
    return path.endswith(".pth") and in_site(path)


class Reading(Frozen, frozen=True, kw_only=True):
    """How one version of site.py reads a `.pth` file."""

    skips_hidden: bool = True
    unicode_lines: bool = True
    """Since 3.13 a byte order mark is dropped, and lines end where `str.splitlines` ends them."""

    @classmethod
    def of_version(cls, version: str) -> Reading:
        """Choose by `3.11.7`; where the last part is not known, the newest release of the series counts."""
        parts = [int(part) for part in version.split(".")[:3] if part.isdigit()]
        if len(parts) < 2:
            return cls()
        series = (parts[0], parts[1])
        since = _SKIPS_HIDDEN.get(series, 0 if series >= (3, 13) else None)
        patched = since is not None and (len(parts) < 3 or parts[2] >= since)
        return cls(skips_hidden=patched, unicode_lines=series >= (3, 13))

    def lines(self, raw: bytes) -> tuple[tuple[str, ...], bool]:
        """Return the lines that name a path, and whether another one is executed."""
        if self.unicode_lines and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        # Through any one locale the bytes of a path come back as they were, so undecodable ones may stay.
        text = raw.decode("utf-8", "surrogateescape")
        rows: Iterable[str] = text.splitlines() if self.unicode_lines else io.StringIO(text, newline=None)
        named, executes = [], False
        for row in rows:
            if row.startswith("#") or not row.strip():
                continue
            if row.startswith(("import ", "import\t")):
                executes = True
            else:
                named.append(row.rstrip())
        return tuple(named), executes


@dataclass(slots=True)
class SearchPath:
    """A search path that grows as site.py makes it grow."""

    view: ContainerView
    limits: Limits
    unknowns: list[Unknown]
    spent: list[int]
    """Lines read so far for all environments together, in one cell: many of them can share one file."""
    places: dict[str, None] = field(default_factory=dict)
    files: dict[str, PathFile] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    """What is on `sys.path` before site.py starts: the standard library."""

    def add_site(self, directory: str, reading: Reading) -> None:
        """Do what `site.addsitedir` does: the directory, then what its `.pth` files name, in sorted order."""
        entry = self.view.tree.resolve(directory)
        if entry is None or entry.kind != "directory":
            return
        self._add(entry)
        for label in self.view.tree.names(entry.path):
            path = f"{entry.path.rstrip('/')}/{label}"
            if not label.endswith(".pth") or (reading.skips_hidden and label.startswith(".")):
                continue
            if portable(path) not in self.files and (one := self._read(path, directory, reading)):
                self.files[portable(path)] = one

    def found(self, directories: Iterable[str]) -> frozenset[str]:
        """Return these directories as they stand on the path: links resolved."""
        entries = (self.view.tree.resolve(directory) for directory in directories)
        return frozenset(portable(entry.path) for entry in entries if entry is not None)

    def _read(self, path: str, site: str, reading: Reading) -> PathFile | None:
        if not is_path_file(path):
            reason = "is in a site directory that a link gives another name; it was not read"
            self.unknowns.append(unknown("pythons", path, reason))
            return None
        raw = read(self.view, path, self.limits.metadata_file, "pythons")
        if isinstance(raw, Unknown):
            self.unknowns.append(raw)
            return None
        named, executes = reading.lines(raw)
        self.spent[0] += len(named)
        if self.spent[0] > self.limits.packages:
            reason = f"comes after the limit of {self.limits.packages} lines of .pth files (--limit-scale)"
            self.unknowns.append(unknown("pythons", path, reason))
            return PathFile(path=portable(path), executes=executes)
        adds, missing = [], []
        for line in named:
            target = _target(self.view.tree, site, line)
            if target is None:
                missing.append(_shown(line))
            elif self._add(target):
                adds.append(portable(target.path))
        return PathFile(path=portable(path), adds=tuple(adds), missing=tuple(missing), executes=executes)

    def _add(self, entry: Entry) -> bool:
        place = portable(entry.path)
        if place in self.places or entry.path in self.known:
            return False
        self.places[place] = None
        return True


def added_in(view: ContainerView, limits: Limits, unknowns: list[Unknown]) -> frozenset[str]:
    """Return what the `.pth` files of all site directories add, links resolved, whoever reads them."""
    found: set[str] = set()
    spent = 0
    reading = Reading(skips_hidden=False)
    for path in sorted(path for path in view.tree.entries if path.endswith(".pth") and in_site(path)):
        if is_aside(path) or in_package_cache(view.tree, path):
            continue
        raw = read(view, path, limits.metadata_file, "pythons")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            continue
        named, _ = reading.lines(raw)
        spent += len(named)
        if spent > limits.packages:
            reason = f"comes after the limit of {limits.packages} lines of .pth files (--limit-scale)"
            unknowns.append(unknown("pythons", path, reason))
            break
        targets = (_target(view.tree, posixpath.dirname(path), line) for line in named)
        found.update(target.path for target in targets if target is not None)
    return frozenset(found)


def _target(tree: FileTree, site: str, line: str) -> Entry | None:
    """`site.makepath` tidies the text before it asks the disk, so `link/..` is where the link lies."""
    if len(line) > _LONGEST_PATH or "\0" in line:
        return None
    return tree.resolve(posixpath.normpath(posixpath.join(site, line)))


def _shown(line: str) -> str:
    if len(line) > _LONGEST_PATH:
        return f"{portable(redact_text(line[:200]))}... ({len(line)} characters)"
    return portable(redact_text(line))
