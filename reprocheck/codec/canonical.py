"""RFC 8785 (JCS) canonical bytes and the digests made of them."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import msgspec
import rfc8785

from reprocheck.model.base import Value


def canonical(value: object) -> bytes:
    """Return the RFC 8785 bytes of a JSON-like object, or of one of our values.

    Raises rfc8785.CanonicalizationError for NaN, integers beyond 2**53-1 and lone surrogates.
    """
    if isinstance(value, Value):
        return canonical_plain(msgspec.to_builtins(value))
    return rfc8785.dumps(cast("Any", value))


def canonical_plain(value: object) -> bytes:
    """Return the RFC 8785 bytes of what our own values become: no floats, no large integers, ASCII keys.

    For these msgspec writes the very bytes of RFC 8785, many times faster; a property test compares the two.
    Raises UnicodeEncodeError for lone surrogates.
    """
    return msgspec.json.encode(value, order="sorted")


def digest(canonical_bytes: bytes) -> str:
    """Return `sha256:<hex>` of canonical bytes."""
    return f"sha256:{hashlib.sha256(canonical_bytes).hexdigest()}"
