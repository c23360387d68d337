"""What is never advised: to take away what the second side's system, or its package manager, runs on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.judging import normal_name
from reprocheck.explain.mending import mend
from reprocheck.explain.mending_vital import is_vital, vital_of
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Mending
from tests.strategies import make_conda, make_deb, make_manifest, make_pypi

FAST = settings(deadline=None, max_examples=50)
TOOLS = tuple(
    make_deb(name, type=kind) for kind, name in (("deb", "apt"), ("rpm", "dnf"), ("apk", "apk-tools"))
)
VITAL = "the second side's system does not run without it"
SYSTEMS = ("deb", "rpm", "apk")


def side(*packages: Any) -> Manifest:
    return make_manifest(packages=(*TOOLS, *packages))


def mended(a: Manifest, b: Manifest) -> Mending:
    return mend(a, b, compare(a, b))


def reasons(a: Manifest, b: Manifest) -> dict[str, str]:
    return {x.name: x.reason for x in mended(a, b).unmended}


def fixes(a: Manifest, b: Manifest) -> dict[str, str]:
    return {f.name: f.fix for f in rank(compare(a, b), a, b).findings}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("deb", name) for name in ("libc6", "libc-bin", "dpkg", "apt", "bash", "base-files", "coreutils")),
        *(("rpm", name) for name in ("glibc", "rpm", "dnf", "bash", "coreutils-single", "rocky-release")),
        *(("apk", name) for name in ("musl", "busybox", "apk-tools", "alpine-baselayout")),
    ],
)
def test_what_a_system_runs_on_is_never_removed(kind: str, name: str) -> None:
    base = {"deb": "hostname", "rpm": "setup", "apk": "zlib"}[kind]
    both = (*(tool for tool in TOOLS if tool.name != name), make_deb(base, type=kind))
    a, b = make_manifest(packages=both), make_manifest(packages=(*both, make_deb(name, type=kind), *TOOLS))
    assert [step for step in mended(a, b).steps if f"{kind}:{name}" in step.undoes] == []
    assert reasons(a, b)[f"{kind}:{name}"] == VITAL
    assert fixes(a, b)[name] == (
        "start from the first side's system: this one does not run without the package"
    )


def test_it_may_still_be_brought_to_the_first_sides_version() -> None:
    a, b = side(make_deb("libc6", "2.36-1")), side(make_deb("libc6", "2.36-2"))
    assert mended(a, b).steps[-1].command.endswith(" libc6=2.36-1")
    assert mended(a, b).unmended == ()


def test_what_a_vital_package_depends_on_is_vital_too() -> None:
    """The libraries of `dpkg` and `tar` differ between releases: they are followed, not listed."""
    deb = (
        make_deb("dpkg", depends=("libzstd1:any (>= 1.5)", "tar (>= 1.28)")),
        make_deb("tar", depends=("absent | libacl1 (>= 2)",)),
        make_deb("libzstd1"), make_deb("libacl1", depends=("libdeep1",)), make_deb("libdeep1"),
        make_deb("curl", depends=("libcurl4",)), make_deb("libcurl4"),
    )  # fmt: skip
    left = reasons(side(), side(*deb))
    assert set(left) == {f"deb:{name}" for name in ("dpkg", "tar", "libzstd1", "libacl1", "libdeep1")}
    assert set(left.values()) == {VITAL}
    assert mended(side(), side(*deb)).steps[-1].undoes == ("deb:curl", "deb:libcurl4")


def test_one_of_a_choice_may_stand_for_the_other() -> None:
    """base-files needs `awk`, which mawk and gawk provide: neither is vital by itself."""
    base = make_deb("base-files", depends=("awk",))
    a, b = side(base, make_deb("mawk", provides=("awk",))), side(base, make_deb("gawk", provides=("awk",)))
    assert mended(a, b).steps[-1].command.endswith(" gawk- mawk=1.0-1")


@pytest.mark.parametrize("kind", SYSTEMS)
def test_of_a_side_that_lists_no_system_packages_nothing_is_removed(kind: str) -> None:
    """An environment without a package database, or a root of another system."""
    a = make_manifest(packages=(make_pypi("x"),))
    b = make_manifest(packages=(make_pypi("x"), make_deb("curl", type=kind), *TOOLS))
    assert mended(a, b).steps == ()
    assert reasons(a, b)[f"{kind}:curl"] == "the first side lists no packages of its system"
    assert fixes(a, b)["curl"] == f"start from the first side's system: it lists no {kind} packages of one"


def test_a_distribution_of_a_vital_package_is_kept_with_it() -> None:
    owned = make_pypi("dnf", "4", owner="pkg:rpm/rocky/python3-dnf@4?arch=noarch")
    a, b = side(), side(make_deb("python3-dnf", "4", type="rpm"), owned)
    assert mended(a, b).steps == ()
    assert {fix.partition(":")[0] for fix in fixes(a, b).values()} == {"start from the first side's system"}


def test_conda_does_not_take_away_what_it_runs_on() -> None:
    own = [make_conda(name, prefix="/opt/conda") for name in ("conda", "python")]
    other = make_conda("x", prefix="/opt/conda/envs/e")
    a, b = make_manifest(packages=()), make_manifest(packages=(*own, other))
    assert [step.command for step in mended(a, b).steps] == ["conda remove -y --force -p /opt/conda/envs/e x"]
    assert set(reasons(a, b).values()) == {"conda runs from the environment that it is in"}


def test_a_conda_that_both_sides_have_may_lose_another_package() -> None:
    conda = make_conda("conda")
    a, b = make_manifest(packages=(conda,)), make_manifest(packages=(conda, make_conda("x")))
    assert [step.command for step in mended(a, b).steps] == ["conda remove -y --force -p /opt/conda x"]


def test_names_are_of_their_own_kind() -> None:
    assert is_vital("rpm", "fedora-release")
    assert not is_vital("deb", "fedora-release")
    assert not is_vital("pypi", "bash")


def test_a_hundred_thousand_packages_in_a_ring_are_followed_once() -> None:
    count = 100_000
    ring = [make_deb(f"p{n}", depends=(f"p{(n + 1) % count}",)) for n in range(count)]
    assert len(vital_of([make_deb("dpkg", depends=("p0",)), *ring])) == count + 1


@FAST
@given(st.lists(st.tuples(st.text(max_size=8), st.lists(st.text(max_size=12), max_size=3)), max_size=8))
def test_malformed_dependencies_are_followed_without_complaint(rows: list[tuple[str, list[str]]]) -> None:
    packages = [make_deb(name or "x", depends=tuple(depends)) for name, depends in rows]
    found = vital_of([make_deb("dpkg", depends=("(", "|", " : ", *(row[0] for row in rows))), *packages])
    assert ("deb", "dpkg") in found
    assert found <= {("deb", normal_name("deb", package.name)) for package in packages} | {("deb", "dpkg")}
