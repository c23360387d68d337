"""What the page of a conflict graph says, and what its picture opens on."""

from __future__ import annotations

import pytest

from reprocheck.model.conflict import Cause, Edge, Node
from reprocheck.render.html import graph as module
from reprocheck.render.html import render_graph
from tests.render.html.parsing import Page, parse
from tests.render.html.reports import conflict, graph


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(render_graph(graph()))


def test_the_headline_counts_what_decides(page: Page) -> None:
    verdict = page.all("p", class_="verdict")[0].text
    assert "4 conflicts (2 broken, 1 only remarked, 1 waived) in 62 packages" in verdict
    assert "2 conflicts that a.json has too are not listed" in verdict


def test_the_list_says_all_without_the_picture(page: Page) -> None:
    rows = [" ".join(e.text.split()) for e in page.elements if "data-row" in e.attributes]
    for said in (
        "high ✗ broken pkg-5 pypi DEP-101",
        "unsatisfied: pkg-5 1.0 requires numpy<2, found 2.1.0",
        "No version can satisfy everyone.",
        "pip install 'numpy<2'",
        "Why: 2 requirements",
        "pkg-0 1.0 →then pkg-1 1.0 →then pkg-5 1.0 requires numpy<2",
        "The smallest set that cannot hold together:",
        "In /usr/bin/python3.11",
    ):
        assert said in rows[0]
    assert "missing: pkg-11 1.0 requires libgone>=3, which is not installed" in rows[1]
    assert "Smallest change that fits everyone: libgone>=3,<4" in rows[1]
    assert "Waived: tested on this machine until 2027" in rows[3]
    assert "used DEP-103 pkg-7, 1 conflict, until 2027-01-31: tested on this machine" in page.text
    assert "files that two packages own; snapshot --integrity would tell" in page.text
    assert "a marker that cannot be evaluated" in page.text


def test_the_picture_opens_on_conflicts_and_chains(page: Page) -> None:
    data = page.data()
    part = {data["nodes"][index][0] for index in data["part"]}

    chains = {"pkg-0 1.0", "pkg-1 1.0", "pkg-2 1.0", "pkg-5 1.0", "pkg-11 1.0"}
    assert part == chains | {"pkg-7 1.0", "numpy 2.1.0", "libgone (missing)"}
    assert len(data["nodes"]) == 62
    first = {data["nodes"][index][0] for index in data["conflicts"][0]}
    assert first == {"pkg-0 1.0", "pkg-1 1.0", "pkg-2 1.0", "pkg-5 1.0", "numpy 2.1.0"}


def test_edges_say_who_requires_what(page: Page) -> None:
    data = page.data()
    broken = {
        (data["nodes"][start][0], data["nodes"][end][0], requirement)
        for start, end, requirement, is_broken, _ in data["edges"]
        if is_broken
    }
    assert broken == {
        ("pkg-5 1.0", "numpy 2.1.0", "numpy<2"),
        ("pkg-11 1.0", "libgone (missing)", "libgone>=3"),
    }


def test_what_is_owned_or_needed_at_run_time_is_not_drawn_as_required(page: Page) -> None:
    kinds = {requirement: kind for _, _, requirement, _, kind in page.data()["edges"]}

    assert kinds["libopenblas.so.0"] == "needs"
    assert kinds[""] == "owns"
    assert {"needs when it runs", "owns the files of"} <= {e.text.strip() for e in page.all("li")}


def test_a_conflict_without_a_place_in_the_picture_has_no_button(page: Page) -> None:
    assert [e.attributes["data-conflict"] for e in page.all("button", class_="locate")] == ["0", "1", "3"]


def test_a_picture_too_large_keeps_what_belongs_to_conflicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NODES", 12)
    page = parse(render_graph(graph()))
    data = page.data()

    assert len(data["nodes"]) == 12
    assert len(data["part"]) == 8
    assert "12 of 62 packages and " in page.text
    assert all(max(start, end) < 12 for start, end, *_ in data["edges"])


def test_lines_that_are_left_out_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = graph()
    assert "are in the picture" not in parse(render_graph(whole)).text
    monkeypatch.setattr(module, "MOST_EDGES", 12)
    page = parse(render_graph(whole))
    edges = page.data()["edges"]

    assert len(edges) == 12
    assert sum(broken for *_, broken, _ in edges) == 2
    said = f"12 of {len(whole.edges)} lines are in the picture, those of conflicts first"
    assert said in " ".join(page.text.split())


def test_copies_are_asked_for_and_got_not_required() -> None:
    got = Cause(requirement="libx.so", parent="/c.so", chain=("/c.so", "/b/libx.so"))
    named = Cause(requirement="libx", parent="libx.so", chain=("/a/libx.so",))
    item = conflict(
        kind="two-copies",
        package="libx",
        requirement="one libx",
        found="/a/libx.so, /b/libx.so",
        causes=(got, named),
        minimal=(),
        solution="",
    )
    text = " ".join(parse(render_graph(graph(conflicts=(item,)))).text.split())
    assert "two-copies: libx: there should be one libx, found /a/libx.so, /b/libx.so" in text
    assert "Why: 2 places /c.so asks for libx.so and gets /b/libx.so libx.so" in text


def test_a_report_of_a_part_says_so() -> None:
    assert "graph --full" not in parse(render_graph(graph())).text
    said = "Only what is near a conflict is in this report; reprocheck graph --full draws all 900 packages."
    assert said in parse(render_graph(graph(packages=900))).text
    bare = parse(render_graph(graph(nodes=(), edges=(), packages=900)))
    assert bare.all("h2", id="picture-title") == []
    assert "No picture: these conflicts are about no single package." in bare.text


def test_a_sentence_is_no_command_to_copy() -> None:
    items = (conflict(fix="Take /opt out of LD_LIBRARY_PATH."), conflict(fix="pip install 'numpy<2'"))
    page = parse(render_graph(graph(conflicts=items)))
    assert "Take /opt out of LD_LIBRARY_PATH." in page.text
    assert len(page.all("button", class_="copy")) == 1


def test_an_edge_to_nowhere_is_left_out() -> None:
    nodes = (Node(id="a", label="a 1", type="pypi"),)
    edges = (Edge(source="a", target="b", requirement="b", broken=True),)
    data = parse(render_graph(graph(nodes=nodes, edges=edges, conflicts=()))).data()

    assert data == {"nodes": [["a 1", "pypi", 0]], "edges": [], "part": [0], "conflicts": []}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"conflicts": (), "unknowns": ()}, "no conflicts"),
        ({"conflicts": ()}, "incomplete"),
        ({"conflicts": (conflict(broken=False),)}, "remarks only"),
        ({"conflicts": (conflict(waived="known"),)}, "remarks only"),
        ({"conflicts": (conflict(),)}, "conflicts"),
    ],
)
def test_verdicts(fields: dict[str, object], word: str) -> None:
    page = parse(render_graph(graph(**fields)))  # type: ignore[arg-type]

    assert " ".join(page.all("p", class_="verdict")[0].text.split()).split(" ", 1)[1].startswith(word)
