"""Only what is new, and what somebody decided to live with."""

from __future__ import annotations

from reprocheck.graph import analyse, new_since, waive
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import GraphReport, Waiver
from reprocheck.model.package import Package
from reprocheck.render import graph_text
from tests.strategies import make_manifest, make_pypi


def graph(*packages: Package) -> GraphReport:
    """The report of an environment with these packages."""
    return analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)


def waiver(**fields: str) -> Waiver:
    """A waiver of A's missing requirement, good until the end of 2026."""
    return Waiver(**{"code": "DEP-402", "package": "A", "reason": "known", "expires": "2026-12-31"} | fields)


MISSING = make_pypi("A", requires=("gone>=1",))


def test_a_conflict_that_both_have_is_left_out_whatever_version_was_found() -> None:
    """The requirement is what makes it the same conflict."""
    a = graph(make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.0"))
    b = graph(make_pypi("A", "1.1", requires=("B>=2", "C")), make_pypi("B", "1.5"))
    report = new_since(b, a, name="a.json")
    assert [c.requirement for c in report.conflicts] == ["C"]
    assert (report.inherited, report.since) == (1, "a.json")
    assert "1 conflict of a.json left out" in graph_text.render(report)
    assert new_since(a, a).conflicts == ()


def test_a_requirement_that_grew_is_a_new_conflict() -> None:
    """B>=2 and B>=3 are two questions."""
    a = graph(make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.0"))
    b = graph(make_pypi("A", requires=("B>=3",)), make_pypi("B", "1.0"))
    assert len(new_since(b, a).conflicts) == 1


def test_a_waiver_holds_through_its_last_day() -> None:
    """The conflict stays in the report, with the reason."""
    for today, reason, state in (("2026-12-31", "known", "used"), ("2027-01-01", "", "expired")):
        report = waive(graph(MISSING), [waiver()], today)
        assert [(c.waived, c.broken) for c in report.conflicts] == [(reason, True)]
        assert [(use.state, use.conflicts) for use in report.waivers] == [(state, 1)]


def test_a_waiver_that_matches_nothing_or_has_no_day_is_reported() -> None:
    """Another code, another package, a typing mistake; the name's spelling does not matter."""
    given = [waiver(code="DEP-401"), waiver(package="B"), waiver(expires="soon"), waiver(code="dep-402")]
    report = waive(graph(MISSING), given, "2026-11-22")
    assert [use.state for use in report.waivers] == ["unmatched", "unmatched", "malformed", "used"]
    text = graph_text.render(report)
    assert "waived: known" in text
    assert "(0 broken, 1 waived)" in text
    assert text.count("matches no conflict") == 2
    assert "is no day" in text


def test_a_waiver_names_the_package_that_requires_or_the_one_that_is_required() -> None:
    for name in ("A", "Gone", "gone"):
        report = waive(graph(MISSING), [waiver(package=name)], "2026-11-22")
        assert [use.state for use in report.waivers] == ["used"]
    report = waive(graph(MISSING), [waiver(package="gon")], "2026-11-22")
    assert [use.state for use in report.waivers] == ["unmatched"]
