"""Hostile and broken documents: an InputFault or a value, never anything else, and linear work."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.errors import InputFault
from reprocheck.foreign import read_foreign, read_lock
from reprocheck.limits import Limits
from tests.foreign.samples import (
    CONDA_LOCK,
    ENVIRONMENT,
    EXPLICIT,
    POETRY_1,
    POETRY_2,
    PYLOCK,
    UV,
    target,
)
from tests.foreign.test_documents import COLLECT_ENV, component, cyclonedx

LOCKS = {
    "uv.lock": UV,
    "poetry.lock": POETRY_2,
    "old/poetry.lock": POETRY_1,
    "pylock.toml": PYLOCK,
    "conda-lock.yml": CONDA_LOCK,
    "environment.yml": ENVIRONMENT,
    "explicit.txt": EXPLICIT,
    "requirements.txt": "a==1 ; python_version > '3' --hash=sha256:00 \\\n\n-e git+https://e.org/x@y#egg=z\n",
}
DOCUMENTS = (
    COLLECT_ENV,
    EXPLICIT,
    "a==1\nb @ https://e.org/b.whl#sha256=00\n-e /x\n",
    json.dumps(cyclonedx(component("pkg:deb/debian/a@1?arch=amd64&distro=debian-12", "a", "1"))),
    json.dumps({"version": "1", "pip_version": "1", "installed": [{"metadata": {"name": "a"}}]}),
    json.dumps({"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "externalRefs": [{}]}]}),
    json.dumps([{"name": "a", "version": "1", "build_string": "0", "channel": "c"}]),
)
_HOSTILE = st.sampled_from(
    b"( [ { \0 \xff \xef\xbb\xbf \r &a *a ' \" --- : = \\ # @ 1e999 \xed\xa0\x80 % ~ <<: !!python/x".split(
        b" "
    )
) | st.sampled_from([b"[" * 200, b"{" * 200, b"\n", b"9" * 5000, b": "])


def check_fault(fault: InputFault) -> None:
    assert fault.code.startswith("E_")
    assert len(fault.message) < 1000


def survives_lock(raw: bytes, name: str) -> None:
    try:
        read_lock(raw, name=name, target=target())
    except InputFault as fault:
        check_fault(fault)


def survives_side(raw: bytes) -> None:
    try:
        manifest = read_foreign(raw, where="x")
    except InputFault as fault:
        check_fault(fault)
    else:
        assert manifest is None or manifest.source.kind == "document"


@st.composite
def mutated(draw: st.DrawFn, texts: tuple[str, ...]) -> bytes:
    """A good document with something cut out, doubled, or put in."""
    raw = draw(st.sampled_from(texts)).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 40)))
        middle = draw(st.one_of(_HOSTILE, st.binary(max_size=6), st.just(raw[start:end] * 2)))
        raw = raw[:start] + middle + raw[end:]
    return raw


@settings(max_examples=50)
@given(mutated(tuple(LOCKS.values())), st.sampled_from([*LOCKS, "unnamed"]))
def test_a_mutated_lock_raises_nothing_but_an_input_fault(raw: bytes, name: str) -> None:
    survives_lock(raw, name)


@settings(max_examples=50)
@given(st.binary(max_size=60), st.sampled_from([*LOCKS, "unnamed"]))
def test_random_bytes_as_a_lock_raise_nothing_but_an_input_fault(raw: bytes, name: str) -> None:
    survives_lock(raw, name)


@settings(max_examples=50)
@given(mutated(DOCUMENTS) | st.binary(max_size=60))
def test_a_mutated_document_raises_nothing_but_an_input_fault(raw: bytes) -> None:
    survives_side(raw)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "1", "pkg:pypi/a@1", "x\n"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "version"]), inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(st.data())
def test_a_member_of_another_type_costs_its_entry_only(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from([text for text in DOCUMENTS if text[0] in "{["])))
    holder = document if isinstance(document, list) else data.draw(st.sampled_from([document]))
    if isinstance(holder, dict):
        key = data.draw(st.sampled_from(sorted(holder)))
        holder[key] = data.draw(_VALUES | st.lists(_VALUES, max_size=3))
    else:
        holder[0] = data.draw(_VALUES)
    survives_side(json.dumps(document).encode())


@pytest.mark.parametrize("name", LOCKS)
def test_each_format_refuses_more_bytes_than_the_limit(name: str) -> None:
    with pytest.raises(InputFault) as caught:
        read_lock(LOCKS[name].encode(), name=name, target=target(), limits=Limits(document_bytes=20))
    assert caught.value.code == "E_TOO_LARGE"


@pytest.mark.parametrize("name", set(LOCKS) - {"environment.yml"})
def test_each_format_refuses_more_packages_than_the_limit(name: str) -> None:
    text = LOCKS[name] if name != "requirements.txt" else "a==1\nb==1\nc==1\n"
    with pytest.raises(InputFault) as caught:
        read_lock(text.encode(), name=name, target=target(), limits=Limits(packages=1))
    assert caught.value.code == "E_TOO_LARGE"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dependencies: &a [x]\nchannels: *a\n", "anchor"),
        ("dependencies:\n- *a\n", "alias"),
        ("dependencies: !!python/object/apply:os.system ['true']\n", "tag"),
        ("dependencies: [a]\ndependencies: [b]\n", "twice"),
        ("dependencies: [a]\n---\ndependencies: [b]\n", "second document"),
        ("? [a]\n: b\ndependencies: []\n", "key that is no text"),
        ("dependencies: " + "[" * 100 + "]" * 100, "nested"),
        ("dependencies: [a\n", "is not YAML (line"),
    ],
)
def test_yaml_is_read_without_what_can_act_or_grow(text: str, problem: str) -> None:
    with pytest.raises(InputFault) as caught:
        read_lock(text.encode(), name="environment.yml", target=target())
    assert problem in caught.value.message


def test_yaml_scalars_are_text() -> None:
    lock = read_lock(b"dependencies: [3.10, yes, 1e3, null, 0x1f]\n", name="e.yml", target=target())
    assert [pin.name for pin in lock.pins] == ["0x1f", "1e3", "3.10", "null", "yes"]


def test_toml_with_deep_nesting_long_keys_or_a_double_key_is_refused() -> None:
    dotted = ".".join("a" * 100_000)
    for text in ("a = " + "[" * 5000, f"{dotted} = 1", f"[{dotted}]", "a = 1\na = 2", "a = 9" + "9" * 5000):
        with pytest.raises(InputFault) as caught:
            read_lock(text.encode(), name="uv.lock", target=target())
        assert caught.value.code == "E_FOREIGN"


def test_a_long_text_with_many_dots_is_no_long_key() -> None:
    text = f'version = 1\nnote = "{"a." * 500}"\n'
    assert read_lock(text.encode(), name="uv.lock", target=target()).pins == ()


def test_a_cycle_and_a_hundred_thousand_edges_end() -> None:
    ring = "".join(
        f'[[package]]\nname = "p{i}"\nversion = "1"\ndependencies = [{{ name = "p{(i + 1) % 3000}" }}]\n'
        for i in range(3000)
    )
    root = '[[package]]\nname = "me"\nversion = "1"\nsource = { virtual = "." }\n'
    root += 'dependencies = [{ name = "p0" }]\n'
    lock = read_lock(f"version = 1\n{ring}{root}".encode(), name="uv.lock", target=target())
    assert len(lock.pins) == 3001
    assert sum(pin.optional for pin in lock.pins) == 1


def test_deep_markers_and_markers_of_nonsense_are_told() -> None:
    deep = "(" * 2000 + "python_version > '3'" + ")" * 2000
    for marker in (deep, "nonsense", "'a' in 'b' and", "python_version > '3' " + "or os_name == 'x' " * 5000):
        lock = read_lock(
            "version = 1\n[[package]]\nname = 'a'\nversion = '1'\n[[package]]\nname = 'me'\n"
            "version = '1'\nsource = { virtual = '.' }\n"
            f"dependencies = [{{ name = 'a', marker = \"{marker}\" }}]".encode(),
            name="uv.lock",
            target=target(),
        )
        assert [unknown.where for unknown in lock.unknowns] == ["uv.lock a"]
        with pytest.raises(InputFault):
            read_lock(
                PYLOCK.replace("sys_platform == 'win32'", marker).encode(),
                name="pylock.toml",
                target=target(),
            )


def test_components_within_components_are_read_without_recursion_up_to_the_depth_of_json() -> None:
    nested: dict[str, object] = component("pkg:pypi/a0@1", "a0", "1")
    for level in range(1, 25):
        nested = component(f"pkg:pypi/a{level}@1", f"a{level}", "1", components=[nested])
    manifest = read_foreign(json.dumps(cyclonedx(nested)).encode(), where="x")
    assert manifest is not None
    assert len(manifest.packages) == 25


def test_binary_garbage_is_told_as_such() -> None:
    for raw in (b"\x7fELF\x02\x01\x01\0\0", b"PK\x03\x04\xff\xfe", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(InputFault) as caught:
            read_foreign(raw, where="x")
        assert caught.value.code == "E_FOREIGN"
        with pytest.raises(InputFault):
            read_lock(raw, name="uv.lock", target=target())
