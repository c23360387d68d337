"""Dependencies of Alpine's packages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.graph.apk import find_apk
from reprocheck.model.package import Package
from tests.strategies import make_manifest


def make_apk(name: str, version: str = "1.0-r0", **more: Any) -> Package:
    return Package(type="apk", name=name, version=version, purl=f"pkg:apk/alpine/{name}@{version}", **more)


THERE = (
    make_apk("musl", "1.2.5-r9", provides=("so:libc.musl-x86_64.so.1=1",)),
    make_apk("busybox", "1.37.0-r12", provides=("cmd:sh=1.37.0-r12", "/bin/sh")),
    make_apk("zlib-dev", "1.3.1-r2", provides=("pc:zlib=1.3.1",)),
    make_apk("nodejs", "22.11.0-r0", provides=("nodejs-lts=22.11.0", "js")),
)


def broken(*packages: Package) -> list[tuple[str, str, str]]:
    conflicts, unknowns = find_apk(make_manifest(packages=packages))
    assert unknowns == ()
    assert all(one.broken and one.code == "DEP-430" and one.type == "apk" for one in conflicts)
    return [(one.package, one.requirement, one.found) for one in conflicts]


@pytest.mark.parametrize(
    ("need", "found"),
    [
        ("so:libc.musl-x86_64.so.1", None),
        ("so:libssl.so.3", ""),
        ("cmd:sh", None),
        ("/bin/sh", None),
        ("pc:zlib>=1.3", None),
        ("pc:zlib>=1.4", "zlib-dev 1.3.1-r2"),
        ("musl>=1.2.5", None),
        ("musl=1.2.5-r9", None),
        ("musl<1.2", "musl 1.2.5-r9"),
        ("musl~1.2", None),
        ("musl=~1.2.5", None),
        ("musl~1.20", "musl 1.2.5-r9"),
        ("nodejs-lts>20", None),
        ("js", None),
        ("js>1", "nodejs 22.11.0-r0"),
        ("musl@edge", None),
        ("!gone", None),
        ("!musl<1.2", None),
        ("!nodejs-lts", "nodejs 22.11.0-r0"),
    ],
)
def test_a_dependency(need: str, found: str | None) -> None:
    """A provide without a version meets no versioned dependency; `~` compares the parts that are written."""
    expected = [] if found is None else [("app", need, found)]
    assert broken(*THERE, make_apk("app", depends=(need,))) == expected


def test_a_package_does_not_forbid_itself() -> None:
    assert broken(make_apk("mta", provides=("smtp",), depends=("!smtp",))) == []


@pytest.mark.parametrize("text", ["", "a>", "a><Q1abc=", ">=1", "a b", "a=1=2", "musl>=not.a.version"])
def test_what_cannot_be_read_is_an_unknown(text: str) -> None:
    conflicts, unknowns = find_apk(make_manifest(packages=(*THERE, make_apk("app", depends=(text, "gone")))))
    assert [one.requirement for one in conflicts] == ["gone"], "the rest goes on"
    assert [(u.section, u.where) for u in unknowns] == [("graph", "app 1.0-r0")]


@given(st.text(max_size=30))
@settings(max_examples=50)
def test_any_text_is_a_relation_or_an_unknown(text: str) -> None:
    find_apk(make_manifest(packages=(make_apk("app", depends=(text,)),)))


def test_the_order_of_the_packages_does_not_matter() -> None:
    packages = (make_apk("a", depends=("b", "gone")), make_apk("b", depends=("so:x",)))
    one, two = (find_apk(make_manifest(packages=p)) for p in (packages, packages[::-1]))
    assert one == two
    assert one[0][1].causes[0].chain == ("a 1.0-r0", "b 1.0-r0")
