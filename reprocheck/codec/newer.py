"""Fields that a newer minor version added: taken out before validation, put back when writing."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable

import msgspec

from reprocheck.codec.canonical import canonical
from reprocheck.model.base import Value
from reprocheck.model.manifest import UnknownField
from reprocheck.strictjson import loads

Path = tuple[str | int, ...]


def split_fields(
    document: dict[str, object], kind: type[Value]
) -> tuple[dict[str, object], tuple[UnknownField, ...]]:
    """Return the document without fields that `kind` does not know, and those fields."""
    found: list[UnknownField] = []
    known = _split(document, kind, (), found)
    assert isinstance(known, dict)
    return known, tuple(found)


def _split(item: object, kind: object, path: Path, found: list[UnknownField]) -> object:
    struct, element = _shape(kind)
    if struct is not None and isinstance(item, dict):
        hints = typing.get_type_hints(struct)
        known: dict[str, object] = {}
        for key, value in item.items():
            if key in hints:
                known[key] = _split(value, hints[key], (*path, key), found)
            else:
                found.append(UnknownField(path=(*path, key), json=canonical(value).decode()))
        return known
    if element is not None and isinstance(item, list):
        return [_split(value, element, (*path, index), found) for index, value in enumerate(item)]
    return item


def _shape(kind: object) -> tuple[type[msgspec.Struct] | None, object | None]:
    """Return (struct type, element type) that JSON of this annotation may hold."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind, None
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return None, arguments[0]
    if origin in (typing.Union, types.UnionType):
        shapes = [_shape(argument) for argument in arguments]
        return next((s for s, _ in shapes if s), None), next((e for _, e in shapes if e is not None), None)
    return None, None


def insert_fields(document: dict[str, object], fields: Iterable[UnknownField]) -> dict[str, object]:
    """Put unknown fields back where they stood. A path that no longer exists is left out."""
    for field in fields:
        place: object = document
        for step in field.path[:-1]:
            if isinstance(place, dict) and isinstance(step, str):
                place = place.get(step)
            elif isinstance(place, (list, tuple)) and isinstance(step, int) and step < len(place):
                place = place[step]
            else:
                place = None
        if isinstance(place, dict):
            place[str(field.path[-1])] = loads(field.json.encode(), where="an unknown field")
    return document
