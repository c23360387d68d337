"""What the page of a diff says."""

from __future__ import annotations

import pytest

from reprocheck.model.change import GROUPS, OutputAgreement
from reprocheck.model.unknown import Unknown
from reprocheck.render.html import diff as module
from reprocheck.render.html import render_diff, words
from reprocheck.render.html.words import command, side, spelled
from tests.render.html.parsing import Page, parse
from tests.render.html.reports import diff_report, finding, full_diff


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(render_diff(full_diff()))


def test_the_answer_stands_first(page: Page) -> None:
    verdict = page.all("p", class_="verdict")[0].text
    assert "differs" in verdict
    assert "40 differences, 5 folded behind them: 10 can change results, 10 can break the run" in verdict
    assert "2 outputs differ" in verdict


def test_seven_cards_then_everything_in_groups(page: Page) -> None:
    cards = page.all("li", class_="card")

    assert len(cards) == 7
    assert "torch" in cards[0].text
    assert "and 33 more (26 never loaded in either run), in groups below" in page.text
    assert not [card for card in cards if "never loaded" in card.text]
    assert len([e for e in page.elements if "data-row" in e.attributes]) == 43
    assert [e.text.strip() for e in page.all("h3")][-7:] == [
        "settings and variables",
        "numeric libraries",
        "CPU and GPU",
        "other Python packages",
        "OS packages",
        "outputs: the effect, not a cause",
        "noise: decides no verdict",
    ]


def test_a_card_tells_what_why_and_how_to_undo(page: Page) -> None:
    card = " ".join(page.all("li", class_="card")[0].text.split())
    for said in (
        "high",
        "PKG-331",
        "can change results",
        "loaded in the run",
        "from 2.12.0+cu126",
        "to 2.13.0+cu130",
        "Kernels and defaults change",
        "pip install torch==2.12.0+cu126",
        "+5 that moved only because of it",
        "nvidia-cudnn-cu13",
        "U+043E CYRILLIC SMALL LETTER O",
    ):
        assert said in card


def test_when_nothing_that_differs_was_loaded_there_is_no_suspect() -> None:
    page = parse(render_diff(diff_report(*(finding(n, used="idle") for n in range(3)))))

    assert page.all("li", class_="card") == []
    assert "Nothing that differs was loaded in either run. 3 more (3 never loaded in either run)" in page.text


def test_noise_is_counted_nowhere_and_says_why_it_is_noise(page: Page) -> None:
    assert "Noise: the engine makes one up for every container" in page.text
    noise = finding(0, noise="made up", effect="none")
    only = parse(render_diff(diff_report(noise, verdict="identical", explained=False)))
    assert only.all("li", class_="card") == []
    assert "Nothing that was found explains" not in only.text
    assert "identical nothing differs" in " ".join(only.all("p", class_="verdict")[0].text.split())


def test_look_alikes_are_told_before_the_suspects(page: Page) -> None:
    heading = page.elements.index(page.all("h2", id="alike")[0])

    assert heading < page.elements.index(page.all("h2", id="first")[0])
    assert "torch looks like t\u043erch (\u043e is U+043E CYRILLIC SMALL LETTER O)" in page.text


def test_each_pair_of_look_alikes_is_listed_once() -> None:
    odd, plain = "nump\u0443", "numpy"
    both = (finding(1, name=plain, alike=(odd,)), finding(2, name=odd, alike=(plain,)))
    page = parse(render_diff(diff_report(*both)))
    callout = page.all("section", class_="callout")[0].text
    assert callout.count("looks like") == 1
    assert "Names that look alike 1" in " ".join(callout.split())


def test_how_many_outputs_agree_is_in_the_headline() -> None:
    equal = OutputAgreement(compared=3, differing=0)
    for report in (diff_report(outputs=equal), diff_report(finding(0), outputs=equal)):
        said = parse(render_diff(report)).all("p", class_="verdict")[0].text
        assert "; the outputs of both runs are equal (3 compared)" in said
    some = diff_report(finding(0), outputs=OutputAgreement(compared=3, differing=2))
    assert "; 2 of 3 outputs differ" in parse(render_diff(some)).all("p", class_="verdict")[0].text


