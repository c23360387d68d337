"""Files of Python distributions: RECORD (path, hash, size) and pip's older installed-files.txt.

Core metadata: "Recording installed projects" (packaging.python.org); hashes are `sha256=` and URL-safe base64
without padding. PEP 627 lets an installer leave RECORD out.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import posixpath
import re
from collections.abc import Iterator

from reprocheck.collect.file_lists import Listed, Lists
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import Limits
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_TOP_LEVEL = "/top_level.txt"
_INSTALLED = ".egg-info/installed-files.txt"


def wants(path: str) -> bool:
    """What tells the files of a distribution without RECORD; RECORD itself is read in any case."""
    return path.endswith((_INSTALLED, ".egg-info/top_level.txt", ".dist-info/top_level.txt"))


def python_files(
    view: ContainerView, packages: tuple[Package, ...], limits: Limits, lists: Lists
) -> Iterator[Listed]:
    """Give every file of every Python distribution, each distribution once."""
    seen: set[str] = set()
    for package in packages:
        python = package.python
        if python is None:
            continue
        metadata = f"{python.location.rstrip('/')}/{python.metadata}"
        if metadata in seen:
            continue
        seen.add(metadata)
        owner = package.owner or package.purl
        if python.has_record:
            # Debian moves files after RECORD was written; its own list is the one that counts.
            inner = owner != package.purl or package.conda is not None
            for row in _record(view, f"{metadata}/RECORD", owner, python.location, limits, lists):
                yield row._replace(optional=row.optional or inner)
        elif metadata.endswith(".egg-info") and view.tree.exists(f"{metadata}/installed-files.txt"):
            yield from _installed(view, metadata, owner, limits, lists)
        elif not package.owner and package.conda is None:
            lists.without.add(package.purl)
            lists.unjudged.update(_prefixes(view, package.name, python.location, metadata, limits))


def _record(
    view: ContainerView, path: str, owner: str, location: str, limits: Limits, lists: Lists
) -> Iterator[Listed]:
    raw = read(view, path, limits.record_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return
    text = raw.decode("utf-8", "surrogateescape")
    bad = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if not row or not row[0] or "\0" in row[0]:
                continue
            algorithm, digest = "", ""
            if len(row) > 1 and row[1]:
                algorithm, _, encoded = row[1].partition("=")
                digest = _hexadecimal(encoded) if algorithm == "sha256" else ""
                bad += algorithm == "sha256" and not digest
            listed = lists.places(posixpath.join(location, row[0]))
            yield Listed(listed, owner, "sha256" if digest else "", digest, optional=is_bytecode(listed))
    except csv.Error as error:
        lists.unknowns.append(unknown("integrity", path, f"is not a table of paths and hashes ({error})"))
    if bad:
        lists.unknowns.append(unknown("integrity", path, f"has {bad} hashes that are no SHA-256"))


def _hexadecimal(encoded: str) -> str:
    """Hexadecimal digits of 43 characters of URL-safe base64 (some tools pad them), '' for anything else."""
    try:
        raw = base64.b64decode(encoded.rstrip("=") + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else ""


def _installed(
    view: ContainerView, metadata: str, owner: str, limits: Limits, lists: Lists
) -> Iterator[Listed]:
    """Read pip's installed-files.txt, whose paths start at the .egg-info directory and have no digests."""
    raw = read(view, f"{metadata}/installed-files.txt", limits.record_file, "integrity")
    if isinstance(raw, Unknown):
        lists.unknowns.append(raw)
        return
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        if line.strip() and "\0" not in line:
            path = lists.places(posixpath.join(metadata, line.strip("\r")))
            if not path.endswith("/."):
                yield Listed(path, owner, optional=is_bytecode(path))


def is_bytecode(path: str) -> bool:
    """Whether the interpreter makes this file again from its source when it is missing."""
    return "/__pycache__/" in path and path.endswith((".pyc", ".pyo"))


def _prefixes(view: ContainerView, name: str, location: str, metadata: str, limits: Limits) -> Iterator[str]:
    """What a distribution without a list may own: `DIR/NAME` for that path and all below it, `DIR/NAME.` for
    modules of that name whatever their suffix."""
    base = location.rstrip("/")
    egg, mark, _ = metadata.partition(".egg/")
    if mark:
        yield f"{egg}.egg"
        return
    yield metadata
    tops = {re.sub(r"[-.]+", "_", name), re.sub(r"[-_.]+", "_", name).lower()}
    if view.tree.exists(metadata + _TOP_LEVEL):
        raw = read(view, metadata + _TOP_LEVEL, limits.metadata_file, "integrity")
        if not isinstance(raw, Unknown):
            tops = {line.strip() for line in raw.decode("utf-8", "surrogateescape").split("\n")}
    for top in sorted(tops):
        if top and top not in (".", ".."):
            yield f"{base}/{top}"
            yield f"{base}/{top}."
