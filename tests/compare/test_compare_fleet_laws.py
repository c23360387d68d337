"""A fleet of two finds what a comparison of two finds; no field of a manifest is split in silence."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.compare.fleet import close
from reprocheck.compare.fleet_census import Census
from reprocheck.compare.fleet_weights import weigh
from reprocheck.compare.uncompared import UNCOMPARED
from reprocheck.model.base import replace
from reprocheck.model.fleet import FleetDelta, FleetReport, RankedSplits
from reprocheck.model.manifest import Manifest
from tests.compare.test_compare_fields import BELOW, CHANGED, FULL
from tests.strategies import manifests

FAST = settings(deadline=None, max_examples=50)


def delta_of(*members: Manifest, group_by: str = "") -> FleetDelta:
    census = Census(group_by=group_by)
    for number, manifest in enumerate(members):
        census.add(f"m{number}.json", manifest)
    return close(census)


def report_of(*members: Manifest) -> FleetReport:
    delta = delta_of(*members)
    return weigh(delta, RankedSplits(splits=delta.splits, noise=(), suppressed=()))


def is_told(before: Manifest, after: Manifest) -> bool:
    same, delta = delta_of(before, before), delta_of(before, after)
    return bool(delta.splits) or (delta.unknowns, delta.left_out) != (same.unknowns, same.left_out)


@pytest.mark.parametrize("label", sorted({label for label, _ in CHANGED}))
def test_a_field_that_differs_is_told_or_stands_on_the_list(label: str) -> None:
    told = [is_told(FULL, changed) for own, changed in CHANGED if own == label]
    listed = label in UNCOMPARED or label.partition(".")[0] in BELOW
    assert listed or all(told), f"{label} differs in silence"


@pytest.mark.parametrize("label", sorted({label for label, _ in CHANGED}))
def test_a_changed_field_splits_a_fleet_of_two_when_it_is_a_difference(label: str) -> None:
    for own, changed in CHANGED:
        if own == label:
            differs = bool(compare(FULL, changed).differences)
            assert bool(delta_of(FULL, changed).splits) <= differs
            assert differs <= is_told(FULL, changed)


@FAST
@given(manifests(), manifests())
def test_two_members_are_identical_only_if_a_comparison_says_so(a: Manifest, b: Manifest) -> None:
    delta, report = compare(a, b), report_of(a, b)
    if report.verdict == "identical":
        assert not delta.differences
        assert not delta.unknowns
    if not delta.differences:
        assert report.splits == ()
    elif not report.splits:
        assert report.unknowns, "a difference of two is neither a split nor unknown"


@FAST
@given(manifests())
def test_equal_members_do_not_differ(manifest: Manifest) -> None:
    report = report_of(manifest, manifest, manifest)
    assert report.splits == ()
    assert [group.members for group in report.groups] == [(0, 1, 2)]
    assert report.distances == ((), (0,), (0, 0))


@FAST
@given(st.lists(manifests(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_count(members: list[Manifest], random: Random) -> None:
    """Neither for what differs, nor for who is how far from whom."""
    order = random.sample(range(len(members)), len(members))
    there = report_of(*members)
    back = report_of(*(members[place] for place in order))
    assert {(s.section, s.type, s.name, s.attribute) for s in there.splits} == {
        (s.section, s.type, s.name, s.attribute) for s in back.splits
    }
    assert there.verdict == back.verdict
    assert sorted(len(group.members) for group in there.groups) == sorted(
        len(group.members) for group in back.groups
    )


@FAST
@given(st.lists(manifests(), min_size=2, max_size=4))
def test_distance_is_the_number_of_facts_that_two_members_tell_and_have_otherwise(
    members: list[Manifest],
) -> None:
    report = report_of(*members)
    for i in range(len(members)):
        for j in range(i):
            count = 0
            for split in report.splits:
                held = [place for place, h in enumerate(split.holdings) for m in (i, j) if m in h.members]
                count += len(held) == 2 and held[0] != held[1]
            assert report.distances[i][j] == count


@FAST
@given(manifests(), manifests())
def test_equal_fingerprints_mean_that_nothing_tells_two_apart(a: Manifest, b: Manifest) -> None:
    report = report_of(a, a, b)
    same = report.members[0].fingerprint == report.members[2].fingerprint
    assert report.members[0].fingerprint == report.members[1].fingerprint
    assert same == (report.distances[2][0] == 0 and not any(s.untold for s in report.splits)) or not same
    if same:
        assert report.splits == ()


@FAST
@given(manifests())
def test_a_section_that_one_member_lacks_forbids_identical(manifest: Manifest) -> None:
    bare = replace(manifest, host=None)
    if manifest.host is not None:
        assert report_of(manifest, manifest, bare).verdict != "identical"
