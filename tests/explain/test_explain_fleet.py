"""Splits are ranked as findings of two, and what differs by nature is noise."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.compare.fleet import close
from reprocheck.compare.fleet_census import Census
from reprocheck.compare.fleet_weights import weigh
from reprocheck.explain import default_ignores, parse_ignore, rank
from reprocheck.explain.fleet import fleet_ignores, fleet_noise, rank_fleet
from reprocheck.model.context import Job, Label
from reprocheck.model.fleet import FleetReport
from reprocheck.model.manifest import Manifest
from tests.strategies import make_host, make_manifest, make_pypi, make_variable


def report_of(
    *members: Manifest, group_by: str = "", ignores: tuple[Any, ...] = (), noise: bool = False
) -> FleetReport:
    census = Census(group_by=group_by)
    for number, manifest in enumerate(members):
        census.add(f"m{number}.json", manifest)
    delta = close(census)
    return weigh(delta, rank_fleet(delta, ignores=(*default_ignores(), *ignores)), noise=noise)


def on_node(number: int, **fields: Any) -> Manifest:
    """Return a member as a launcher makes it: its own rank, devices, host name and job step."""
    ranks = {
        "RANK": number,
        "LOCAL_RANK": number % 8,
        "SLURM_PROCID": number,
        "CUDA_VISIBLE_DEVICES": number % 8,
    }
    environment = [make_variable(name, str(value)) for name, value in ranks.items()]
    environment += [make_variable("HOSTNAME", f"node-{number}"), make_variable("OMP_NUM_THREADS", "8")]
    facts: dict[str, Any] = {
        "environment": tuple(environment),
        "labels": (Label(name="node", value=f"node-{number}"),),
        "host": make_host(name=f"node-{number}"),
        "job": Job(
            scheduler="slurm",
            id="77",
            rank=str(number),
            world_size="4",
            facts=(Label(name="SLURM_PROCID", value=str(number)),),
        ),
    }
    return make_manifest(**facts | fields)


def test_ranks_devices_and_host_names_make_no_member_an_outlier() -> None:
    report = report_of(*(on_node(number) for number in range(4)))
    assert report.splits == ()
    assert (report.verdict, report.majority) == ("identical", "held")
    assert len(report.groups) == 1
    assert sum(s.count for s in report.suppressed) >= 7


def test_noise_is_listed_on_request_with_reasons_and_decides_no_verdict() -> None:
    report = report_of(*(on_node(number) for number in range(4)), noise=True)
    assert {"RANK", "HOSTNAME", "CUDA_VISIBLE_DEVICES", "node", "name"} <= {s.name for s in report.splits}
    assert all(split.noise for split in report.splits)
    assert (report.verdict, report.majority) == ("identical", "held")


def test_another_world_size_is_no_noise() -> None:
    odd = on_node(3, job=Job(scheduler="slurm", id="77", rank="3", world_size="8"))
    report = report_of(*(on_node(number) for number in range(3)), odd)
    assert [(s.name, s.outliers) for s in report.splits] == [("world_size", (3,))]


def test_the_rank_and_rule_of_a_split_are_those_of_a_diff_of_two() -> None:
    usual = make_manifest(
        packages=(make_pypi("numpy", "1.26.4"), make_pypi("tomli", "2.0")),
        environment=(make_variable("OMP_NUM_THREADS", "8"), make_variable("EDITOR", "vi")),
    )
    odd = make_manifest(
        packages=(make_pypi("numpy", "2.0.0"),),
        environment=(make_variable("OMP_NUM_THREADS", "4"), make_variable("EDITOR", "ed")),
    )
    report = report_of(usual, usual, odd)
    two = rank(compare(usual, odd), usual, odd)
    findings = [(f.code, f.effect, f.name) for f in two.findings]
    assert sorted(findings) == sorted((s.code, s.effect, s.name) for s in report.splits)
    assert [f.name for f in two.findings] == [s.name for s in report.splits]


def test_patterns_of_the_user_take_out_and_count() -> None:
    members = [make_manifest(environment=(make_variable("SEED", v),)) for v in "112"]
    report = report_of(*members, ignores=(parse_ignore("environment:SEED", "option"),))
    assert report.splits == ()
    assert [(s.pattern, s.count) for s in report.suppressed if s.origin == "option"] == [
        ("environment:SEED", 1)
    ]


def test_what_the_members_are_grouped_by_is_noise() -> None:
    members = [make_manifest(labels=(Label(name="rack[1]*", value=v),)) for v in "ab"]
    assert [s.name for s in report_of(*members).splits] == ["rack[1]*"]
    assert report_of(*members, group_by="rack[1]*").splits == ()


@pytest.mark.parametrize("row", fleet_noise())
def test_every_row_of_noise_has_reason_source_and_day(row: Any) -> None:
    assert row.why
    assert row.source
    assert len(row.date) == 10
    assert row.section in ("job", "environment", "host")
    assert row.globs


def test_no_pattern_stands_in_both_lists_of_noise() -> None:
    own = {(i.section, i.glob) for i in fleet_ignores() if not i.attributes}
    assert not own & {(i.section, i.glob) for i in default_ignores() if not i.attributes}
