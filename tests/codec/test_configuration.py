"""The configuration file: what may stand there, and where a fault is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocheck.codec.configuration import decode_configuration
from reprocheck.errors import InputFault
from reprocheck.model.configuration import Configuration, DiffSettings, GraphSettings
from reprocheck.model.conflict import Waiver

WHOLE = b"""
[tool.other]
x = 1
[tool.reprocheck.diff]
ignore = ["environment:SLURM_*"]
[tool.reprocheck.graph]
fail-on = "medium"
[[tool.reprocheck.graph.waivers]]
code = "DEP-401"
package = "numpy"
reason = "known"
expires = 2027-01-31
"""
EXPECTED = Configuration(
    diff=DiffSettings(ignore=("environment:SLURM_*",)),
    graph=GraphSettings(
        fail_on="medium",
        waivers=(Waiver(code="DEP-401", package="numpy", reason="known", expires="2027-01-31"),),
    ),
)


def test_a_pyproject_and_a_file_of_its_own_say_the_same() -> None:
    assert decode_configuration(WHOLE, where="pyproject.toml", whole=False) == EXPECTED
    own = WHOLE.replace(b"[tool.other]\nx = 1\n", b"").replace(b"tool.reprocheck.", b"")
    assert decode_configuration(own, where="own.toml", whole=True) == EXPECTED
    assert decode_configuration(WHOLE, where="own.toml", whole=True) == EXPECTED


@pytest.mark.parametrize("raw", [b"", b"[tool]\n", b"[tool.other]\nx = 1\n", b"tool = 3\n"])
def test_a_pyproject_without_our_table_says_nothing(raw: bytes) -> None:
    assert decode_configuration(raw, where="pyproject.toml", whole=False) is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"[tool.reprocheck.diff\n", "is no TOML"),
        (b"\xff\xfe", "is no TOML"),
        (b"x = " + b"9" * 5000, "number"),
        (b"[tool.reprocheck.diff]\nignores = []\n", "ignores"),
        (b"[tool.reprocheck.diff]\nignore = 'x'\n", "diff.ignore"),
        (b"[tool.reprocheck.graph]\nfail-on = 'severe'\n", "graph.fail_on"),
        (b"[[tool.reprocheck.graph.waivers]]\ncode = 'X'\n", "graph.waivers"),
        (b"[tool]\nreprocheck = 1\n", "object"),
    ],
)
def test_a_fault_is_named_with_its_place(raw: bytes, words: str) -> None:
    with pytest.raises(InputFault) as caught:
        decode_configuration(raw, where="pyproject.toml", whole=False)
    assert caught.value.code == "E_CONFIG"
    assert words in caught.value.message
    assert "pyproject.toml" in caught.value.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_nothing_but_our_own_fault_is_raised(raw: bytes) -> None:
    with suppress(InputFault):
        decode_configuration(raw, where="x", whole=True)
