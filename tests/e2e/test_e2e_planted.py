"""Images that differ in known ways: every planted difference is found, ranked, and no other is told."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from reprocheck.codec import decode_manifest
from reprocheck.compare import compare
from tests.e2e.harness import Desk, docker
from tests.e2e.planting import BLAS, EDITED, planted_image

pytestmark = pytest.mark.docker

PLANTED = {
    ("environment", "", "OMP_NUM_THREADS", "value"): ("1", "4"),
    ("environment", "", "CUBLAS_WORKSPACE_CONFIG", "presence"): (None, ":4096:8"),
    ("environment", "", "PLAIN_NOTE", "value"): ("a", "b"),
    ("packages", "pypi", "moved", "version"): ("1.9", "1.10"),
    ("packages", "pypi", "torch", "version"): ("2.1.0+cu118", "2.1.0+cu126"),
    ("frameworks", "", "torch", "version"): ("2.1.0+cu118", "2.1.0+cu126"),
    ("frameworks", "", "torch", "cuda"): ("11.8", "12.6"),
    ("packages", "pypi", "rebuilt", "wheel-build"): ("1", "2"),
    ("packages", "pypi", "compiled", "tags"): (
        "cp311-cp311-linux_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
    ),
    ("packages", "pypi", "silent", "files"): None,
    ("packages", "pypi", "blaslike", "files"): None,
    ("libraries", "openblas", BLAS, "sha256"): None,
    ("packages", "pypi", "root_cause", "version"): ("1.0", "2.0"),
    ("packages", "pypi", "followed", "version"): ("1.0", "2.0"),
    ("packages", "pypi", "gone", "presence"): ("3.0", None),
    ("packages", "pypi", "joblib", "version"): ("1.5.3", "1.4.2"),
    ("packages", "deb", "planted-lib", "version"): ("1.0-1", "1.0-2"),
    ("packages", "deb", "planted-dev", "version"): ("1.0-1", "1.0-2"),
    ("packages", "deb", "planted-epoch", "version"): ("1.0-1", "1:1.0-1"),
    ("packages", "deb", "planted-old", "presence"): ("2.0-1", None),
    ("packages", "conda", "conda-old", "presence"): ("1.0", None),
    ("packages", "conda", "conda-new", "presence"): (None, "1.0"),
    ("packages", "conda", "conda-moved", "version"): ("1.9", "1.10"),
    ("packages", "conda", "conda-rebuilt", "build"): ("h1_0", "h2_0"),
    ("packages", "conda", "conda-elsewhere", "channel"): ("conda-forge", "bioconda"),
    ("packages", "rpm", "planted-rpm", "version"): ("1.0-9.el9", "1.0-10.el9"),
    ("packages", "apk", "planted-apk", "version"): ("1.2.3-r9", "1.2.3-r10"),
    ("pythons", "", "/opt/other/bin/python3.12", "version"): ("3.12.4", "3.12.7"),
    ("pythons", "", "/opt/added/bin/python3.11", "presence"): (None, "3.11.2"),
    ("integrity", "", EDITED, "changed"): None,
    ("image", "", "layers", "diff_ids"): None,
}
"""Section, type, name and attribute; both ends, None where they are digests."""


PROGRAM = "import moved, os; os.makedirs('/out'); open('/out/x.json', 'w').write('{}')"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Manifests of both images, with every installed file checked, and what their own tools list."""

    names: tuple[str, str]
    listed: tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str, str]]]
    """Type, name and version."""


