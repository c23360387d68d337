"""What a fleet does not agree on, who is not with the majority, and what is not known of whom."""

from __future__ import annotations

import pytest

from reprocheck.compare.fleet import close
from reprocheck.compare.fleet_census import Census
from reprocheck.compare.fleet_weights import weigh
from reprocheck.errors import InputFault
from reprocheck.model.base import replace
from reprocheck.model.context import Job, Label
from reprocheck.model.fleet import FleetDelta, FleetReport, RankedSplits, Split
from reprocheck.model.image import Coverage, Source
from reprocheck.model.manifest import Manifest, UnknownField
from reprocheck.model.unknown import Unknown
from tests.strategies import (
    make_conda,
    make_cpu,
    make_deb,
    make_gpu,
    make_host,
    make_manifest,
    make_pypi,
    make_python,
    make_variable,
    sha,
)


def delta_of(*members: Manifest, group_by: str = "") -> FleetDelta:
    census = Census(group_by=group_by)
    for number, manifest in enumerate(members):
        census.add(f"runs/m{number}.json", manifest)
    return close(census)


def report_of(*members: Manifest, group_by: str = "") -> FleetReport:
    delta = delta_of(*members, group_by=group_by)
    return weigh(delta, RankedSplits(splits=delta.splits, noise=(), suppressed=()))


def only(report: FleetReport, name: str, attribute: str = "") -> Split:
    found = [s for s in report.splits if s.name == name and attribute in ("", s.attribute)]
    assert len(found) == 1, report.splits
    return found[0]


def held(split: Split) -> dict[str | None, tuple[int, ...]]:
    return {holding.value: holding.members for holding in split.holdings}


def labelled(node: str, **fields: object) -> Manifest:
    return make_manifest(labels=(Label(name="node", value=node),), **fields)


def test_one_other_version_is_one_split_and_names_the_member() -> None:
    odd = make_manifest(packages=(make_deb("libc6", "2.36-9+deb12u7"), make_pypi("numpy", "2.0.0")))
    report = report_of(make_manifest(), odd, make_manifest())
    split = only(report, "numpy")
    assert (split.majority, split.undecided, split.outliers) == ("1.26.4", False, (1,))
    assert held(split) == {"1.26.4": (0, 2), "2.0.0": (1,)}
    assert [member.outlying for member in report.members] == [0, 1, 0]
    assert (report.verdict, report.majority) == ("differs", "broken")
    assert report.distances == ((), (1,), (0, 1))


def test_what_one_member_lacks_is_none_there() -> None:
    bare = make_manifest(packages=(make_deb("libc6", "2.36-9+deb12u7"),), environment=())
    report = report_of(make_manifest(), make_manifest(), bare)
    assert held(only(report, "numpy")) == {"1.26.4": (0, 1), None: (2,)}
    assert held(only(report, "LANG")) == {"C.UTF-8": (0, 1), None: (2,)}


def test_content_is_held_against_members_of_one_version_only() -> None:
    """Another version implies other files: told once. Two builds of one version are a split of their own."""
    versions = [("1.0", "0"), ("1.0", "0"), ("1.0", "1"), ("2.0", "2")]
    members = [make_manifest(packages=(make_pypi("x", v, files_sha256=sha(s)),)) for v, s in versions]
    report = report_of(*members)
    assert held(only(report, "x", "version")) == {"1.0": (0, 1, 2), "2.0": (3,)}
    files = only(report, "x", "files")
    assert (files.given, held(files)) == ("1.0", {sha("0"): (0, 1), sha("1"): (2,)})
    assert len(report.splits) == 2
    assert report.distances[3] == (1, 1, 1)


def test_conda_builds_and_channels_are_facts() -> None:
    members = [make_manifest(packages=(make_conda("zlib", build=b),)) for b in ("h0_0", "h0_0", "h1_0")]
    assert held(only(report_of(*members), "zlib")) == {"h0_0": (0, 1), "h1_0": (2,)}


def test_a_venv_of_another_name_on_one_member_is_no_split_of_its_packages() -> None:
    def member(home: str) -> Manifest:
        executable = f"{home}/bin/python"
        packages = [
            make_pypi(n, environment=executable, location=f"{home}/lib/site-packages") for n in ("a", "b")
        ]
        return make_manifest(
            packages=tuple(packages), pythons=(make_python(executable, prefix=home, kind="venv"),)
        )

    report = report_of(member("/opt/v"), member("/opt/v"), member("/srv/w"))
    assert {split.section for split in report.splits} == {"pythons"}


