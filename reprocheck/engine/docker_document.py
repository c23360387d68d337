"""Typed access to the engine's JSON: a field of the wrong type reads as absent, never as an exception."""

from __future__ import annotations

from collections.abc import Mapping

Document = Mapping[str, object]

_NOTHING: Document = {}


def mapping(value: object, *keys: str) -> Document:
    """Follow `keys` down nested objects; an empty mapping where one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else _NOTHING


def text(document: Document, key: str) -> str:
    """Return a string field, '' when it is missing."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def texts(document: Document, key: str) -> tuple[str, ...]:
    """Return a list of strings, () when it is missing or null."""
    value = document.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def objects(document: Document, key: str) -> tuple[Document, ...]:
    """Return a list of objects, () when it is missing or null."""
    value = document.get(key)
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def whole(document: Document, key: str) -> int:
    """Return an integer field, 0 when it is missing."""
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def flag(document: Document, key: str) -> bool:
    """Return a boolean field, False when it is missing."""
    return document.get(key) is True


def bare_names(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of lines without `=`, sorted.

    `docker run -e NAME` for a name that is not set takes away what the image declares.
    """
    given = {line.partition("=")[0] for line in lines if "=" in line}
    return tuple(sorted({line for line in lines if line and "=" not in line} - given))


def pairs(lines: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Split `NAME=VALUE` lines, sorted by name; the last of two equal names counts, as in the kernel's list.

    A line without `=` names a variable that has no value; it is left out, because no program sees it.
    """
    variables: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if name and equals:
            variables[name] = value
    return tuple(sorted(variables.items()))
