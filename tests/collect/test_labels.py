"""Labels are checked before anything starts."""

from __future__ import annotations

import pytest

from reprocheck.collect.labels import describe_labels
from reprocheck.errors import UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.context import Label


def test_labels_are_sorted_by_name() -> None:
    assert describe_labels((("site", "cern"), ("node", "a=b")), DEFAULT) == (
        Label(name="node", value="a=b"),
        Label(name="site", value="cern"),
    )


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ((("", "x"),), "E_LABEL"),
        ((("a b", "x"),), "E_LABEL"),
        ((("../a", "x"),), "E_LABEL"),
        ((("n" * 129, "x"),), "E_LABEL"),
        ((("a", "x"), ("a", "x")), "E_LABEL"),
        ((("a", "x\ny"),), "E_LABEL"),
        ((("a", "\udcff"),), "E_LABEL"),
        ((("a", "x" * 40_000),), "E_LABEL"),
        ((("token", "hunter2hunter2"),), "E_LABEL_SECRET"),
        ((("site", "https://u:hunter2@example.org"),), "E_LABEL_SECRET"),
    ],
)
def test_what_no_label_can_be_is_refused_without_showing_a_value(
    pairs: tuple[tuple[str, str], ...], code: str
) -> None:
    with pytest.raises(UsageFault) as caught:
        describe_labels(pairs, DEFAULT)
    assert caught.value.code == code
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_there_is_a_limit() -> None:
    pairs = tuple((f"n{index}", "") for index in range(3))
    assert len(describe_labels(pairs, Limits(labels=3))) == 3
    with pytest.raises(UsageFault, match="more than 2 labels"):
        describe_labels(pairs, Limits(labels=2))
