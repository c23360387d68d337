"""Dependencies of OS packages: alternatives, Provides, dpkg's order."""

from __future__ import annotations

import pytest

from reprocheck.graph import analyse
from reprocheck.graph.debian import read_group
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import GraphReport
from reprocheck.model.package import Package
from tests.strategies import make_deb, make_manifest


def graph(*packages: Package) -> GraphReport:
    """The report of an image with these OS packages and no Python."""
    return analyse(make_manifest(packages=packages, pythons=(), libraries=()), limits=DEFAULT)


@pytest.mark.parametrize(
    ("group", "met"),
    [
        ("libc6", True),
        ("libc6 (>= 2.36)", True),
        ("libc6 (>= 2.36-9+deb12u7)", True),
        ("libc6 (>> 2.36-9+deb12u7)", False),
        ("libc6 (<< 2.36-9+deb12u7~)", False),
        ("libc6 (= 2.36-9+deb12u7)", True),
        ("libc6 (>= 2.38)", False),
        ("libc6 (<= 3)", True),
        ("libc6:any (>= 2.3)", True),
        ("libc6:amd64", True),
        ("libc6:arm64", False),
        ("absent", False),
        ("absent | libc6", True),
        ("absent (>= 1) | also-absent", False),
        ("mawk | awk", True),
        ("awk (>= 1)", False),
        ("virtual (>= 2)", True),
        ("virtual (>= 4)", False),
        ("epoch (>= 2.0)", True),
        ("tilde (>= 1.0)", False),
    ],
)
def test_a_dependency_group(group: str, met: bool) -> None:
    """Met by a real package, an alternative or a Provides; versioned only by a versioned Provides."""
    report = graph(
        make_deb("app", depends=(group,)),
        make_deb("libc6", "2.36-9+deb12u7"),
        make_deb("gawk", provides=("awk",)),
        make_deb("real", provides=("virtual (= 3.0)",)),
        make_deb("epoch", "1:1.0"),
        make_deb("tilde", "1.0~rc1"),
    )
    assert [c.broken for c in report.conflicts] == ([] if met else [True])
    assert report.unknowns == ()


def test_a_conflict_names_both_sides() -> None:
    """DEP-430, unsatisfied when another version is there, missing otherwise."""
    report = graph(make_deb("app", depends=("libc6 (>= 2.38)", "gone")), make_deb("libc6", "2.36-9"))
    assert [(c.code, c.kind, c.package, c.requirement, c.found, c.type) for c in report.conflicts] == [
        ("DEP-430", "missing", "app", "gone", "", "deb"),
        ("DEP-430", "unsatisfied", "app", "libc6 (>= 2.38)", "libc6 2.36-9", "deb"),
    ]
    assert [(n.label, n.broken) for n in report.nodes] == [
        ("app 1.0-1", True),
        ("gone (missing)", True),
        ("libc6 2.36-9", False),
    ]
    assert all(e.broken for e in report.edges)


def test_debian_cycles_are_ordinary_and_not_reported() -> None:
    """libc6 and libgcc-s1 need each other on every system."""
    packages = (make_deb("libc6", depends=("libgcc-s1",)), make_deb("libgcc-s1", depends=("libc6",)))
    assert graph(*packages).conflicts == ()


@pytest.mark.parametrize("group", ["", "|", "libc6 (>=", "libc6 (~= 1)", "a b", "((((", "a" * 70_000])
def test_a_malformed_group_is_an_unknown(group: str) -> None:
    """Of that package; the good one beside it still counts."""
    report = graph(make_deb("app", depends=(group, "gone")))
    assert [c.requirement for c in report.conflicts] == ["gone"]
    assert [u.where for u in report.unknowns] == ["app 1.0-1"]


def test_a_version_that_dpkg_cannot_order_is_an_unknown() -> None:
    """Neither met nor broken."""
    report = graph(make_deb("app", depends=("lib (>= 1)",)), make_deb("lib", "9" * 100_000))
    assert report.conflicts == ()
    assert len(report.unknowns) == 1


def test_reading_a_group() -> None:
    """Architecture qualifier, obsolete single signs, restriction lists."""
    first, second = read_group("a:any (< 1) [amd64] <!nocheck> | b (>> 2:1.0~rc1-3)")
    assert (first.name, first.arch, first.operator, first.version) == ("a", "any", "<=", "1")
    assert (second.name, second.arch, second.operator, second.version) == ("b", "", ">>", "2:1.0~rc1-3")
