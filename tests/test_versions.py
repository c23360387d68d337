"""Version order per ecosystem, against dpkg itself and against vectors from the specifications' prose."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprocheck.model.package import PackageType
from reprocheck.versions import MAX_LENGTH, order

TYPES: tuple[PackageType, ...] = ("pypi", "deb", "rpm", "apk", "conda")

UPSTREAM = st.from_regex(r"\A[0-9]{1,3}[0-9a-c.+~]{0,6}\Z")
DEB = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]),
    UPSTREAM,
    st.sampled_from(["", "-0", "-1", "-1~bpo12", "-1+b1", "-01"]),
)


def test_deb_order_agrees_with_dpkg() -> None:
    """150 generated pairs, compared by one shell loop around `dpkg --compare-versions`."""
    pairs: list[tuple[str, str]] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(DEB, DEB)
    def collect(a: str, b: str) -> None:
        pairs.append((a, b))

    collect()
    script = (
        'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; '
        'elif dpkg --compare-versions "$a" gt "$b"; then echo 1; else echo 0; fi; done'
    )
    lines = "".join(f"{a} {b}\n" for a, b in pairs)
    done = subprocess.run(["bash", "-c", script], input=lines, capture_output=True, text=True, check=True)
    theirs = [int(line) for line in done.stdout.split()]
    ours = [order("deb", a, b) for a, b in pairs]
    assert len(theirs) == len(pairs) >= 150
    assert [p for p, x, y in zip(pairs, ours, theirs, strict=True) if x != y] == []


@pytest.mark.parametrize(
    ("type_", "older", "newer"),
    [
        ("pypi", "2.1.0", "2.10.0"),
        ("pypi", "1.0rc1", "1.0"),
        ("pypi", "2.1.0+cu118", "2.1.0+cu121"),
        ("pypi", "9.9", "1!0.1"),
        ("deb", "1.0~rc1-1", "1.0-1"),
        ("deb", "9.0", "1:0.1"),
        ("deb", "2.36-9", "2.36-9+deb12u7"),
        ("rpm", "1.0~rc1-1", "1.0-1"),
        ("rpm", "1.0-1", "1.0^git1-1"),
        ("rpm", "1.0^git1-1", "1.0.1-1"),
        ("rpm", "1.a-1", "1.0-1"),
        ("rpm", "1.9-1", "1.10-1"),
        ("rpm", "5.0-1", "1:1.0-1"),
        ("rpm", "1.0-9.el9", "1.0-10.el9"),
        ("rpm", "1.0", "1.0a"),
        ("apk", "1.2.4-r0", "1.2.4-r10"),
        ("apk", "1.2_rc1", "1.2"),
        ("apk", "1.2_alpha2", "1.2_beta1"),
        ("apk", "1.2", "1.2_p1"),
        ("apk", "1.2_git20200101", "1.2_p0"),
        ("apk", "1.2", "1.2a"),
        ("apk", "1.2a", "1.2.1"),
        ("apk", "1.01", "1.1"),
        ("apk", "1.2~abc-r0", "1.3~def-r0"),
        ("conda", "0.4.1.rc", "0.4.1"),
        ("conda", "0.4", "0.4.1"),
        ("conda", "1.0dev1", "1.0a1"),
        ("conda", "1.0", "1.0post1"),
        ("conda", "1.0.1_", "1.0.1a"),
        ("conda", "9.0", "1!0.1"),
        ("conda", "1.9", "1.10"),
        ("conda", "1.0+1", "1.0+2"),
    ],
)
def test_older_stands_before_newer_from_both_sides(type_: PackageType, older: str, newer: str) -> None:
    assert order(type_, older, newer) == -1
    assert order(type_, newer, older) == 1


@pytest.mark.parametrize(
    ("type_", "a", "b"),
    [
        ("pypi", "1.0", "1.0.0"),
        ("deb", "1.0", "0:1.0-0"),
        ("deb", "1.01", "1.1"),
        ("rpm", "1.0.0-1", "1_0_0-1"),
        ("rpm", "0:1.01-1", "1.1-1"),
        ("conda", "1.0", "1.0.0"),
        ("conda", "1-0", "1_0"),
    ],
)
def test_other_text_for_the_same_version_is_equal(type_: PackageType, a: str, b: str) -> None:
    assert order(type_, a, b) == 0


@pytest.mark.parametrize(
    ("type_", "a", "b"),
    [
        ("pypi", "1.0", "not a version"),
        ("pypi", "1.0", "9" * 5000),
        ("deb", "1.0", "a:1"),
        ("deb", "1.0", "1 2"),
        ("rpm", "1.0", "1:2:3"),
        ("apk", "1.0", "v1"),
        ("apk", "1.0~abc", "1.0~abd"),
        ("conda", "1.0", "1-0_0"),
        ("conda", "1.0", "1*"),
    ],
)
def test_what_breaks_the_grammar_has_no_order(type_: PackageType, a: str, b: str) -> None:
    assert order(type_, a, b) is None
    assert order(type_, b, a) is None


def test_a_version_at_the_limit_is_ordered_and_one_beyond_is_not() -> None:
    assert order("deb", "1" * MAX_LENGTH, "2") == 1
    assert order("deb", "1" * (MAX_LENGTH + 1), "2") is None


ANY = st.text(max_size=8) | st.text("0123456789.~^_-+!:abprc", max_size=8) | st.just("")


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(TYPES), ANY, ANY)
def test_order_is_antisymmetric_and_never_raises(type_: PackageType, a: str, b: str) -> None:
    there, back = order(type_, a, b), order(type_, b, a)
    assert (there is None and back is None) or (there is not None and back is not None and there == -back)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(TYPES), st.lists(st.text("0123.~ab", max_size=4), min_size=3, max_size=3))
def test_order_is_transitive(type_: PackageType, texts: list[str]) -> None:
    a, b, c = (f"1{text}" for text in texts)
    steps = (order(type_, a, b), order(type_, b, c), order(type_, a, c))
    if steps[0] is not None and steps[1] is not None and steps[0] <= 0 and steps[1] <= 0:
        assert steps[2] is not None
        assert steps[2] <= 0
