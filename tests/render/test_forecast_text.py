"""A forecast as text: the answer first, what decides it behind, and nothing that a terminal acts on."""

from __future__ import annotations

import pytest

from reprocheck.explain.forecast import forecast
from reprocheck.model.forecast import Expectation, Forecast, Statement
from reprocheck.render import forecast_text
from reprocheck.render.style import Style
from tests.faults.harness import acting
from tests.render.html.reports import HOSTILE
from tests.strategies import make_gpu, make_host, make_manifest


def statement(subject: str, expectation: Expectation, **overrides: str | None) -> Statement:
    fields: dict[str, str | None] = {
        "before": "8.0",
        "after": "9.0",
        "why": "equal bits are not to be expected across them",
        "source": "owner/repo#1",
        "date": "2026-11-23",
    }
    return Statement(subject=subject, expectation=expectation, **fields | overrides)  # type: ignore[arg-type]


DIFFERS = Forecast(
    expectation="differs",
    statements=(
        statement("gpu.architecture", "differs"),
        statement("driver", "unknown", before=None, after=None),
        statement("libc", "identical"),
    ),
)


def test_what_is_known_to_differ_is_told_with_its_source_and_the_rest_is_named() -> None:
    assert forecast_text.render(DIFFERS) == (
        "forecast: equal bits are not to be expected\n"
        "  gpu.architecture  8.0 → 9.0\n"
        "      equal bits are not to be expected across them [owner/repo#1; 2026-11-23]\n"
        "  not known besides: driver\n"
        "  1 other subject agrees\n"
    )


def test_what_is_not_known_is_told_when_that_decides() -> None:
    told = Forecast(expectation="unknown", statements=DIFFERS.statements[1:])
    text = forecast_text.render(told)
    assert text.startswith("forecast: cannot be told whether bits will be equal\n  driver\n")
    assert "not known besides" not in text


def test_an_equal_pair_is_told_by_its_subjects_alone() -> None:
    told = Forecast(expectation="identical", statements=DIFFERS.statements[2:])
    assert forecast_text.render(told) == "forecast: equal bits are to be expected\n  known and equal: libc\n"


@pytest.mark.parametrize("width", [40, 60, 100])
def test_prose_keeps_to_the_width(width: int) -> None:
    a, b = make_manifest(), make_manifest(host=make_host(gpus=(make_gpu(),)))
    lines = forecast_text.render(forecast(a, b), width=width).splitlines()
    prose = [line for line in lines if line.startswith("      ")]
    # A source is never broken, so one that is longer than the line stands on its own.
    assert all(len(line) <= width or " " not in line.strip() for line in prose)


def test_colour_paints_the_answer() -> None:
    assert "\x1b[1;31m" in forecast_text.render(DIFFERS, style=Style(color=True))
    assert "\x1b" not in forecast_text.render(DIFFERS)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    told = statement(text, "differs", before=text, after=text, why=text, source=text, date=text)
    assert acting(forecast_text.render(Forecast(expectation="differs", statements=(told,)))) == []
