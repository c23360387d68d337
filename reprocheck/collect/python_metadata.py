"""Core metadata (METADATA, PKG-INFO): the header block, read from bytes.

The specification writes it as an e-mail header. The standard library's reader takes a lone carriage return
for a line end, so that one line can pose as two; here lines end at `\\n` only. It stops where that reader
stops: at the first line that is no header.
"""

from __future__ import annotations

import re

from reprocheck.collect.python_links import changelog_of
from reprocheck.collect.secrets import redact_text
from reprocheck.model.base import Frozen

_KEY = re.compile(rb"[!-9;-~]+")  # RFC 5322 field name
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")  # PyPA: name format
_VERSION = re.compile(r"[!-~]{1,256}")
_SINGLE = {b"name": "Name", b"version": "Version", b"requires-python": "Requires-Python"}
_MANY = {b"requires-dist": "Requires-Dist", b"provides-extra": "Provides-Extra"}
_LINKS = {b"project-url": "Project-URL", b"home-page": "Home-page"}
"""Told and not needed: what is wrong with them is no problem."""


class Metadata(Frozen, frozen=True, kw_only=True):
    """The fields that we use, each '' or () when absent or not valid."""

    name: str = ""
    version: str = ""
    requires_python: str = ""
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    changelog: str = ""
    """Where changes are told (`python_links`)."""
    problems: tuple[str, ...] = ()
    """What was wrong, each as a clause about the file."""


def parse_metadata(raw: bytes) -> Metadata:
    """Read one header block. Never raises; what is doubtful stands in `problems`."""
    found: dict[str, list[str]] = {}
    problems: list[str] = []
    for key, value in _headers(raw, problems):
        if key in _LINKS:
            found.setdefault(_LINKS[key], []).append(value.decode("utf-8", "replace"))
            continue
        field = _SINGLE.get(key) or _MANY.get(key)
        if field is None:
            continue
        if b"\r" in value or b"\0" in value:
            problems.append(f"has a control character in {field}")
            continue
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            problems.append(f"has a {field} that is not UTF-8")
            continue
        found.setdefault(field, []).append(text)
    for field in _SINGLE.values():
        if len(found.get(field, ())) > 1:
            problems.append(f"has {field} {len(found[field])} times; the first one was taken")
    name, version = (found.get(field, [""])[0] for field in ("Name", "Version"))
    if not NAME.fullmatch(name):
        problems.append(f"has no valid Name ({name[:60]!r})" if name else "has no Name")
        name = ""
    if not _VERSION.fullmatch(version):
        problems.append(f"has no valid Version ({version[:60]!r})" if version else "has no Version")
        version = ""
    return Metadata(
        name=name,
        version=version,
        requires_python=found.get("Requires-Python", [""])[0],
        requires=tuple(map(_without_credentials, found.get("Requires-Dist", ()))),
        extras=tuple(found.get("Provides-Extra", ())),
        changelog=changelog_of(found.get("Project-URL", ()), found.get("Home-page", [""])[0]),
        problems=tuple(problems),
    )


def _headers(raw: bytes, problems: list[str]) -> list[tuple[bytes, bytes]]:
    """Return lower-case keys and unfolded values, in order."""
    headers: list[tuple[bytes, list[bytes]]] = []
    for number, line in enumerate(_header_lines(raw), 1):
        if line[:1] in (b" ", b"\t"):
            if not headers:
                problems.append("starts with a continuation line")
                break
            headers[-1][1].append(line.strip(b" \t"))
            continue
        key, colon, value = line.partition(b":")
        if not colon or not _KEY.fullmatch(key):
            problems.append(f"has no header in line {number}; what follows was not read")
            break
        headers.append((key.lower(), [value.strip(b" \t")]))
    return [(key, b" ".join(parts)) for key, parts in headers]


def _header_lines(raw: bytes) -> list[bytes]:
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    lines: list[bytes] = []
    while start < len(raw):
        end = raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        line = raw[start:end].removesuffix(b"\r")
        if not line:
            break
        lines.append(line)
        start = end + 1
    return lines


def _without_credentials(line: str) -> str:
    """A requirement may be a URL (PEP 508), and a URL may hold a password."""
    return redact_text(line) if "://" in line else line


def requires_of_egg(raw: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read setuptools' requires.txt: requirements as Requires-Dist would write them, and the extras.

    A section `[extra:marker]` becomes `; (marker) and extra == "extra"`.
    """
    requires: list[str] = []
    extras: list[str] = []
    tail = ""
    for line in raw.decode("utf-8", "replace").split("\n"):
        item = line.strip()
        if not item or item.startswith("#"):
            continue
        if item.startswith("[") and item.endswith("]"):
            extra, _, marker = item[1:-1].partition(":")
            if extra and extra not in extras:
                extras.append(extra)
            clause = f'extra == "{extra}"' if extra else ""
            both = " and ".join(
                part for part in (f"({marker})" if marker and extra else marker, clause) if part
            )
            tail = f"; {both}" if both else ""
            continue
        # A direct reference needs a blank before its marker (PEP 508).
        requires.append(_without_credentials(f"{item}{' ' if tail and '@' in item else ''}{tail}"))
    return tuple(requires), tuple(extras)
