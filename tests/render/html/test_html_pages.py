"""Every page: complete in itself, safe against what it shows, the same for the same report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from reprocheck.render.html import render_diff, render_fleet, render_graph
from reprocheck.render.html.page import _environment
from reprocheck.render.safe import show
from tests.render.html import reports
from tests.render.html.parsing import Page, hash_of, parse

PAGES = {
    "diff": render_diff(reports.full_diff()),
    "identical": render_diff(reports.diff_report()),
    "fleet": render_fleet(reports.fleet()),
    "equal fleet": render_fleet(reports.fleet(3, verdict="identical")),
    "graph": render_graph(reports.graph()),
    "empty graph": render_graph(
        reports.graph(
            conflicts=(), nodes=(), edges=(), since="", inherited=0, unknowns=(), waivers=(), not_examined=()
        )
    ),
    "hostile diff": render_diff(reports.hostile_diff()),
    "hostile fleet": render_fleet(reports.fleet(16, names=reports.HOSTILE)),
    "hostile graph": render_graph(reports.hostile_graph()),
}
HOSTILE = [name for name in PAGES if name.startswith("hostile")]


@pytest.fixture(params=PAGES)
def text(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]


@pytest.fixture
def page(text: str) -> Page:
    return parse(text)


def test_the_policy_names_exactly_what_is_inlined(page: Page) -> None:
    [meta] = page.all("meta", http_equiv="Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in (meta.attributes["content"] or "").split("; "))

    assert rules["default-src"] == "'none'"
    for directive, texts in page.inline().items():
        assert rules[directive].split() == [hash_of(text) for text in texts]
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert page.elements.index(meta) < min(
        page.elements.index(e) for e in page.elements if e.tag in ("script", "style")
    )


def test_nothing_is_loaded_or_run_from_elsewhere(page: Page) -> None:
    assert page.all("meta", name="referrer")[0].attributes["content"] == "no-referrer"
    for element in page.elements:
        assert not [
            name for name in element.attributes if name.startswith("on") or name in ("style", "src", "action")
        ]
        address = element.attributes.get("href")
        assert address is None or address == "data:," or address.startswith("#")
    assert {e.tag for e in page.elements} & {"iframe", "object", "embed", "base", "form"} <= {"form"}


def test_references_inside_the_page_lead_somewhere(page: Page) -> None:
    ids = Counter(e.attributes["id"] for e in page.elements if "id" in e.attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    for element in page.elements:
        for name in ("aria-labelledby", "aria-controls", "data-filters"):
            assert element.attributes.get(name) is None or element.attributes[name] in ids
        if (element.attributes.get("href") or "").startswith("#"):
            assert (element.attributes["href"] or "")[1:] in ids


def test_headings_step_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_control_has_a_name(page: Page) -> None:
    labels = [e.text.strip() for e in page.all("label")]
    assert all(labels)
    assert len(labels) == len(page.all("input")) + len(page.all("select"))
    assert all(e.text.strip() or e.attributes.get("aria-label") for e in page.all("button"))
    assert all(e.attributes.get("type") in ("button", "reset") for e in page.all("button"))


def test_what_needs_a_script_is_hidden_until_it_runs(page: Page) -> None:
    assert all("hidden" in e.attributes for e in page.elements if "data-needs-script" in e.attributes)
    assert all("data-needs-script" in e.attributes for e in page.all("button", class_="copy"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_text(name: str) -> None:
    plain = name.removeprefix("hostile ")
    page, calm = parse(PAGES[name]), parse(PAGES[plain])

    assert len(page.all("script")) == len(calm.all("script"))
    assert len(page.all("img")) == len(calm.all("img"))
    for hostile in reports.HOSTILE:
        assert re.sub(r"\s+", " ", show(hostile, limit=80).partition("…")[0]) in page.text
    assert not set(PAGES[name]) & set("\u202a\u202e\u2066\u2028\u2029\x1b")
    PAGES[name].encode()  # no lone surrogates
    assert "7 * 7" in page.text


def test_the_same_report_gives_the_same_bytes() -> None:
    """In another process with another hash seed, too."""
    code = (
        "import hashlib; from reprocheck.render.html import *; from tests.render.html import reports as r;"
        "pages = render_diff(r.full_diff()) + render_fleet(r.fleet()) + render_graph(r.graph());"
        "import sys; sys.stdout.write(hashlib.sha256(pages.encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        _environment().from_string("{{ missing }}").render()


def test_a_page_without_a_picture_carries_no_library() -> None:
    assert len(PAGES["identical"]) < 40_000
    assert "cytoscape" not in PAGES["diff"]
    assert "uPlot" not in PAGES["equal fleet"]
    assert "Uses cytoscape 3.34.4 (MIT)" in parse(PAGES["graph"]).text
    assert "Uses uplot 1.6.32 (MIT)" in parse(PAGES["fleet"]).text


OUTLINES = {
    "diff": (
        "Which difference explains it",
        "Names that look alike 1",
        "First suspects",
        "Forecast",
        "Commands that turn the second side into the first",
        "All differences 42",
        "What was not captured 2",
        "Not seen 1",
        "Not compared on purpose 1",
        "Suppressed 13",
    ),
    "fleet": (
        "Which machine is different",
        "Not with the majority 2",
        "Groups of equal members 3",
        "Facts they do not agree on 4",
        "Members 16",
        "Distances",
        "Not seen 1",
        "Not compared on purpose 1",
    ),
    "graph": (
        "What does not fit together",
        "Conflicts 4",
        "Picture",
        "Waivers 1",
        "Not examined 1",
        "Not analysed 1",
    ),
    "empty graph": ("What does not fit together",),
    "identical": ("Which difference explains it",),
    "equal fleet": (
        "Which machine is different",
        "Groups of equal members 1",
        "Members 3",
        "Distances",
        "Not seen 1",
        "Not compared on purpose 1",
    ),
}


@pytest.mark.parametrize("name", OUTLINES)
def test_the_outline_of_a_page(name: str) -> None:
    page = parse(PAGES[name])

    assert tuple(" ".join(e.text.split()) for e in page.elements if e.tag in ("h1", "h2")) == OUTLINES[name]
    assert [e.tag for e in page.elements if e.tag in ("header", "main", "footer")] == [
        "header",
        "main",
        "footer",
    ]
    assert page.all("a", class_="skip", href="#main")
