"""Differences of real images and runs: everything that was planted, nothing else, in a sensible order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import ROOT, SMALL_A, SMALL_B, Desk, derived_image

pytestmark = pytest.mark.docker

KINDS = {
    ("packages", "pypi"): "python-package",
    ("packages", "deb"): "os-package",
    ("environment", ""): "environment",
}


@pytest.fixture(scope="module")
def report(desk: Desk) -> Any:
    for image, name in ((SMALL_A, "image-a.json"), (SMALL_B, "image-b.json")):
        desk.call("snapshot", image, "--no-syft", "-o", name)
    return desk.call("diff", "image-a.json", "image-b.json", "--format", "json", expect=1).json()


def test_exactly_the_planted_differences_are_found(report: Any) -> None:
    planted = json.loads((ROOT / "fixtures/images/differences.json").read_text())
    found = [
        {
            "kind": KINDS[finding["section"], finding.get("type", "")],
            "name": finding["name"],
            "before": finding["before"],
            "after": finding["after"],
        }
        for finding in report["findings"]
        if finding["section"] != "image"
    ]
    assert sorted(found, key=str) == sorted(planted, key=str)
    # the layers, of course: their digests differ, and that is all that is left
    assert [f["name"] for f in report["findings"] if f["section"] == "image"] == ["layers"]
    assert report["unknowns"] == []


def test_what_can_change_results_comes_first(report: Any) -> None:
    """Variables that steer arithmetic before packages that cannot, layers last."""
    order = [finding["name"] for finding in report["findings"]]
    assert set(order[:2]) == {"MKL_CBWR", "OMP_NUM_THREADS"}
    assert order.index("joblib") < order.index("tzdata")
    assert order[-1] == "layers"


def test_the_mirror_and_the_same(desk: Desk, report: Any) -> None:
    mirror = desk.call("diff", "image-b.json", "image-a.json", "--format", "json", expect=1).json()
    swapped = {(f["name"], f["after"], f["before"]) for f in mirror["findings"]}
    assert {(f["name"], f["before"], f["after"]) for f in report["findings"]} == swapped
    same = desk.call("diff", "image-a.json", "image-a.json", "--format", "json").json()
    assert (same["verdict"], same["findings"]) == ("identical", [])


def test_two_runs_that_differ_in_one_variable(desk: Desk, small_run: str, other_kernel_run: str) -> None:
    report = desk.call("diff", small_run, other_kernel_run, "--format", "json", expect=1).json()
    first, *rest = report["findings"]
    assert (first["name"], first["before"], first["after"]) == ("OPENBLAS_CORETYPE", None, "PRESCOTT")
    assert first["severity"] == "high"
    assert {finding["section"] for finding in rest} == {"outputs"}
    assert report["explained"] is True


def test_a_run_that_overrides_what_the_image_declares(desk: Desk, small_run: str) -> None:
    """The override comes first, verifies again, and the image is still the same image."""
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    override = desk.record("override.json", *options, "--env", "OMP_NUM_THREADS=2")
    assert override["digests"]["content"] == desk.read(small_run)["digests"]["content"]
    report = desk.call("diff", small_run, "override.json", "--format", "json", expect=1).json()
    first = report["findings"][0]
    assert (first["name"], first["before"], first["after"]) == ("OMP_NUM_THREADS", "1", "2")
    assert "overridden" in desk.call("show", "override.json", "--all").stdout
    assert desk.verify("override.json", "--input", "/data=./data")["verdict"] == "identical"


def test_a_changed_file_that_no_package_owns_is_not_called_identical(desk: Desk, report: Any) -> None:
    """No structural difference, yet other layers: said, never hidden."""
    del report
    with derived_image("RUN echo '# nothing' >> /app/train.py") as image:
        desk.call("snapshot", image, "--no-syft", "-o", "edited-image.json")
    report = desk.call("diff", "image-a.json", "edited-image.json", "--format", "json", expect=1).json()
    assert [(f["section"], f["name"]) for f in report["findings"]] == [("image", "layers")]
