"""Breaks and Conflicts of Debian packages, and architectures where there are several."""

from __future__ import annotations

import pytest

from reprocheck.graph.debian import build_debian, find_debian_conflicts
from reprocheck.model.package import Package
from tests.strategies import make_deb, make_manifest


def broken(*packages: Package) -> list[tuple[str, str, str]]:
    graph = build_debian(make_manifest(packages=packages))
    assert graph.unknowns == ()
    found = find_debian_conflicts(graph)
    assert all(one.broken and one.code == "DEP-430" for one in found)
    return [(one.package, one.requirement, one.found) for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lib (<< 2)", "lib 1.5-1"),
        ("lib (<< 1.5)", ""),
        ("lib:any (<< 2)", "lib 1.5-1"),
        ("virtual", "lib 1.5-1"),
        ("virtual (<< 4)", "lib 1.5-1"),
        ("virtual (<< 3)", ""),
        ("gone", ""),
        ("app", ""),
        ("mta", ""),
    ],
)
def test_what_a_package_forbids(text: str, found: str) -> None:
    """Never itself, though it provides what it forbids (Policy 7.4)."""
    packages = (
        make_deb("app", conflicts=(text,), provides=("mta",)),
        make_deb("lib", "1.5-1", provides=("virtual (= 3)",)),
    )
    assert broken(*packages) == ([("app", f"Conflicts or Breaks: {text}", found)] if found else [])


def test_a_clash_names_who_needs_the_forbidden_one() -> None:
    packages = (
        make_deb("app", conflicts=("lib (<< 2)",)),
        make_deb("lib", "1.5-1"),
        make_deb("other", depends=("lib",)),
    )
    (conflict,) = find_debian_conflicts(build_debian(make_manifest(packages=packages)))
    assert [(c.parent, c.requirement) for c in conflict.causes] == [
        ("app 1.0-1", "Conflicts or Breaks: lib (<< 2)"),
        ("other 1.0-1", "lib"),
    ]


@pytest.mark.parametrize(
    ("need", "architecture", "multi_arch", "met"),
    [
        ("lib", "amd64", "", True),
        ("lib", "i386", "", False),
        ("lib", "i386", "foreign", True),
        ("lib", "i386", "same", False),
        ("lib", "all", "", True),
        ("lib:any", "i386", "allowed", True),
        ("lib:i386", "i386", "", True),
        ("lib:i386", "amd64", "", False),
        ("virtual", "i386", "", False),
        ("virtual", "amd64", "", True),
    ],
)
def test_architectures(need: str, architecture: str, multi_arch: str, met: bool) -> None:
    """Without a qualifier a dependency means the parent's own architecture, or a package for all of them."""
    packages = (
        make_deb("dpkg", architecture="amd64"),
        make_deb("app", architecture="amd64", depends=(need,)),
        make_deb("foreign", architecture="i386"),
        make_deb("lib", architecture=architecture, multi_arch=multi_arch, provides=("virtual",)),
    )
    assert bool(broken(*packages)) is not met


def test_a_package_for_all_architectures_means_the_native_one() -> None:
    packages = (
        make_deb("dpkg", architecture="amd64"),
        make_deb("script", architecture="all", depends=("lib",)),
        make_deb("lib", architecture="i386"),
    )
    assert [row[:2] for row in broken(*packages)] == [("script", "lib")]
    assert broken(*packages[:2], make_deb("lib", architecture="amd64")) == []