def test_what_was_folded_is_told_apart_from_its_head() -> None:
    page = parse(render_diff(diff_report(finding(0, name="torch", folded=("torch (cuda)", "x", "x")))))
    assert "+3 that moved only because of it its cuda x (2)" in page.text


def test_every_group_has_a_name_and_a_place() -> None:
    assert [name for name in words.GROUPS if name != "noise"] == list(GROUPS)


def test_outputs_are_no_suspects() -> None:
    symptom = finding(0, effect="symptom", section="outputs", name="metrics.json")
    page = parse(render_diff(diff_report(symptom, explained=False)))

    assert page.all("li", class_="card") == []
    assert "1 output differs" in page.text
    assert "metrics.json" in page.text


def test_forecast_mending_gaps_and_what_was_left_out(page: Page) -> None:
    for said in (
        "bit-identical results are not to be expected",
        "NVIDIA, cuBLAS library documentation",
        "(checked 2026-11-01)",
        "(absent)",
        "python -m pip install 'torch==2.12.0+cu126' numpy==2.1.0",
        "undoes 2 differences: numpy, torch",
        "needs a network and an index that still has both",
        "cpu.model: another CPU",
        "loaded libraries on both sides; capture it with reprocheck run --observe",
        "GPU on the second side",
        "GPU 0: the driver did not answer",
        "API_TOKEN: its value was withheld",
        "Suppressed 13",
        "packages:lib*-doc 12 differences, by an option",
    ):
        assert said in page.text


def test_a_report_without_the_optional_parts_has_none_of_their_headings() -> None:
    page = parse(render_diff(diff_report(finding(0))))

    assert [e.text.split("\n")[0] for e in page.all("h2")] == ["First suspects", "All differences 1"]


def test_it_says_plainly_that_nothing_explains_it() -> None:
    said = "Nothing that was found explains a difference in results."
    assert said in render_diff(diff_report(finding(0, effect="bytes"), explained=False))
    assert said not in render_diff(diff_report(finding(0)))
    assert said not in render_diff(diff_report(explained=False))


@pytest.mark.parametrize(
    ("verdict", "said"),
    [("identical", "nothing differs"), ("inconclusive", "not everything was seen (host, os)")],
)
def test_verdicts_without_findings(verdict: str, said: str) -> None:
    unknowns = tuple(Unknown(section=s, where="w", reason="r") for s in ("os", "host"))
    page = parse(render_diff(diff_report(verdict=verdict, unknowns=unknowns)))

    assert said in page.all("p", class_="verdict")[0].text


def test_more_findings_than_a_page_takes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    page = parse(render_diff(diff_report(*(finding(n) for n in range(25)))))

    assert len([e for e in page.elements if "data-row" in e.attributes]) == 10
    assert "The last 15 by rank are not on this page" in page.text
    assert "All differences 25" in " ".join(page.text.split())


def test_filters_offer_what_is_there_with_counts(page: Page) -> None:
    options = [e.text for e in page.all("option")]

    assert "can change results (10)" in options
    assert "outputs (2)" in options
    assert options.count("all") == 3


def test_only_a_command_that_is_shown_whole_can_be_copied() -> None:
    assert command("pip install a==1").whole
    assert not command("pip install a\u202e").whole
    assert not command("echo a\nrm b").whole
    assert not command("x" * 20_000).whole
    page = parse(render_diff(diff_report(finding(0, fix="pip install a\u202e"))))
    assert page.all("button", class_="copy") == []
    assert "not offered for copying" in page.text


def test_sides_in_words() -> None:
    assert side(None) == "(absent)"
    assert side("") == "(empty)"
    assert side("sha256:" + "a" * 64) == "sha256:" + "a" * 12 + "…"
    assert spelled("torch") == ""
    assert spelled("t\u043erch") == "\u043e is U+043E CYRILLIC SMALL LETTER O"


def test_the_change_log_is_a_link_only_where_it_is_an_address_of_the_web() -> None:
    log = "https://example.org/changes?a=1&b"
    report = diff_report(finding(0, changes=log, major=True), finding(1, changes="javascript:alert(1)"))
    page = parse(render_diff(report))
    links = {link.attributes["href"] or "" for link in page.all("a")}
    assert {link for link in links if not link.startswith("#")} == {log}
    assert "What changed: javascript:alert(1)" in page.text
    assert "major version" in page.text
