"""What the page of a fleet says."""

from __future__ import annotations

import pytest

from reprocheck.model.base import replace
from reprocheck.render.html import render_fleet
from tests.render.html.parsing import Page, parse
from tests.render.html.reports import fleet


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(render_fleet(fleet()))


def test_the_outlier_stands_first_with_its_facts(page: Page) -> None:
    first, second = (" ".join(card.text.split()) for card in page.all("li", class_="card"))

    assert first.startswith("node-15 2 facts · rack-1")
    assert "majority 570.86.10 here 550.54" in first
    assert second.startswith("node-08 1 fact")
    assert "majority 8 here (absent)" in second


def test_groups_members_and_splits(page: Page) -> None:
    for said in (
        "16 members in 3 groups of equals; they do not agree on 4 facts",
        "14 members sha256:000000000000…",
        "no majority, 2 values",
        "Grouped by rack",
        "node-03: GPU 0: the driver did not answer",
        "API_TOKEN: its value was withheld",
    ):
        assert said in page.text
    assert page.data() == {
        "outlying": [0] * 8 + [1] + [0] * 6 + [2],
        "names": [f"node-{n:02}" for n in range(16)],
    }


def test_a_value_that_most_have_names_some_and_counts_the_rest() -> None:
    page = parse(render_fleet(fleet(100)))
    row = next(e for e in page.all("tr") if "570.86.10" in e.text)

    assert "and 79 more" in " ".join(row.text.split())
    assert "majority" in row.text


def test_every_distance_stands_in_the_matrix_as_a_number(page: Page) -> None:
    shaded = [e for e in page.all("td") if (e.attributes.get("class") or "").startswith("s")]

    assert len(shaded) == 16 * 15 // 2
    assert {e.text for e in shaded} == {"0", "1", "2", "3"}
    assert {(e.text, e.attributes["class"]) for e in shaded} == {
        ("0", "s0"),
        ("1", "s2"),
        ("2", "s4"),
        ("3", "s5"),
    }


def test_above_two_hundred_members_only_groups_are_drawn() -> None:
    page = parse(render_fleet(fleet(300)))

    assert "groups of equal members differ" in page.text
    assert "node-00 and 297 equal" in page.text
    assert len([e for e in page.all("td") if (e.attributes.get("class") or "").startswith("s")]) == 3


def test_without_distances_there_is_no_matrix() -> None:
    assert "Distance matrix" not in render_fleet(replace(fleet(), distances=()))
    assert "is not drawn" in render_fleet(replace(fleet(300), distances=()))


def test_a_fleet_of_equals() -> None:
    page = parse(render_fleet(fleet(3, verdict="identical")))

    assert "3 members, and nothing tells them apart" in page.text
