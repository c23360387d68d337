"""Digests are made of sections that are written once each: the bytes are those of the whole document."""

from __future__ import annotations

import json
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.codec import decode_manifest, encode_manifest, seal
from reprocheck.codec.canonical import digest
from reprocheck.model.manifest import Manifest
from tests.strategies import make_manifest, manifests

FAST = settings(deadline=None, max_examples=50)
_KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)


def whole_of(document: dict[str, Any]) -> str:
    covered = {k: v for k, v in document.items() if k not in ("digests", "source", "observation")}
    return digest(rfc8785.dumps(covered))


@FAST
@given(manifests())
def test_the_digest_of_a_sealed_manifest_is_that_of_its_whole_document(manifest: Manifest) -> None:
    document = json.loads(encode_manifest(seal(manifest)))
    assert document["digests"]["manifest"] == whole_of(document)


@FAST
@given(st.dictionaries(_KEYS, st.integers(-9, 9) | st.text(max_size=3) | st.lists(st.booleans(), max_size=2)))
def test_fields_of_a_newer_minor_version_count_in_the_order_of_rfc_8785(fields: dict[str, Any]) -> None:
    """Keys are ordered by UTF-16 code units: U+FFxx comes behind what lies beyond the basic plane."""
    document = json.loads(encode_manifest(seal(make_manifest())))
    document |= {f"x{key}": value for key, value in fields.items()} | {"x\uff00": 1, "x\U00010000": 2}
    document["schema_version"] = "1.99"
    document["digests"]["manifest"] = whole_of(document)
    manifest = decode_manifest(json.dumps(document).encode(), where="m.json")
    assert len(manifest.unknown_fields) >= 2
