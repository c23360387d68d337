"""Names that look the same and are not are flagged, between the sides and within one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain import rank, tables
from reprocheck.explain.lookalikes import MOST, skeleton
from reprocheck.model.manifest import Manifest
from tests.strategies import (
    make_deb,
    make_input,
    make_manifest,
    make_pypi,
    make_run,
    make_variable,
    manifests,
)

CYRILLIC = "nump\u0443"
"""numpy with a Cyrillic letter at its end."""


def alike(a: Manifest, b: Manifest) -> dict[str, tuple[str, ...]]:
    return {f.name: f.alike for f in rank(compare(a, b), a, b).findings}


@pytest.mark.parametrize(
    "name",
    [
        CYRILLIC,
        "n\u057dmpy",  # Armenian
        "num\u03c1y",  # Greek
        "\uff4eumpy",  # fullwidth
        "\U0001d427umpy",  # mathematical
        "num\u200bpy",  # zero-width space
        "numpy\u0301",  # a combining mark
        "num\u202epy",  # a direction control
    ],
)
def test_a_package_that_looks_like_another_is_flagged_between_the_sides_and_within_one(name: str) -> None:
    own, other = make_pypi("numpy"), make_pypi(name)
    assert alike(make_manifest(packages=(own,)), make_manifest(packages=(other,))) == {
        "numpy": (name,),
        name: ("numpy",),
    }
    within = alike(make_manifest(packages=(own,)), make_manifest(packages=(own, other)))
    assert within == {name: ("numpy",)}


def test_variables_and_files_are_flagged_and_kinds_do_not_mix() -> None:
    seed, path = "SEE\u0044\u0415", "/dat\u0430"
    a = make_manifest(environment=(make_variable("SEEDE", "1"),), run=make_run(inputs=(make_input("/data"),)))
    b = make_manifest(environment=(make_variable(seed, "1"),), run=make_run(inputs=(make_input(path),)))
    found = alike(a, b)
    assert found["SEEDE"] == (seed,)
    assert found[path] == ("/data",)
    mixed = alike(
        make_manifest(packages=(make_deb("x"),)), make_manifest(environment=(make_variable("\u0445", "1"),))
    )
    assert set(mixed.values()) == {()}


def test_plain_names_and_two_spellings_of_one_project_are_not_flagged() -> None:
    """`l` and `1`, or `rn` and `m`, are told apart by whoever reads code."""
    a = make_manifest(packages=(make_pypi("torch1"), make_pypi("Foo.Bar")))
    b = make_manifest(packages=(make_pypi("torchl"), make_pypi("foo_bar", "2")))
    assert set(alike(a, b).values()) == {()}


def test_a_look_alike_is_never_folded_away() -> None:
    parent = make_pypi("parent", requires=(CYRILLIC, "other"))
    a = make_manifest(packages=(make_pypi("numpy"),))
    b = make_manifest(packages=(make_pypi("numpy"), parent, make_pypi(CYRILLIC), make_pypi("other")))
    findings = {f.name: f for f in rank(compare(a, b), a, b).findings}
    assert findings[CYRILLIC].alike == ("numpy",)
    assert findings["parent"].folded == ("other",)


def test_the_list_of_names_is_short_however_many_there_are() -> None:
    def spelt(number: int) -> str:
        return "".join("\u0430" if number >> bit & 1 else "a" for bit in range(7))

    b = make_manifest(packages=tuple(make_pypi(spelt(n)) for n in range(100)))
    found = alike(make_manifest(packages=()), b)
    assert max(map(len, found.values())) == MOST


def test_the_table_maps_other_letters_to_plain_ones() -> None:
    table = tables.confusables()
    assert all(target.isascii() for target in table.values())
    assert table[0x430] == "a"
    assert table[0x3BF] == "o"
    assert skeleton("pytorch") == skeleton("\u0440yt\u043erch") == "pytorch"


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40), st.text(max_size=40))
def test_a_skeleton_of_a_skeleton_is_itself_or_closer(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(one)
    assert skeleton(one.encode("ascii", "ignore").decode()).isascii()
    if skeleton(one) != skeleton(other):
        assert one != other


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests())
def test_who_looks_like_somebody_is_never_that_somebody(a: Manifest, b: Manifest) -> None:
    for finding in rank(compare(a, b), a, b).findings:
        if not finding.folded:
            assert finding.name not in finding.alike
        assert list(finding.alike) == sorted(finding.alike)
