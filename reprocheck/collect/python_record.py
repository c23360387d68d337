"""RECORD: which files a wheel installed, and the hash of each."""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import re

from reprocheck.collect.elf_names import is_shared
from reprocheck.model.base import Frozen

# What the installer writes itself differs from machine to machine while the wheel is the same: its own marks,
# and scripts, whose first line names the interpreter.
_MARKS = ("/INSTALLER", "/REQUESTED", "/direct_url.json", "/RECORD")
_SCRIPT = re.compile(r"(?:(?:\.\./)+(?:[^/]+/)*|/.*/)(?:bin|Scripts)/[^/]+")


class Record(Frozen, frozen=True, kw_only=True):
    """A RECORD, boiled down."""

    files: int = 0
    """Rows."""
    sha256: str = ""
    """SHA-256 over the sorted lines `path,hash` of the wheel's own rows; '' if none has a hash."""
    libraries: tuple[str, ...] = ()
    """Shared objects among the paths, relative to the directory that holds the metadata."""
    problem: str = ""


def parse_record(raw: bytes) -> Record:
    """Read a RECORD (CSV of path, hash, size). Never raises; what fails stands in `problem`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return Record(problem=f"is not UTF-8 (byte {error.start})")
    files = 0
    hashed: list[str] = []
    libraries: list[str] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if not row:
                continue
            files += 1
            path = row[0]
            if ".so" in path and (path.endswith(".so") or is_shared(posixpath.basename(path))):
                libraries.append(path)
            if len(row) > 1 and row[1] and not _volatile(path):
                hashed.append(f"{path},{row[1]}\n")
    except csv.Error as error:
        return Record(problem=f"is not a table of paths and hashes (row {files + 1}: {error})")
    hashed.sort()
    digest = hashlib.sha256("".join(hashed).encode("utf-8")).hexdigest() if hashed else ""
    return Record(files=files, sha256=digest, libraries=tuple(sorted(libraries)))


def _volatile(path: str) -> bool:
    if path.endswith(_MARKS) and posixpath.dirname(path).endswith(".dist-info"):
        return True
    return path.startswith(("../", "/")) and _SCRIPT.fullmatch(path) is not None
