"""The pages in a real browser: nothing refused, nothing hidden behind an edge, usable by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reprocheck.render.html import render_diff, render_fleet, render_graph
from reprocheck.render.html.diff import OPEN_ROWS
from reprocheck.render.safe import show as shown
from tests.browser.webdriver import Browser
from tests.render.html import reports

pytestmark = pytest.mark.browser

Opener = Callable[..., Browser]
TAB, ENTER, SPACE = "\ue004", "\ue007", " "

PAGES = {
    "diff": render_diff(reports.full_diff()),
    "fleet": render_fleet(reports.fleet()),
    "graph": render_graph(reports.graph()),
    "hostile diff": render_diff(reports.hostile_diff()),
    "hostile fleet": render_fleet(reports.fleet(16, names=reports.HOSTILE)),
    "hostile graph": render_graph(reports.hostile_graph()),
    "identical": render_diff(reports.diff_report()),
}
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"width": 320, "height": 640},
    "dark": {"prefers_color_scheme": "dark"},
    "still": {"prefers_reduced_motion": "reduce"},
}


def count(browser: Browser) -> Any:
    return browser.run("return document.querySelector('[data-filters] output').textContent")


def visible(browser: Browser) -> Any:
    return browser.run(
        "return [...document.querySelectorAll('[data-row]')].filter((row) => !row.hidden).length"
    )


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_without_a_word_in_the_console(show: Opener, page: str, screen: str) -> None:
    """And fits the width: at 320 pixels, too, only its tables may be wider, each in a box of its own."""
    browser = show(PAGES[page], **SCREENS[screen])

    assert browser.log() == []
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    assert browser.run("return document.querySelectorAll('[data-needs-script][hidden]').length") == 0


def test_the_console_would_tell(show: Opener) -> None:
    """The policy refuses what nobody named, and the log that the other tests look at says so."""
    planted = "<script>document.title = 'owned'</script><p style='color: red'>x</p></main>"
    browser = show(PAGES["diff"].replace("</main>", planted))

    said = " ".join(browser.log())
    assert "script-src" in said
    assert "style-src" in said
    assert browser.run("return document.title") == "reprocheck diff: differs"


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("hostile")])
def test_hostile_names_are_shown_as_text(show: Opener, page: str) -> None:
    browser = show(PAGES[page])
    text = browser.run("return document.body.textContent.replace(/\\s+/g, ' ')")

    assert "owned" not in browser.run("return document.title")
    assert browser.run("return document.querySelectorAll('img:not(#paper-picture)').length") == 0
    for hostile in reports.HOSTILE:
        assert shown(hostile, limit=60).partition("…")[0] in text
    assert browser.run("return document.querySelectorAll('[onerror], [href^=javascript]').length") == 0


def test_the_filter_narrows_counts_and_clears(show: Opener) -> None:
    browser = show(render_diff(reports.full_diff(400)))
    assert count(browser) == "403 of 403 differences shown"

    browser.type("#all ~ form input", "package-39 numbers")
    browser.wait("document.querySelector('[data-filters] output').textContent.startsWith('11 of')")
    assert visible(browser) == 11
    assert browser.run("return document.querySelectorAll('[data-group][open]').length") == 5

    browser.run(
        "const s = document.querySelector('select[name=severity]'); s.value = 'high';"
        "s.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    browser.wait("document.querySelector('[data-filters] output').textContent.startsWith('2 of')")
    assert visible(browser) == 2

    browser.click("[data-filters] button[type=reset]")
    browser.wait("document.querySelector('[data-filters] output').textContent.startsWith('403 of')")
    unfolded = browser.run("return document.querySelectorAll('[data-group][open]').length")
    assert unfolded == 2, f"only outputs and noise have at most {OPEN_ROWS} rows"


def test_the_filter_says_when_nothing_fits(show: Opener) -> None:
    browser = show(PAGES["fleet"])
    browser.type("[data-filters=facts] input", "no such fact")
    browser.wait("document.querySelector('[data-filters=facts] output').textContent.startsWith('0 of')")

    assert browser.run("return document.getElementById('facts-nothing').hidden") is False


def test_the_first_tab_offers_to_skip_to_the_result(show: Opener) -> None:
    browser = show(PAGES["diff"])
    browser.keys(TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0

    browser.keys(ENTER)
    assert browser.run("return document.activeElement.id") == "main"


@pytest.mark.parametrize("page", ["diff", "fleet", "graph"])
def test_all_controls_are_reached_by_tab_in_their_order_with_a_visible_mark(show: Opener, page: str) -> None:
    browser = show(PAGES[page])
    wanted = browser.run(
        "const all = 'a[href], button, input, select, summary, [tabindex=\"0\"]';"
        "const shown = (e) => e.checkVisibility() && e.getClientRects().length;"
        "window.controls = [...document.querySelectorAll(all)].filter(shown); return window.controls.length"
    )
    seen = []
    for _ in range(wanted):
        browser.keys(TAB)
        place, mark = browser.run(
            "const e = document.activeElement;"
            "return [window.controls.indexOf(e), getComputedStyle(e).outlineStyle !== 'none']"
        )
        seen.append(place)
        assert mark, f"the control at {place} does not show that it has the focus"
    assert [place for place in seen if place >= 0] == sorted({place for place in seen if place >= 0})
    assert set(range(wanted)) - set(seen) == set()


def test_dark_is_the_system_s_choice_and_the_button_s(show: Opener) -> None:
    def ground(browser: Browser) -> Any:
        return browser.run("return getComputedStyle(document.body).backgroundColor")

    browser = show(PAGES["graph"], prefers_color_scheme="dark")
    assert ground(browser) == "rgb(19, 22, 26)"
    assert browser.run("return document.getElementById('theme').ariaPressed") == "true"

    browser.click("#theme")
    assert ground(browser) == "rgb(255, 255, 255)"
    assert browser.run("return document.getElementById('theme').ariaPressed") == "false"
    assert browser.run("return Object.keys(localStorage).length + document.cookie.length") == 0
    assert browser.log() == []


def test_a_command_is_copied_as_it_is(show: Opener) -> None:
    browser = show(PAGES["diff"])
    browser.devtools(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    browser.click(".card button.copy")
    browser.wait("document.querySelector('.card button.copy').textContent === 'Copied'")

    copied = browser.wait(
        "window.copied || (navigator.clipboard.readText().then((t) => { window.copied = t }), '')"
    )
    assert copied == reports.torch().fix
    assert browser.run("return document.getElementById('said').textContent") == "Copied"


@pytest.mark.parametrize("page", ["diff", "fleet", "graph"])
def test_on_paper_everything_is_unfolded(show: Opener, page: str) -> None:
    browser = show(PAGES[page])
    folded = browser.run("return document.querySelectorAll('main details:not([open])').length")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("return document.querySelectorAll('main details:not([open])').length") == 0

    browser.devtools("Emulation.setEmulatedMedia", media="print")
    assert browser.run("return document.querySelector('#theme').checkVisibility()") is False
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.devtools("Emulation.setEmulatedMedia", media="")
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("return document.querySelectorAll('main details:not([open])').length") == folded
    assert browser.pdf().startswith(b"%PDF-")
    assert browser.log() == []


@pytest.mark.parametrize("page", ["diff", "fleet", "graph"])
def test_without_scripts_everything_can_be_read(show: Opener, browser: Browser, page: str) -> None:
    """And nothing is offered that would not work."""
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(PAGES[page])
        facts = browser.devtools(
            "Runtime.evaluate",
            returnByValue=True,
            expression="""[
                [...document.querySelectorAll('[data-row]')].every((row) => !row.hidden),
                [...document.querySelectorAll('button, input, select, canvas')]
                    .filter((e) => e.checkVisibility()).length,
                document.documentElement.dataset.theme === undefined,
            ]""",
        )
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    assert facts["result"]["value"] == [True, 0, True]


def test_the_chart_of_a_fleet_is_drawn_and_follows_the_colours(show: Opener) -> None:
    browser = show(PAGES["fleet"])
    assert browser.run("return document.getElementById('chart').dataset.drawn") == "16"

    browser.click("#theme")
    assert browser.run("return document.querySelectorAll('#chart canvas').length") == 1
    assert browser.log() == []
