"""JSON that no parser of HTML can leave."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from reprocheck.render.html.embedding import Json, embed
from tests.render.html.parsing import parse
from tests.render.html.reports import HOSTILE

values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_the_value_comes_back_whole(value: Json) -> None:
    assert json.loads(embed(value)) == value


@given(values)
def test_nothing_in_it_means_anything_in_html(value: Json) -> None:
    text = embed(value)

    assert text.isascii()
    assert not set(text) & set("<>&\u2028\u2029")


def test_a_parser_of_html_finds_the_end_where_it_is() -> None:
    page = parse(f'<script type="application/json">{embed(list(HOSTILE))}</script>after')

    assert page.data() == list(HOSTILE)
    assert page.text == "after"
