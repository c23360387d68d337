"""The picture of the graph: opens on the conflicts, shows the rest on request, usable when it is large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprocheck.render.html import render_graph
from tests.browser.webdriver import Browser
from tests.render.html import reports

pytestmark = pytest.mark.browser

Opener = Callable[..., Browser]
ENTER, RIGHT, ESCAPE = "\ue007", "\ue014", "\ue00c"

SMALL = render_graph(reports.graph())
LARGE = render_graph(reports.graph(1_998))
"""2,000 nodes."""
CY = "document.getElementById('picture')._cyreg.cy"


def drawn(browser: Browser) -> int:
    return int(browser.run("return document.getElementById('picture').dataset.drawn"))


def overlaps(browser: Browser) -> Any:
    """How many pairs of nodes lie on each other."""
    return browser.run(f"""
        const boxes = {CY}.nodes().map((node) => node.boundingBox({{ includeLabels: false }}));
        let pairs = 0;
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {{
            if (a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2) pairs += 1;
        }}));
        return pairs;""")


@pytest.mark.parametrize("page", [SMALL, LARGE], ids=["small", "large"])
def test_it_opens_on_the_conflicts_and_their_chains(show: Opener, page: str) -> None:
    browser = show(page)

    assert drawn(browser) == 8
    labels = browser.run(f"return {CY}.nodes().map((node) => node.data('text')).sort()")
    assert "numpy 2.1.0\npypi" in labels
    assert "✗ libgone (missing)\npypi" in labels
    assert browser.run(f"return {CY}.zoom()") > 0.5
    assert overlaps(browser) == 0


def test_requirements_point_to_the_right(show: Opener) -> None:
    browser = show(SMALL)

    assert browser.run(
        f"return {CY}.edges().every((e) => e.source().position('x') < e.target().position('x'))"
    )


def test_kinds_of_lines_look_different_and_the_legend_names_them(show: Opener) -> None:
    browser = show(SMALL)
    browser.click("#show-all")

    def style(kind: str) -> Any:
        return browser.run(f"return {CY}.edges('.{kind}').map((edge) => edge.style('line-style'))")

    assert set(style("requires")) == {"solid"}
    assert style("needs") == ["dashed"]
    assert style("owns") == ["dotted"]
    legend = browser.run("return [...document.querySelectorAll('.legend li')].map((e) => e.innerText.trim())")
    assert legend[2:] == ["requires", "in vain", "needs when it runs", "owns the files of"]
    looks = browser.run(
        "return [...document.querySelectorAll('.legend .line')]"
        ".map((e) => getComputedStyle(e)).map((s) => `${s.borderTopWidth} ${s.borderTopStyle}`)"
    )
    assert len(set(looks)) == 4


def test_two_thousand_nodes_are_drawn_searched_and_left_again(show: Opener) -> None:
    browser = show(LARGE)
    browser.click("#show-all")
    assert drawn(browser) == 2_000
    assert overlaps(browser) == 0
    assert browser.run("return document.getElementById('show-all').ariaPressed") == "true"

    browser.type("#seek input", "pkg-1234")
    assert browser.run("return document.querySelector('#seek output').textContent") == "1 found"
    browser.keys(ENTER)
    browser.wait(f"document.getElementById('picture').dataset.focus === 'pkg-1234 1.0' && !{CY}.animated()")
    assert "Required by 1" in browser.run("return document.getElementById('picked').textContent")
    inside = browser.wait(f"""(() => {{
        const {{ x, y }} = {CY}.getElementById({CY}.nodes('.picked').id()).renderedPosition();
        return x > 0 && y > 0 && x < {CY}.width() && y < {CY}.height();
    }})()""")
    assert inside

    browser.run("document.getElementById('alone').click()")
    assert drawn(browser) < 30
    browser.run("document.getElementById('show-part').click()")
    assert drawn(browser) == 8
    assert browser.log() == []


def test_a_search_reaches_what_is_not_drawn_yet(show: Opener) -> None:
    browser = show(LARGE)
    browser.type("#seek input", "pkg-1500")
    browser.keys(ENTER)

    assert browser.run("return document.getElementById('picture').dataset.focus") == "pkg-1500 1.0"
    assert 8 < drawn(browser) < 30


def test_a_conflict_is_lit_by_its_button(show: Opener) -> None:
    browser = show(SMALL)
    browser.click("button.locate")

    lit = browser.run(f"return {CY}.nodes('.picked').map((node) => node.data('text').split('\\n')[0]).sort()")
    assert lit == ["numpy 2.1.0", "pkg-0 1.0", "pkg-1 1.0", "pkg-2 1.0", "✗ pkg-5 1.0"]
    assert browser.run("return document.activeElement.id") == "picture"


def test_without_conflicts_everything_is_drawn_at_once(show: Opener) -> None:
    calm = [node for node in reports.graph().nodes if not node.broken]
    browser = show(render_graph(reports.graph(conflicts=(), nodes=tuple(calm), edges=())))

    assert drawn(browser) == len(calm)
    assert browser.run("return document.getElementById('show-part').hidden") is True
    assert browser.log() == []


def test_keys_move_the_picture_and_escape_clears_it(show: Opener) -> None:
    browser = show(SMALL)
    browser.click("button.locate")
    browser.wait(f"!{CY}.animated()")
    before = browser.run(f"return {CY}.pan().x")
    browser.keys(RIGHT)
    assert browser.run(f"return {CY}.pan().x") == pytest.approx(before - 60)

    browser.keys(ESCAPE)
    assert browser.run(f"return {CY}.elements('.picked, .faded').length") == 0


def test_neighbours_can_be_walked_without_the_canvas(show: Opener) -> None:
    browser = show(SMALL)
    browser.type("#seek input", "pkg-5")
    browser.run("document.querySelector('#sought button').click()")
    assert browser.run("return document.querySelector('#picked h3').textContent") == "✗ pkg-5 1.0 pypi"
    assert browser.run("return document.activeElement.tagName") == "H3"

    browser.run(
        "[...document.querySelectorAll('#picked li button')]"
        ".find((button) => button.textContent.includes('numpy')).click()"
    )
    assert browser.run("return document.querySelector('#picked h3').textContent") == "numpy 2.1.0 pypi"


def test_the_picture_goes_onto_paper_as_an_image(show: Opener) -> None:
    """A canvas is blank there."""
    browser = show(SMALL, prefers_color_scheme="dark")
    browser.run("dispatchEvent(new Event('beforeprint'))")

    assert browser.wait("document.getElementById('paper-picture').naturalWidth") > 200
    assert browser.run("return document.documentElement.dataset.theme") is None
    assert browser.log() == []


def test_cycles_and_loops_are_laid_out(show: Opener) -> None:
    browser = show(SMALL)
    places = browser.run(
        "return layers([1, 2, 3, 4].map(() => ({width: 10, height: 10})), [[0, 1], [1, 2], [2, 0], [3, 3]])"
    )
    assert [place["x"] for place in places] == [*sorted(place["x"] for place in places[:3]), places[0]["x"]]
    assert browser.run("return layers([], [])") == []
    deep = browser.run(
        "const n = 20000; const sizes = Array.from({length: n}, () => ({width: 10, height: 10}));"
        "return layers(sizes, sizes.map((_, i) => [i, (i + 1) % n])).length"
    )
    assert deep == 20_000
