"""Patterns of --ignore on a lock check."""

from __future__ import annotations

from reprocheck.explain.lock_noise import ignore_in_lock
from reprocheck.explain.noise import parse_ignore
from reprocheck.model.lock import LockDifference, LockReport
from reprocheck.model.unknown import Unknown
from tests.render.test_lock_text import make_report, moved

PYTHON = LockDifference(kind="python", type="pypi", name="python", locked=">=3.12", found="3.11")


def ignored(report: LockReport, *patterns: str) -> LockReport:
    return ignore_in_lock(report, [parse_ignore(pattern, "option") for pattern in patterns])


def test_packages_go_by_type_and_name_and_the_interpreter_by_its_section() -> None:
    report = make_report(PYTHON, moved("a"), moved("b"))
    assert [d.name for d in ignored(report, "packages:pypi:a").differences] == ["python", "b"]
    assert [d.name for d in ignored(report, "pythons:*").differences] == ["a", "b"]
    assert [(s.pattern, s.count) for s in ignored(report, "a", "c").suppressed] == [("a", 1), ("c", 0)]


def test_the_verdict_follows_and_unknowns_stay() -> None:
    assert ignored(make_report(moved("a"), moved("b")), "pypi:a").verdict == "differs"
    assert ignored(make_report(moved("a")), "pypi:*").verdict == "identical"
    gone = Unknown(section="packages", where="a", reason="could not be read")
    report = ignored(make_report(moved("a"), unknowns=(gone,)), "*:*")
    assert (report.verdict, report.unknowns) == ("inconclusive", (gone,))
