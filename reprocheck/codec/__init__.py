"""Bytes to model and back: strict reading, canonical bytes, digests, published schemas."""

from reprocheck.codec.canonical import canonical, digest
from reprocheck.codec.documents import decode_receipt, encode
from reprocheck.codec.manifest import decode_manifest, encode_manifest, seal

__all__ = [
    "canonical",
    "decode_manifest",
    "decode_receipt",
    "digest",
    "encode",
    "encode_manifest",
    "seal",
]
