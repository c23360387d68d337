"""The one JSON parser refuses everything that RFC 8259 leaves open."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.strictjson import loads

BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n", "is empty"),
    "truncated object": (b'{"a": [1, 2', "ends in the middle"),
    "truncated string": (b'{"a": "b', ""),
    "not JSON": (b"hello", "is not JSON"),
    "trailing text": (b'{"a": 1} x', "is not JSON"),
    "two documents": (b"{}{}", "is not JSON"),
    "duplicate key": (b'{"a": 1, "a": 2}', "twice"),
    "duplicate key, deep": (b'[[{"b": {"a": 1, "a": 1}}]]', "twice"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b"[Infinity]", "Infinity"),
    "-Infinity": (b"[-Infinity]", "Infinity"),
    "overflowing float": (b"[1e999]", "out of range"),
    "2**53": (b"[9007199254740992]", "2**53-1"),
    "-2**53": (b"[-9007199254740992]", "2**53-1"),
    "5,000 digits": (b"[" + b"9" * 5000 + b"]", "2**53-1"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "UTF-8"),
    "invalid UTF-8": (b'{"a": "\xff"}', "UTF-8"),
    "encoded surrogate": (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
    "escaped lone surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "lone surrogate as key": (b'{"\\udc00": 1}', "surrogate"),
    "65 levels": (b"[" * 65 + b"]" * 65, "deep"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, "deep"),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
    "long string": (b'["' + b"a" * 70_000 + b'"]', "string"),
    "single quotes": (b"{'a': 1}", "is not JSON"),
    "comment": (b'{"a": 1 /* no */}', "is not JSON"),
    "raw control character": (b'{"a": "\x01"}', "is not JSON"),
}


def test_the_constants_of_pythons_json_are_taken_only_when_asked_for() -> None:
    found = loads(b"[NaN, Infinity, -Infinity]", where="a.json", allow_constants=True)
    assert repr(found) == "[nan, inf, -inf]"
    with pytest.raises(InputFault):
        loads(b"[nan]", where="a.json", allow_constants=True)
    with pytest.raises(InputFault):
        loads(b"[1e999]", where="a.json", allow_constants=True)


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_documents_are_input_faults(name: str) -> None:
    raw, words = BAD[name]

    with pytest.raises(InputFault) as caught:
        loads(raw, where="a.json")

    assert caught.value.exit_code == 2
    assert "a.json" in caught.value.message
    assert words in caught.value.message


def test_a_document_over_the_size_limit_names_the_flag() -> None:
    with pytest.raises(InputFault, match="limit of 10") as caught:
        loads(b'{"a": "123456"}', where="big.json", limits=Limits(manifest_bytes=10))

    assert "--limit-scale" in caught.value.hint


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert loads(b'["' + b"[{" * 1000 + b'\\""]', where="x") == ["[{" * 1000 + '"']


def test_depth_up_to_the_limit_is_read() -> None:
    assert loads(b"[" * 64 + b"]" * 64, where="x")


def test_paired_surrogate_escapes_are_one_character() -> None:
    assert loads(b'["\\ud83d\\ude00"]', where="x") == ["\U0001f600"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_python_writes_is_read_back(document: object) -> None:
    try:
        raw = json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate cannot be written as UTF-8
        return

    assert loads(raw, where="x") == document


def test_files_of_other_programs_may_hold_what_python_writes() -> None:
    raw = b"[NaN, -Infinity, 1750000000000000000, -18446744073709551615]"

    loaded = loads(raw, where="x", allow_constants=True)

    assert repr(loaded) == "[nan, -inf, 1750000000000000000, -18446744073709551615]"
    with pytest.raises(InputFault, match="5000 digits"):
        loads(b"[" + b"9" * 5000 + b"]", where="x", allow_constants=True)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_input_faults(raw: bytes) -> None:
    with contextlib.suppress(InputFault):
        loads(raw, where="x")
