"""Which C library the tree runs on: the package's word first, then the files."""

from __future__ import annotations

import re

from reprocheck.collect.reading import read, unknown
from reprocheck.limits import MIB
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_LIMIT = 16 * MIB
_DIRECTORIES = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
_FILE_NAME = re.compile(r"libc-(2\.[0-9]{1,4})\.so")
_BANNER = re.compile(rb"GNU C Library [^\n\x00]{0,200}?release version ([0-9]{1,3}\.[0-9]{1,4})")
_UPSTREAM = re.compile(r"(?:[0-9]+:)?([0-9]+(?:\.[0-9]+)*)")


def wants(path: str) -> bool:
    """Read for the banner that `libc.so.6` prints when it is started as a program."""
    return path.endswith("/libc.so.6")


def libc_of(view: ContainerView, packages: tuple[Package, ...]) -> str | Unknown:
    """Return `glibc 2.36`, `musl 1.2.4`, or '' when the tree has no C library."""
    for kind, package, label in (
        ("deb", "libc6", "glibc"),
        ("rpm", "glibc", "glibc"),
        ("apk", "musl", "musl"),
    ):
        for item in packages:
            if item.type == kind and item.name == package and (match := _UPSTREAM.match(item.version)):
                return f"{label} {match[1]}"
    tree = view.tree
    candidates: list[str] = []
    for directory in _DIRECTORIES:
        found = tree.resolve(directory)
        if found is None:
            continue
        names = tree.names(found.path)
        if any(entry.startswith("ld-musl-") for entry in names):
            return "musl"
        candidates.append(f"{found.path}/libc.so.6")
        candidates += [f"{found.path}/{entry}/libc.so.6" for entry in names if "-linux-" in entry]
    failure = ""
    for path in candidates:
        entry = tree.resolve(path)
        if entry is None:
            continue
        if match := _FILE_NAME.fullmatch(entry.path.rpartition("/")[2]):
            return f"glibc {match[1]}"
        raw = read(view, path, _LIMIT, "os")
        if not isinstance(raw, Unknown) and (banner := _BANNER.search(raw)):
            return f"glibc {banner[1].decode('ascii')}"
        failure = path
    return unknown("os", failure, "does not tell the version of the C library") if failure else ""
