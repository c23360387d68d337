"""Version order per ecosystem, against the specifications; `test_versions_native` asks the programs."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.model.package import PackageType
from reprocheck.versions import MAX_LENGTH, order

TYPES: tuple[PackageType, ...] = ("pypi", "deb", "rpm", "apk", "conda")


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
        ("rpm", "1.0", "1.0-~1"),
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
        ("conda", "1.0", "1..0"),
        ("conda", "1.0", ".1"),
        ("conda", "1.0", "1.0."),
        ("conda", "1.0", "1.0+"),
        ("conda", "1.0", "1.0+a_"),
        ("deb", "1.0", "1.0-"),
        ("deb", "1.0", "-1"),
        ("deb", "1.0", "2147483648:1.0"),
        ("deb", "1:1.0", "1:1.0-1:2"),
        ("deb", "1.0", ""),
        ("apk", "1.0", "1.0_gamma"),
        ("apk", "1.0", "1.0a.1"),
        ("apk", "1.0", "1.0-r"),
        ("apk", "1.0", "1."),
        ("pypi", "1.0", "2004d"),
        ("nix", "1.0", "2.0"),
    ],
)
def test_what_breaks_the_grammar_has_no_order(type_: str, a: str, b: str) -> None:
    assert order(type_, a, b) is None
    assert order(type_, b, a) is None


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(
    "version", ["1.\u0661", "\uff11.0", "1.0k\u212a", "1.0po\u017ft1", "1\u00b2", "1.\u0430"]
)
def test_letters_and_digits_of_other_scripts_have_no_order(type_: PackageType, version: str) -> None:
    """Python takes some for digits, and folds others to ASCII when case does not count."""
    assert order(type_, "1.0", version) is None
    assert order(type_, version, version) is None


CHAINS: dict[PackageType, tuple[str, ...]] = {
    # The example of PEP 440, with an epoch behind it.
    "pypi": (
        *(
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
        ),
        *(
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
        ),
        *("1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1!0.1"),
    ),
    # apk-package(5): digits, one letter, suffixes, hash of a commit, revision; as Gentoo's, but for the hash.
    "apk": (
        *("1.2_alpha", "1.2_alpha-r1", "1.2_alpha0", "1.2_alpha10", "1.2_beta", "1.2_pre2", "1.2_rc_rc"),
        *("1.2_rc", "1.2_rc-r3", "1.2_rc1", "1.2_rc_p1", "1.2", "1.2-r0", "1.2-r2", "1.2-r10", "1.2~0a"),
        *("1.2~0a-r1", "1.2_cvs", "1.2_svn", "1.2_git20240101", "1.2_hg", "1.2_p", "1.2_p0", "1.2_p1"),
        *("1.2a_rc1", "1.2a", "1.2b", "1.2.0", "1.2.00", "1.2.01", "1.2.1", "1.2.9", "1.2.10"),
    ),
    "deb": (
        *("1.0~~", "1.0~~a", "1.0~", "1.0~rc1-1", "1.0-0~1", "1.0", "1.0-0.1", "1.0-1~bpo12+1", "1.0-1"),
        *(
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0-1.1",
            "1.0-10",
            "1.0a",
            "1.0+dfsg-1",
            "1.0.1",
            "1.1",
            "1.10",
            "1:0",
        ),
    ),
    "rpm": (
        *(
            "0.9",
            "1.0~~",
            "1.0~rc1-9",
            "1.0~rc1^git1-1",
            "1.0",
            "1.0-~1",
            "1.0-1",
            "1.0-1.el9",
            "1.0-1.el9_4",
        ),
        *("1.0^-1", "1.0^20240101-1", "1.0.a-1", "1.0.0-1", "1.0.0.1-1", "1.1-1", "1:0-1"),
    ),
    "conda": (
        *("0.4.1.rc", "0.4.1", "0.5a1", "0.5b3", "0.5C1", "0.5", "0.9.6", "0.960923", "1.0", "1.1dev1"),
        *("1.1_", "1.1a1", "1.1.0dev1", "1.1.a1", "1.1.0rc1", "1.1", "1.1.0post1", "1.1post1", "1996.07.12"),
        *("1!0.4.1", "1!3.1.1.6", "2!0.4.1"),
    ),
}


@pytest.mark.parametrize("type_", CHAINS)
def test_every_version_of_a_chain_is_older_than_all_behind_it(type_: PackageType) -> None:
    pairs = combinations(CHAINS[type_], 2)
    wrong = [(a, b) for a, b in pairs if (order(type_, a, b), order(type_, b, a)) != (-1, 1)]
    assert wrong == []


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(
    "filling", ["1.", ".1", "~", "a1", "0", "9", "-1", "_p1", "1_", "+a", "!1", "^", "~~", "a.-"]
)
def test_versions_of_full_length_are_judged(type_: PackageType, filling: str) -> None:
    """Patterns that backtrack over their own repetitions would not come back from these."""
    text = ("1" + filling * MAX_LENGTH)[:MAX_LENGTH]
    for a, b in ((text, text), (text, text[:-1] + "*"), (text, text[:-1])):
        there, back = order(type_, a, b), order(type_, b, a)
        assert (there is None) == (back is None)
        assert there is None or back is None or there == -back


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