def test_copies_in_two_environments_are_told_apart_and_one_of_them_may_differ() -> None:
    def member(version: str) -> Manifest:
        other = {"environment": "/opt/v/bin/python", "location": "/opt/v/lib"}
        return make_manifest(packages=(make_pypi("x", "1.0"), make_pypi("x", version, **other)))

    split = only(report_of(member("1.0"), member("1.0"), member("2.0")), "x")
    assert (split.where, held(split)) == ("/opt/v/bin/python", {"1.0": (0, 1), "2.0": (2,)})


def test_two_architectures_of_one_package_are_two_things() -> None:
    both = (make_deb("libc6"), make_deb("libc6", architecture="i386"))
    one = make_manifest(packages=both[:1])
    split = only(report_of(make_manifest(packages=both), make_manifest(packages=both), one), "libc6")
    assert (split.where, held(split)) == ("i386", {"1.0-1": (0, 1), None: (2,)})


def test_the_same_package_listed_twice_counts_twice() -> None:
    twice = make_manifest(packages=(make_pypi("x"), make_pypi("x")))
    once = make_manifest(packages=(make_pypi("x"),))
    assert report_of(twice, twice).splits == ()
    assert [s.name for s in report_of(twice, twice, once).splits] == ["x"]


def test_machines_are_facts_too() -> None:
    odd = make_host(cpu=make_cpu(features=("avx", "avx2", "fma")), gpus=(make_gpu(), make_gpu(index=1)))
    usual = make_host(gpus=(make_gpu(),))
    report = report_of(*(make_manifest(host=host) for host in (usual, usual, odd)))
    assert held(only(report, "gpus")) == {"1": (0, 1), "2": (2,)}
    assert held(only(report, "cpu.features")) == {"avx512f": (0, 1), None: (2,)}


def test_a_section_that_some_members_lack_is_unknown_and_lists_them() -> None:
    report = report_of(make_manifest(), make_manifest(), make_manifest(host=None))
    assert report.splits == ()
    assert (report.verdict, report.majority) == ("inconclusive", "unknown")
    assert report.unknowns == (
        Unknown(
            section="host", where="the whole section", reason="it was not recorded (1 of 3 members: m2.json)"
        ),
    )


def test_what_no_member_records_is_no_unknown() -> None:
    assert report_of(make_manifest(host=None), make_manifest(host=None)).verdict == "identical"


def test_a_withheld_value_is_left_out_and_its_presence_is_not() -> None:
    hidden = make_manifest(environment=(make_variable("TOKEN", None),))
    told = make_manifest(environment=(make_variable("TOKEN", "x"),))
    report = report_of(hidden, told, told)
    assert (report.splits, report.unknowns) == ((), ())
    assert [u.where for u in report.left_out] == ["TOKEN"]
    bare = report_of(hidden, told, make_manifest(environment=()))
    assert held(only(bare, "TOKEN")) == {"(set)": (0, 1), None: (2,)}


def test_files_that_one_member_did_not_hash_are_unknown_there() -> None:
    members = [make_manifest(packages=(make_pypi("x", files_sha256=s),)) for s in (sha("0"), sha("0"), None)]
    report = report_of(*members)
    assert report.verdict == "inconclusive"
    assert [u.where for u in report.unknowns] == ["pypi:x"]


def test_unknowns_of_members_are_told_with_who_has_them() -> None:
    gap = Unknown(section="packages", where="/x", reason="it could not be read")
    report = report_of(labelled("a"), labelled("b", unknowns=(gap,)))
    assert report.unknowns == (replace(gap, reason="it could not be read (1 of 2 members: b)"),)
    every = report_of(labelled("a", unknowns=(gap,)), labelled("b", unknowns=(gap,)))
    assert [u for u in every.unknowns if u.section == "packages"] == [gap]


def test_a_field_of_a_newer_schema_that_one_member_has_is_unknown() -> None:
    newer = make_manifest(unknown_fields=(UnknownField(path=("host", "new"), json="1"),))
    report = report_of(make_manifest(), newer)
    assert [(u.section, u.where) for u in report.unknowns] == [("host", "host.new")]


def test_without_majority_nobody_is_an_outlier_and_the_majority_is_broken() -> None:
    report = report_of(*(make_manifest(packages=(make_pypi("x", v),)) for v in ("1", "1", "2", "2")))
    split = only(report, "x")
    assert (split.undecided, split.majority, split.outliers, split.torn) == (True, None, (), ("",))
    assert report.majority == "broken"


