"""Documents of stored images: whatever the bytes, a value or one of our errors."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.oci_manifests import (
    machine_platform,
    parse_configuration,
    parse_index,
    parse_manifest,
    parse_saved,
)
from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT
from tests.engine.stored_images import Layout, configuration, digest

LAYOUT = Layout()
LAYOUT.index(LAYOUT.image(b"", name="v1"))
MANIFEST = next(raw for raw in LAYOUT.files.values() if b'"schemaVersion": 2, "mediaType"' in raw)
DOCUMENTS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "index": (
        LAYOUT.files["index.json"],
        lambda raw: parse_index(raw, media_type="", where="it", limits=DEFAULT),
    ),
    "manifest": (MANIFEST, lambda raw: parse_manifest(raw, media_type="", where="it", limits=DEFAULT)),
    "config": (
        configuration([b""]),
        lambda raw: parse_configuration(raw, where="it", limits=DEFAULT),
    ),
    "saved": (
        b'[{"Config": "c.json", "RepoTags": null, "Layers": ["a"]}]',
        lambda raw: parse_saved(raw, where="it", limits=DEFAULT),
    ),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_right_documents_are_read(kind: str) -> None:
    raw, parse = DOCUMENTS[kind]
    assert parse(raw)


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(value=VALUES, data=st.data())
@settings(max_examples=50)
def test_any_value_in_any_place_is_read_or_refused(kind: str, value: object, data: st.DataObject) -> None:
    raw, parse = DOCUMENTS[kind]
    document = json.loads(raw)
    inside = document
    while isinstance(inside, dict | list) and inside:
        keys = sorted(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(inside[key], dict | list):
            inside[key] = value
            break
        inside = inside[key]
    try:
        parse(json.dumps(document).encode())
    except InputFault as error:
        assert error.code in ("E_IMAGE_DOCUMENT", "E_JSON")  # noqa: PT017


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(raw=st.binary(max_size=60))
@settings(max_examples=50)
def test_any_bytes_are_read_or_refused(kind: str, raw: bytes) -> None:
    with pytest.raises(InputFault):
        DOCUMENTS[kind][1](raw + b"\xff")


def test_a_nesting_that_recursion_would_not_survive_is_refused() -> None:
    for _, parse in DOCUMENTS.values():
        with pytest.raises(InputFault):
            parse(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("aarch64", "linux/arm64"),
        ("armv7l", "linux/arm"),
        ("s390x", "linux/s390x"),
    ],
)
def test_machines_are_named_as_images_name_them(
    machine: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert machine_platform() == expected


def test_the_last_of_two_equal_variables_counts_and_one_without_a_value_is_left_out() -> None:
    raw = configuration([b"x"], config={"Env": ["A=1", "B", "A=2=3"]})
    found = parse_configuration(raw, where="it", limits=DEFAULT)
    assert found.environment == (("A", "2=3"),)
    assert found.image.diff_ids == (digest(b"x"),)
    assert found.image.command == ()
