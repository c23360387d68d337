"""A lock check in two lines."""

from __future__ import annotations

from reprocheck.model.lock import LockDifference
from reprocheck.render.lock_terse import render
from tests.render.test_lock_text import make_report, moved


def test_the_first_three_are_named_and_the_rest_is_counted() -> None:
    gone = LockDifference(kind="missing", type="pypi", name="gone", locked="1.0", found="")
    extra = LockDifference(kind="extra", type="pypi", name="new", locked="", found="3")
    assert render(make_report(gone, moved(), extra, moved("x"))) == (
        "differs from uv.lock: gone missing; numpy 1.0 → 2.0; new not locked; and 1 more\n"
        "4 packages are not as locked, 2 checked, 0 suppressed, 0 could not be told\n"
    )


def test_the_other_verdicts_and_hostile_names() -> None:
    assert render(make_report()).startswith("identical: ")
    assert render(make_report(verdict="inconclusive")).startswith("inconclusive: ")
    text = render(make_report(moved("a\x1b\n[31m"), file="\x1b]0;x"))
    assert ("\x1b" in text, len(text.splitlines())) == (False, 2)