def test_members_that_nothing_tells_apart_have_one_fingerprint() -> None:
    odd = make_manifest(environment=())
    report = report_of(make_manifest(), odd, make_manifest(), odd, make_manifest())
    assert [group.members for group in report.groups] == [(0, 2, 4), (1, 3)]
    prints = [member.fingerprint for member in report.members]
    assert len(set(prints)) == 2
    assert prints[0] == prints[2] != prints[1]


def racked(rack: str, driver: str) -> Manifest:
    return make_manifest(
        labels=(Label(name="rack", value=rack),), environment=(make_variable("DRIVER", driver),)
    )


def test_with_groups_the_majority_is_that_of_the_own_group() -> None:
    """Two halves of a cluster may differ by design; one node of a half may not."""
    members = [racked("a", "1"), racked("a", "1"), racked("a", "1"), racked("b", "2"), racked("b", "2")]
    settled = report_of(*members, group_by="rack")
    assert (settled.verdict, settled.majority) == ("differs", "held")
    split = only(settled, "DRIVER")
    assert (split.outliers, split.torn, split.majority) == ((), (), "1")
    odd = only(report_of(*members, racked("b", "1"), group_by="rack"), "DRIVER")
    assert odd.outliers == (5,)
    torn = only(report_of(*members[:4], racked("b", "3"), group_by="rack"), "DRIVER")
    assert (torn.outliers, torn.torn) == ((), ("b",))


@pytest.mark.parametrize(("by", "groups"), [("rank", ["0", "1"]), ("SITE", ["x", "x"]), ("node", ["h", "h"])])
def test_groups_are_labels_or_what_the_job_tells(by: str, groups: list[str]) -> None:
    members = [
        make_manifest(
            job=Job(scheduler="slurm", rank=rank, facts=(Label(name="SITE", value="x"),)),
            labels=(Label(name="host", value="h"),),
        )
        for rank in ("0", "1")
    ]
    assert [member.group for member in report_of(*members, group_by=by).members] == groups


def test_a_group_that_nobody_has_is_an_error() -> None:
    with pytest.raises(InputFault) as caught:
        report_of(make_manifest(), make_manifest(), group_by="rack")
    assert caught.value.code == "E_GROUP_BY"


def test_equal_node_names_are_told_apart_by_file() -> None:
    report = report_of(labelled("n"), labelled("n"), labelled("o"))
    assert [member.name for member in report.members] == ["n (m0.json)", "n (m1.json)", "o"]


def test_a_member_without_a_node_label_is_named_by_its_file() -> None:
    assert [member.name for member in report_of(make_manifest()).members] == ["m0.json"]


def test_one_member_agrees_with_itself() -> None:
    report = report_of(make_manifest())
    assert (report.verdict, report.majority, report.distances) == ("identical", "held", ((),))


def test_an_empty_fleet_is_an_error() -> None:
    with pytest.raises(InputFault) as caught:
        report_of()
    assert caught.value.code == "E_FLEET_EMPTY"


def test_a_document_of_another_tool_is_no_member() -> None:
    covers = Coverage(format="a pip freeze list", scope="environment", types=("pypi",))
    document = make_manifest(source=Source(kind="document", covers=covers))
    with pytest.raises(InputFault, match=r"runs/m1\.json") as caught:
        report_of(make_manifest(), document)
    assert caught.value.code == "E_FLEET_DOCUMENT"


def test_mixed_architectures_differ_and_stay_comparable() -> None:
    arm = make_host(cpu=make_cpu(architecture="aarch64", level="", features=("sve",)))
    report = report_of(make_manifest(), make_manifest(), make_manifest(host=arm))
    assert only(report, "cpu.architecture").outliers == (2,)
    assert held(only(report, "cpu.features"))["sve"] == (2,)


def test_values_that_would_read_the_same_are_kept_apart() -> None:
    members = [make_manifest(packages=(make_deb("x", depends=d),)) for d in (("a b",), ("a", "b"))]
    assert len(held(only(report_of(*members), "x"))) == 2


def test_content_digests_that_nothing_explains_are_a_split() -> None:
    from reprocheck.model.manifest import Digests

    def member(letter: str) -> Manifest:
        digests = Digests(content=f"sha256:{sha(letter)}", manifest=f"sha256:{sha('0')}")
        return make_manifest(digests=digests)

    split = only(report_of(member("a"), member("a"), member("b")), "content digest")
    assert (split.section, split.outliers) == ("image", (2,))
