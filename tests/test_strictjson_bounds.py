"""The bounds of JSON hold exactly, however the document is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.strictjson import loads

DEPTH, LONGEST = 4, 5
SMALL = Limits(json_depth=DEPTH, json_string=LONGEST)
_TEXTS = st.text(st.sampled_from('a"\\[]{}/\u00e9\U0001f600'), max_size=LONGEST + 2)
_SURROGATES = st.sampled_from(["\ud800", "a\udc00", "\udc00\ud800"])
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _TEXTS | _SURROGATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


def depth_of(document: object) -> int:
    if isinstance(document, dict):
        return 1 + max(map(depth_of, document.values()), default=0)
    return 1 + max(map(depth_of, document), default=0) if isinstance(document, list) else 0


def texts_of(document: object) -> list[str]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, dict):
        return [text for pair in document.items() for item in pair for text in texts_of(item)]
    return [text for item in document for text in texts_of(item)] if isinstance(document, list) else []


def is_allowed(document: object) -> bool:
    texts = texts_of(document)
    paired = all(not any("\ud800" <= c <= "\udfff" for c in text) for text in texts)
    return paired and depth_of(document) <= DEPTH and all(len(text) <= LONGEST for text in texts)


@settings(deadline=None, max_examples=50)
@given(_DOCUMENTS, st.sampled_from([None, 1]))
@example([[[[]]]], None)
@example([[[[[]]]]], None)
@example([[[[[[[[[]]]]]]]]], None)
@example([[[{"a": [{"b": []}]}]], []], None)
@example({'"\\': "\\\\\\"}, 1)
def test_depth_length_and_surrogates_are_bounded_exactly(document: object, indent: int | None) -> None:
    raw = json.dumps(document, indent=indent).encode()
    if is_allowed(document):
        assert loads(raw, where="x", limits=SMALL) == document
    else:
        with pytest.raises(InputFault) as caught:
            loads(raw, where="x", limits=SMALL)
        assert caught.value.code == "E_JSON"


@pytest.mark.parametrize("raw", [rb'"\uD800"', rb'["\ud83d", "\ude00"]', rb'{"\udfff": 1}', rb'"\\\ud800"'])
def test_a_lone_surrogate_is_refused_in_any_spelling(raw: bytes) -> None:
    with pytest.raises(InputFault, match="surrogate"):
        loads(raw, where="x")


def test_a_pair_of_escapes_is_one_character() -> None:
    assert loads(rb'["\ud83d\uDE00", "\\ud800"]', where="x") == ["\U0001f600", "\\ud800"]


@pytest.mark.parametrize("raw", [b"[" * 100, b"]" * 100, b"[}" * 100, b'["' + b"[" * 100, b'"\\', b"{]{]"])
def test_what_is_not_balanced_is_refused(raw: bytes) -> None:
    with pytest.raises(InputFault) as caught:
        loads(raw, where="x")
    assert caught.value.code == "E_JSON"
