"""Values that never leave this machine, as JSON and back: frozen dataclasses that hold our values."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode_plain(value: object) -> bytes | None:
    """Return the JSON bytes of a value; None for one that JSON cannot hold and give back the same."""
    try:
        raw = msgspec.json.encode(value)
        same = msgspec.json.decode(raw, type=type(value), strict=True) == value
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return raw if same else None


def decode_plain(raw: bytes, kind: type[T]) -> T | None:
    """Return the value of a type that `encode_plain` wrote; None when it is no such value."""
    try:
        return msgspec.json.decode(raw, type=kind, strict=True)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