@pytest.fixture(scope="module")
def both(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("planted")
    names = ("planted-a.json", "planted-b.json")
    with planted_image(folder / "a", "a") as first, planted_image(folder / "b", "b") as second:
        for image, name in zip((first, second), names, strict=True):
            desk.call("snapshot", image, "--no-syft", "--integrity", "-o", name)
            options = ("--image", image, "--observe", "--output", "/out")
            desk.record(name.replace("planted", "observed"), *options, command=("python3", "-c", PROGRAM))
        return Pair(names=names, listed=(_listed(first), _listed(second)))


def _listed(image: str) -> Counter[tuple[str, str, str]]:
    inside = ("run", "--rm", "--network", "none", image)
    dpkg = docker(*inside, "dpkg-query", "-W", "-f", "${Package} ${Version}\n").splitlines()
    pip = json.loads(docker(*inside, "pip", "list", "--format", "json", "--disable-pip-version-check"))
    found = [("deb", *line.split()) for line in dpkg] + [("pypi", x["name"], x["version"]) for x in pip]
    return Counter((kind, name, version) for kind, name, version in found)


@pytest.fixture(scope="module")
def pair(both: Pair) -> tuple[str, str]:
    return both.names


@pytest.fixture(scope="module")
def report(desk: Desk, pair: tuple[str, str]) -> Any:
    return desk.call("diff", *pair, "--format", "json", expect=1).json()


def key(difference: Any) -> tuple[str, str, str, str]:
    return difference.section, difference.type, difference.name, difference.attribute


def test_the_differences_are_the_planted_ones_and_no_other(desk: Desk, pair: tuple[str, str]) -> None:
    a, b = (decode_manifest((desk.work / name).read_bytes(), where=name) for name in pair)
    delta = compare(a, b)
    assert sorted(map(key, delta.differences)) == sorted(PLANTED)
    for d in delta.differences:
        expected = PLANTED[key(d)]
        assert expected is None or expected == (d.before, d.after), d
        assert d.before != d.after
    directions = {d.name: d.direction for d in delta.differences if d.direction}
    assert directions == {
        **dict.fromkeys(
            ("moved", "torch", "root_cause", "followed", "planted-lib", "planted-dev"), "upgrade"
        ),
        **dict.fromkeys(("planted-epoch", "conda-moved", "planted-rpm", "planted-apk"), "upgrade"),
        "joblib": "downgrade",
    }
    assert delta.unknowns == ()


def test_versions_differ_as_pip_and_dpkg_list_them(desk: Desk, both: Pair) -> None:
    a, b = (decode_manifest((desk.work / name).read_bytes(), where=name) for name in both.names)
    found = [
        d
        for d in compare(a, b).differences
        if d.attribute in ("version", "presence") and d.type in ("deb", "pypi")
    ]
    first, second = both.listed
    assert Counter((d.type, d.name, d.before) for d in found if d.before is not None) == first - second
    assert Counter((d.type, d.name, d.after) for d in found if d.after is not None) == second - first


def test_every_planted_difference_is_a_finding_or_folded_under_one(report: Any) -> None:
    heads = {(f["section"], f.get("type", ""), f["name"], f["attribute"]) for f in report["findings"]}
    assert heads <= set(PLANTED)
    folded = {name for finding in report["findings"] for name in finding.get("folded", ())}
    assert {row[2] for row in set(PLANTED) - heads} == {re.sub(r" \(.*\)$", "", name) for name in folded}
    assert len(report["findings"]) + sum(len(f.get("folded", ())) for f in report["findings"]) == len(PLANTED)


def test_what_moved_only_with_something_else_stands_under_it(report: Any) -> None:
    under = {f["name"]: f["folded"] for f in report["findings"] if f.get("folded")}
    assert under.pop("root_cause") == ["followed"]
    assert under.pop("blaslike") == [BLAS]
    # What the build of torch says of itself moved because torch did.
    assert len(under.pop("torch")) == 2
    ((head, members),) = under.items()
    assert sorted([head, *members]) == ["planted-dev", "planted-lib"]


def test_first_what_can_change_results_then_what_can_break_then_the_rest(report: Any) -> None:
    order = ("result", "break", "bytes", "none", "symptom")
    effects = [finding["effect"] for finding in report["findings"]]
    assert effects == sorted(effects, key=order.index)
    assert {"result", "break"} <= set(effects)
    place = {finding["name"]: number for number, finding in enumerate(report["findings"])}
    assert {place["OMP_NUM_THREADS"], place["CUBLAS_WORKSPACE_CONFIG"]} == {0, 1}
    # Flags, numeric libraries, other Python, unknown variables, system, layers: the order of the house.
    assert place["torch"] == 2
    assert place["blaslike"] < place["moved"] < place["PLAIN_NOTE"] < place["planted-rpm"] < place["layers"]
    assert place["/opt/other/bin/python3.12"] < place["moved"]
    assert max(place.values()) == place["layers"]


@pytest.mark.usefixtures("both")
def test_what_both_runs_loaded_comes_before_what_only_lies_there(desk: Desk) -> None:
    """The same images, now with a run of each that was observed; it imports one of the packages."""
    report = desk.call("diff", "observed-a.json", "observed-b.json", "--format", "json", expect=1).json()
    findings = [f for f in report["findings"] if f["section"] == "packages" and f["type"] == "pypi"]
    assert [(f["name"], f["used"]) for f in findings[:1]] == [("moved", "loaded")]
    assert {f["used"] for f in findings[1:]} == {"idle"}
    names = [finding["name"] for finding in report["findings"]]
    assert names.index("OMP_NUM_THREADS") < names.index("moved") < names.index("torch")
    assert [f for f in report["findings"] if f["section"] == "outputs"] == []
    # Nothing is gone: what was never loaded is there, behind the rest.
    planted = {row[2] for row in PLANTED if row[:2] == ("packages", "pypi")}
    assert {f["name"] for f in findings} | {"followed"} == planted


def test_each_finding_has_a_rule_a_reason_and_a_way_back(report: Any) -> None:
    for finding in report["findings"]:
        assert re.fullmatch(r"[A-Z]{3}-\d{3}", finding["code"])
        assert finding["why"]
        assert finding["title"]
        assert finding["fix"] or finding["effect"] == "none", finding
    fixes = {finding["name"]: finding["fix"] for finding in report["findings"]}
    assert fixes["moved"].endswith(" moved==1.9")
    assert fixes["OMP_NUM_THREADS"] == "docker run -e OMP_NUM_THREADS=1"
    assert EDITED in fixes[EDITED]


def test_the_first_screen_has_seven_findings_and_all_shows_the_rest(
    desk: Desk, pair: tuple[str, str], report: Any
) -> None:
    text = desk.call("diff", *pair, expect=1).stdout
    assert text.startswith("differs: ")
    assert len(re.findall(r"^ ?[0-9]+\. ", text, re.MULTILINE)) == 7
    everything = desk.call("diff", *pair, "--all", expect=1).stdout
    assert [f["name"] for f in report["findings"] if f["name"] not in everything] == []


def test_the_other_way_round_is_the_mirror_image(desk: Desk, pair: tuple[str, str], report: Any) -> None:
    mirror = desk.call("diff", *reversed(pair), "--format", "json", expect=1).json()
    there = {(f["section"], f["name"], f["before"], f["after"]) for f in report["findings"]}
    assert {(f["section"], f["name"], f["after"], f["before"]) for f in mirror["findings"]} == there


def test_an_image_does_not_differ_from_itself(desk: Desk, pair: tuple[str, str]) -> None:
    for name in pair:
        same = desk.call("diff", name, name, "--format", "json").json()
        assert (same["verdict"], same["findings"], same["unknowns"]) == ("identical", [], [])
        assert desk.call("diff", name, name).stdout == "identical: nothing differs\n"
