"""Foreign text never reaches a terminal with anything that the terminal acts on."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocheck.render.safe import show, show_lines
from reprocheck.render.table import table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("numpy", "numpy"),
        ("naïve-日本", "naïve-日本"),
        ("a\x1b[31mred", r"a\u{1b}[31mred"),
        ("\x9b31m", r"\u{9b}31m"),
        ("line\nbreak\ttab", r"line\u{a}break\u{9}tab"),
        ("\u202eevil", r"\u{202e}evil"),
        ("zero\u200bwidth", r"zero\u{200b}width"),
        ("\u2028", r"\u{2028}"),
        ("\u3164", r"\u{3164}"),
        ("\udcff", r"\u{dcff}"),
        ("\x7f", r"\u{7f}"),
    ],
)
def test_characters_that_act_or_hide_are_spelt_out(text: str, shown: str) -> None:
    assert show(text) == shown


def test_long_text_is_cut_with_a_count() -> None:
    assert show("a" * 250) == "a" * 200 + "… (+50 characters)"


@given(st.text(max_size=300))
def test_nothing_of_the_dangerous_categories_survives(text: str) -> None:
    dangerous = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}

    assert not {unicodedata.category(c) for c in show(text)} & dangerous
    assert not {unicodedata.category(c) for c in show_lines(text) if c != "\n"} & dangerous


def test_versions_stay_text_in_tables() -> None:
    assert table([("torch", "2.10", "1e5")]).split() == ["torch", "2.10", "1e5"]


def test_a_cell_cannot_break_out_of_its_row() -> None:
    assert len(table([("a\nb", "c\x1b[2J")]).splitlines()) == 1
