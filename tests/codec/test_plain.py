"""Values that stay on this machine come back equal, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reprocheck.codec.plain import decode_plain, encode_plain
from reprocheck.model.manifest import Tool


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A dataclass that holds values of ours, as a sight does."""

    tools: tuple[Tool, ...]
    note: str = ""


def test_a_value_comes_back_equal() -> None:
    value = Held(tools=(Tool(name="syft", version="1.18.1"),), note="ü\u202e\n")
    raw = encode_plain(value)
    assert raw is not None
    assert decode_plain(raw, Held) == value


def test_what_json_cannot_hold_is_not_encoded() -> None:
    assert encode_plain(Held(tools=(), note="\ud800")) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"tools": 1}',
        b'{"note": "x"}',
        b'{"tools": [{"name": "x"}]}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_what_is_no_such_value_is_none(raw: bytes) -> None:
    assert decode_plain(raw, Held) is None
