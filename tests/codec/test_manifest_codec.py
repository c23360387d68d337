"""Reading and writing manifests: strict, stable, and kind to newer minor versions."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.codec import canonical, decode_manifest, encode_manifest, seal
from reprocheck.codec.canonical import digest
from reprocheck.codec.schema import SCHEMAS, schema
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest, Observation, Tool
from tests.strategies import make_manifest, make_pypi, make_run, make_variable, manifests

FAST = settings(deadline=None, max_examples=50)


def document_of(manifest: Manifest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(encode_manifest(seal(manifest)))
    return loaded


def resealed(document: dict[str, Any]) -> bytes:
    """Return the document with digests that fit it, as a newer reprocheck would have written it."""
    content = {key: document[key] for key in ("os", "packages", "libraries")}
    content["pythons"] = [{k: v for k, v in p.items() if k != "active"} for p in document["pythons"]]
    identity = {
        "image": document["image"],
        "environment": [v for v in document["environment"] if v["origin"] == "image"],
    }
    whole = {k: v for k, v in document.items() if k not in ("digests", "source", "observation")}
    document["digests"] = {
        "content": digest(rfc8785.dumps(content)),
        "manifest": digest(rfc8785.dumps(whole)),
    }
    if document["image"] is not None:
        document["digests"]["identity"] = digest(rfc8785.dumps(identity))
    return json.dumps(document).encode()


@FAST
@given(manifests())
def test_decoding_gives_back_what_was_encoded(manifest: Manifest) -> None:
    sealed = seal(manifest)

    assert decode_manifest(encode_manifest(sealed), where="m.json") == sealed


@FAST
@given(manifests())
def test_canonical_bytes_are_those_of_rfc_8785(manifest: Manifest) -> None:
    assert canonical(manifest) == rfc8785.dumps(msgspec.to_builtins(manifest))


@FAST
@given(manifests())
def test_every_manifest_fits_the_published_schema(manifest: Manifest) -> None:
    jsonschema_rs.validator_for(schema("manifest")).validate(document_of(manifest))


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_valid_and_closed(name: str) -> None:
    published = schema(name)

    jsonschema_rs.meta.validate(published)
    assert "unknown_fields" not in json.dumps(published)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(published).validate({"schema_version": "1.0", "surprise": 1})


def test_every_package_has_name_version_and_purl() -> None:
    document = document_of(make_manifest(packages=(make_pypi("numpy", "2.10"),)))

    (package,) = document["packages"]
    assert (package["name"], package["version"]) == ("numpy", "2.10")
    assert package["purl"].startswith("pkg:pypi/numpy@")


def test_the_observation_is_outside_both_digests() -> None:
    a = seal(make_manifest())
    b = seal(
        replace(
            make_manifest(),
            observation=Observation(
                tools=(Tool(name="syft", version="9"),), recorded_at="2026-11-22T00:00:00Z"
            ),
        )
    )

    assert a.digests == b.digests


def test_run_and_host_are_outside_the_content_digest_only() -> None:
    a, b = seal(make_manifest(run=None, host=None)), seal(make_manifest(run=make_run()))

    assert a.digests is not None
    assert b.digests is not None
    assert a.digests.content == b.digests.content
    assert a.digests.manifest != b.digests.manifest


def test_only_what_the_image_declares_counts_as_content() -> None:
    image = make_variable("OMP_NUM_THREADS", "1", origin="image")
    run = make_variable("ATEN_CPU_CAPABILITY", "default", origin="run")
    a, b = seal(make_manifest(environment=(image,))), seal(make_manifest(environment=(image, run)))

    assert a.digests is not None
    assert b.digests is not None
    assert a.digests.content == b.digests.content


def test_a_newer_major_version_is_refused_by_name() -> None:
    document = document_of(make_manifest())
    document["schema_version"] = "2.0"

    with pytest.raises(InputFault, match=r"'2\.0'.*reads 1\.x"):
        decode_manifest(json.dumps(document).encode(), where="m.json")


@pytest.mark.parametrize("version", ["", "1", "one", "1.0.0", "01.x", "1.99999", "-1.0", "1.0 "])
def test_odd_versions_are_refused(version: str) -> None:
    document = document_of(make_manifest())
    document["schema_version"] = version

    with pytest.raises(InputFault, match="schema version"):
        decode_manifest(json.dumps(document).encode(), where="m.json")


def test_fields_of_a_newer_minor_version_survive_a_round_trip() -> None:
    document = document_of(make_manifest(packages=(make_pypi("numpy"), make_pypi("torch"))))
    document["schema_version"] = "1.7"
    document["energy"] = {"joules": 1.5, "source": ["rapl"]}
    document["packages"][1]["signature"] = "x"
    document["source"]["region"] = "north"
    raw = resealed(document)

    manifest = decode_manifest(raw, where="m.json")

    assert json.loads(encode_manifest(manifest)) == json.loads(raw)
    assert decode_manifest(encode_manifest(manifest), where="m.json") == manifest
    assert manifest.digests is not None
    assert seal(manifest).digests.manifest == manifest.digests.manifest  # type: ignore[union-attr]


def test_another_minor_version_may_count_other_fields_as_content() -> None:
    document = document_of(make_manifest())
    document["schema_version"] = "1.7"
    resealed(document)
    document["digests"]["content"] = f"sha256:{'0' * 64}"

    assert decode_manifest(json.dumps(document).encode(), where="m.json").schema_version == "1.7"


def test_an_unknown_field_of_our_own_version_is_an_error_with_its_place() -> None:
    document = document_of(make_manifest(packages=(make_pypi("numpy"),)))
    document["packages"][0]["surprise"] = 1

    with pytest.raises(InputFault, match=r"surprise.*packages\[0\]"):
        decode_manifest(resealed(document), where="m.json")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("packages", 0, "name"), ""),
        (("packages", 0, "type"), "gem"),
        (("packages", 0, "version"), 1),
        (("host", "memory_bytes"), -1),
        (("host", "memory_bytes"), 1.5),
        (("run", "outputs", 0, "sha256"), "ABC"),
        (("run", "network"), "host"),
        (("run", "privileged"), True),
        (("run", "argv"), "python train.py"),
        (("packages",), {}),
        (("unknowns",), None),
    ],
)
def test_values_of_the_wrong_kind_are_refused(path: tuple[Any, ...], value: object) -> None:
    document = document_of(make_manifest(packages=(make_pypi("numpy"),), run=make_run()))
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(InputFault):
        decode_manifest(resealed(document), where="m.json")


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b"{}", b'{"schema_version": 1}', b'{"a": "b"}'])
def test_other_json_is_no_document(raw: bytes) -> None:
    with pytest.raises(InputFault) as caught:
        decode_manifest(raw, where="m.json")

    assert caught.value.code == "E_NOT_A_DOCUMENT"


def test_another_document_of_ours_is_no_manifest() -> None:
    with pytest.raises(InputFault) as caught:
        decode_manifest(b'{"schema_version": "1.0", "verdict": "differs"}', where="d.json")

    assert caught.value.code == "E_NOT_A_MANIFEST"


def test_a_count_over_its_limit_is_refused() -> None:
    sealed = encode_manifest(seal(make_manifest(packages=tuple(make_pypi(f"p{n}") for n in range(6)))))

    with pytest.raises(InputFault, match="6 packages"):
        decode_manifest(sealed, where="m.json", limits=Limits(packages=5))


def test_an_edited_manifest_does_not_fit_its_digest() -> None:
    document = document_of(make_manifest(packages=(make_pypi("numpy", "1.26.4"),)))
    document["packages"][0]["version"] = "1.26.5"

    with pytest.raises(InputFault) as caught:
        decode_manifest(json.dumps(document).encode(), where="m.json")

    assert caught.value.code == "E_DIGEST"


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data: st.DataObject) -> None:
    manifest = seal(make_manifest(packages=(make_pypi("numpy"),), run=make_run()))
    raw = bytearray(encode_manifest(manifest))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))

    try:
        read = decode_manifest(bytes(raw), where="m.json")
    except InputFault:
        return
    # What is outside the digest (source, observation) and white space may differ; nothing else may.
    assert replace(read, source=manifest.source, observation=manifest.observation) == manifest


def test_control_and_bidi_characters_are_escaped_in_the_document() -> None:
    raw = encode_manifest(seal(make_manifest(packages=(make_pypi("a\u202eb\x9b\x1b\u200b"),))))

    assert not set(raw.decode()) & set("\u202e\x9b\x1b\u200b")
    assert decode_manifest(raw, where="m.json").packages[0].name == "a\u202eb\x9b\x1b\u200b"
