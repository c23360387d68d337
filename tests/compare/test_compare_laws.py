"""Laws that hold for every pair of manifests."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.compare.difference import rank_key
from reprocheck.model.base import replace
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown
from tests.strategies import manifests

KINDS = {"added": "removed", "removed": "added", "changed": "changed"}
DIRECTIONS = {"upgrade": "downgrade", "downgrade": "upgrade", "": ""}
FAST = settings(deadline=None, max_examples=50)


def mirror(difference: Difference) -> Difference:
    return replace(
        difference,
        kind=KINDS[difference.kind],
        before=difference.after,
        after=difference.before,
        direction=DIRECTIONS[difference.direction],
    )


def mirror_unknown(unknown: Unknown) -> Unknown:
    swapped = {"first": "second", "second": "first"}
    reason = re.sub(r"\b(first|second)(?= manifest)", lambda m: swapped[m[1]], unknown.reason)
    return replace(unknown, reason=reason)


@FAST
@given(manifests())
def test_a_manifest_does_not_differ_from_itself(manifest: Manifest) -> None:
    assert compare(manifest, manifest).differences == ()


@FAST
@given(manifests(), manifests())
def test_the_other_way_round_is_the_mirror_image(a: Manifest, b: Manifest) -> None:
    there, back = compare(a, b), compare(b, a)
    assert sorted(map(mirror, there.differences), key=rank_key) == list(back.differences)
    assert Counter(map(mirror_unknown, there.unknowns)) == Counter(back.unknowns)
    assert Counter(map(mirror_unknown, there.left_out)) == Counter(back.left_out)


@FAST
@given(manifests(), manifests(), st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_count(a: Manifest, b: Manifest, random: Random) -> None:
    parts = {
        name: tuple(random.sample(getattr(a, name), len(getattr(a, name))))
        for name in ("packages", "pythons", "libraries", "environment", "unknowns")
    }
    assert compare(replace(a, **parts), b) == compare(a, b)


@FAST
@given(manifests(), manifests())
def test_the_same_pair_gives_the_same_order(a: Manifest, b: Manifest) -> None:
    differences = compare(a, b).differences
    assert list(differences) == sorted(differences, key=rank_key)
