"""Debian control stanzas (deb-control(5)): a bad one never costs its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.model.base import Frozen

# A line of blanks alone separates as well: a database with CRLF ends would be one stanza otherwise.
_SEPARATOR = re.compile(rb"\n(?:[ \t\r]*+\n)++")

_FIELDS = {
    field.lower().encode("ascii"): field
    for field in (
        "Package",
        "Status",
        "Version",
        "Architecture",
        "Source",
        "Depends",
        "Pre-Depends",
        "Provides",
        "Conflicts",
        "Breaks",
        "Multi-Arch",
    )
}


class Stanza(Frozen, frozen=True, kw_only=True):
    """The fields that we read, and where the stanza stood."""

    fields: dict[str, str]
    start: int
    end: int
    problem: str = ""
    """Why it cannot be trusted, '' for a good one."""


def stanzas(raw: bytes) -> Iterator[Stanza]:
    """Split at blank lines and read each stanza on its own; time is linear in the length of `raw`."""
    start = 0
    end = len(raw)
    # Bounded by searches of a possessive pattern: no byte is looked at twice.
    for match in _SEPARATOR.finditer(raw):
        yield from _one(raw, start, match.start())
        start = match.end()
    yield from _one(raw, start, end)


def _one(raw: bytes, start: int, end: int) -> Iterator[Stanza]:
    block = raw[start:end]
    if block.strip():
        fields, problem = _read(block)
        yield Stanza(fields=fields, start=start, end=end, problem=problem)


def _read(block: bytes) -> tuple[dict[str, str], str]:
    """Return the known fields, and what is wrong ('' if nothing is)."""
    if b"\0" in block:
        return {}, "holds a NUL byte"
    parts: dict[str, list[bytes]] = {}
    current: list[bytes] | None = None
    begun = False
    for line in block.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            if not begun:
                return {}, "starts with a continuation line"
            if current is not None:
                current.append(line)
            continue
        if not line.strip():
            continue
        key, colon, value = line.partition(b":")
        if not colon:
            return {}, "holds a line without a colon"
        begun = True
        current = None
        field = _FIELDS.get(key.lower())
        if field is not None:
            if field in parts:
                return {}, f"holds the field {field} twice"
            current = parts[field] = [value]
    fields: dict[str, str] = {}
    for field, lines in parts.items():
        try:
            fields[field] = " ".join(line.strip().decode("utf-8") for line in lines).strip()
        except UnicodeDecodeError:
            return {}, f"holds a field {field} that is not UTF-8"
        if "\r" in fields[field]:
            return {}, f"holds a field {field} with a carriage return in it"
    return fields, ""
