"""Reading a document of a kind that is not known beforehand."""

from __future__ import annotations

from reprocheck.codec import decode_manifest, decode_receipt
from reprocheck.limits import Limits
from reprocheck.model.manifest import Manifest
from reprocheck.model.verdict import Receipt
from reprocheck.strictjson import loads


def read_any(raw: bytes, *, where: str, limits: Limits) -> Manifest | Receipt:
    """Read a manifest or a receipt; a receipt is the one with `executions`. Raises InputFault."""
    document = loads(raw, where=where, limits=limits)
    if isinstance(document, dict) and "executions" in document:
        return decode_receipt(raw, where=where, limits=limits)
    return decode_manifest(raw, where=where, limits=limits)
