"""Digests are made of sections that are written once each: the bytes are those of the whole document."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.codec import decode_manifest, encode_manifest, seal
from reprocheck.codec.canonical import digest
from reprocheck.codec.manifest import _DEEPEST
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.manifest import Manifest
from tests.strategies import make_manifest, make_pypi, manifests

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


@FAST
@given(manifests())
def test_what_we_wrote_and_the_same_written_otherwise_are_one_manifest(manifest: Manifest) -> None:
    """Our own bytes are read on a shorter way; the answer is the same."""
    raw = encode_manifest(seal(manifest))
    otherwise = json.dumps(json.loads(raw), indent=None).encode()
    assert decode_manifest(raw, where="m.json") == decode_manifest(otherwise, where="m.json")


def code_of(raw: bytes, limits: Limits) -> str:
    with pytest.raises(InputFault) as caught:
        decode_manifest(raw, where="m.json", limits=limits)
    return caught.value.code


def test_limits_hold_for_our_own_bytes_too() -> None:
    raw = encode_manifest(seal(make_manifest(packages=(make_pypi("x", "9" * 300),))))
    assert code_of(raw, Limits(manifest_bytes=100)) == "E_TOO_LARGE"
    assert code_of(raw, Limits(json_string=311)) == "E_JSON"
    assert code_of(raw, Limits(json_depth=2)) == "E_JSON"
    assert code_of(raw, Limits(packages=0)) == "E_TOO_LARGE"
    assert decode_manifest(raw, where="m.json", limits=Limits(json_string=312)).packages


@pytest.mark.parametrize("count", [2**53, -(2**53), 2**70])
def test_integers_that_not_every_reader_holds_are_refused_in_our_own_bytes_too(count: int) -> None:
    raw = encode_manifest(seal(make_manifest(packages=(make_pypi("x", files=count),))))
    assert str(count).encode() in raw
    assert code_of(raw, Limits()) == "E_JSON"


def test_a_manifest_that_was_edited_does_not_fit_its_digest() -> None:
    raw = encode_manifest(seal(make_manifest()))
    assert code_of(raw.replace(b'"numpy"', b'"numpi"'), Limits()) == "E_DIGEST"


def test_a_key_that_stands_twice_is_refused() -> None:
    raw = encode_manifest(seal(make_manifest()))
    assert code_of(raw.replace(b'"os": {', b'"os": null, "os": {', 1), Limits()) == "E_JSON"


def shapes(kind: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """Yield every type that a value of this type is made of, and how deep it is nested."""
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            if (kind, name) != (Manifest, "unknown_fields"):
                yield from shapes(hint, depth + 1)
    elif origin is tuple:
        assert int not in get_args(kind), "an array of plain integers needs a bound"
        for argument in get_args(kind):
            yield from shapes(argument, depth + 1)
    elif origin in (Union, types.UnionType, Annotated):
        for argument in get_args(kind):
            yield from shapes(argument, depth)
    else:
        yield kind, depth


def test_a_manifest_is_never_nested_as_deep_as_the_short_way_takes_for_granted() -> None:
    assert max(depth for _, depth in shapes(Manifest)) < _DEEPEST
