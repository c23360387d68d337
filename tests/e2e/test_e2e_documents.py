"""Every document against its published schema, and the verbs that explain: check, doctor, explain, show."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from reprocheck.api.explain import explain
from tests.e2e.harness import SMALL_A, SMALL_B, Desk, container

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def schemas(desk: Desk) -> dict[str, Any]:
    kinds = ("manifest", "receipt", "diff", "graph", "check", "doctor")
    return {kind: desk.call("schema", kind).json() for kind in kinds}


@pytest.fixture(scope="module")
def receipt(desk: Desk, small_run: str) -> str:
    desk.call("verify", small_run, "--input", "/data=./data", "-o", "small-receipt.json")
    return "small-receipt.json"


def validate(schemas: dict[str, Any], kind: str, document: Any) -> None:
    assert document["schema_version"]
    jsonschema_rs.validator_for(schemas[kind]).validate(document)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(schemas[kind]).validate({**document, "schema_version": 1})


def test_manifests_keep_their_schema(desk: Desk, schemas: dict[str, Any], small_run: str) -> None:
    """Of a run, an image, a container with mounts and changes, and this machine."""
    validate(schemas, "manifest", desk.read(small_run))
    validate(schemas, "manifest", desk.snapshot(SMALL_B))
    mounts = ("-v", f"{desk.work}/data:/data:ro", "-e", "MY_NAME=ada", "--network", "none")
    with container(*mounts, SMALL_A, program=("sh", "-c", "touch /app/new")) as name:
        validate(schemas, "manifest", desk.snapshot(name, "--output", "/out", expect=4))
    here = desk.call("snapshot", "--no-syft", expect=None)
    assert here.code in (0, 4)
    validate(schemas, "manifest", here.json())


def test_the_package_names_that_scripts_rely_on(desk: Desk, small_run: str) -> None:
    packages = desk.read(small_run)["packages"]
    assert all(package["name"] and package["version"] and package["purl"] for package in packages)


def test_receipts_keep_their_schema(
    desk: Desk, schemas: dict[str, Any], receipt: str, small_run: str
) -> None:
    document = desk.read(receipt)
    validate(schemas, "receipt", document)
    assert {"verdict", "level", "outputs"} <= set(document)
    assert all({"name", "verdict", "level"} <= set(output) for output in document["outputs"])
    drifted = desk.verify(
        small_run, "--input", "/data=./data", "--env", "OPENBLAS_CORETYPE=PRESCOTT", expect=1
    )
    validate(schemas, "receipt", drifted)


def test_reports_keep_their_schema(
    desk: Desk, schemas: dict[str, Any], small_run: str, other_kernel_run: str
) -> None:
    diff = desk.call("diff", small_run, other_kernel_run, "--format", "json", expect=1).json()
    validate(schemas, "diff", diff)
    names = {"code", "section", "name", "before", "after", "severity"}
    assert all(names <= set(finding) for finding in diff["findings"])
    validate(schemas, "graph", desk.call("graph", small_run, "--format", "json").json())
    validate(schemas, "check", desk.call("check", small_run, "--format", "json", expect=None).json())
    validate(schemas, "doctor", desk.call("doctor", "--format", "json").json())


def test_a_receipt_answers_the_question_that_check_asks(desk: Desk, small_run: str, receipt: str) -> None:
    without = desk.call("check", small_run, "--format", "json", expect=None).json()
    answer = desk.call("check", small_run, receipt, "--format", "json", expect=None)
    codes = {finding["code"] for finding in without["findings"]}
    left = {finding["code"] for finding in answer.json()["findings"]}
    assert left < codes
    assert codes - left <= set(answer.json()["passed"])
    for finding in without["findings"]:
        assert {"code", "severity", "where", "fix"} <= set(finding)
        assert all(finding[key] for key in ("code", "severity", "where", "fix"))
    text = desk.call("check", small_run, expect=None).stdout
    assert all(code in text for code in codes)


def test_the_threshold_alone_decides_the_exit_code(desk: Desk, small_run: str, receipt: str) -> None:
    """The image has no repository digest, which weighs heavy; any format gives the same code."""
    found = desk.call("check", small_run, receipt, "--format", "json", expect=1).json()["findings"]
    assert [(finding["code"], finding["severity"]) for finding in found] == [("IMG-504", "high")]
    for format_ in ("text", "json"):
        desk.call("check", small_run, "--fail-on", "info", "--format", format_, expect=1)
    nothing = desk.snapshot(SMALL_A)
    (desk.work / "nothing-ran.json").write_text(json.dumps(nothing))
    severities = {
        finding["severity"]
        for finding in desk.call("check", "nothing-ran.json", "--format", "json", expect=None).json()[
            "findings"
        ]
    }
    order = ("info", "low", "medium", "high")
    for level in order:
        reached = any(order.index(severity) >= order.index(level) for severity in severities)
        answer = desk.call("check", "nothing-ran.json", "--fail-on", level, expect=None)
        assert (answer.code == 1) == reached, (level, severities)


def test_a_receipt_of_another_run_counts_for_nothing(desk: Desk, other_kernel_run: str, receipt: str) -> None:
    alone = desk.call("check", other_kernel_run, "--format", "json", expect=None).json()
    answer = desk.call("check", other_kernel_run, receipt, "--format", "json", expect=None)
    before = {finding["code"] for finding in alone["findings"]}
    assert {finding["code"] for finding in answer.json()["findings"]} >= before


def test_doctor_finds_everything_that_this_machine_has(desk: Desk) -> None:
    checks = {item["name"]: item for item in desk.call("doctor", "--format", "json").json()["checks"]}
    assert checks["docker engine"]["version"]
    assert checks["docker engine"]["status"] in ("ok", "warning")
    assert "docker engine" in desk.call("doctor").stdout
    nowhere = Desk(directory=desk.directory, variables={"DOCKER_HOST": "unix:///nowhere.sock"})
    missing = nowhere.call("doctor", "--format", "json", expect=None)
    gone = {item["name"]: item for item in missing.json()["checks"]}["docker engine"]
    assert gone["status"] != "ok"
    assert gone["fix"]


def test_every_code_is_explained(desk: Desk) -> None:
    listing = desk.call("explain").stdout
    codes = [line.split()[0] for line in listing.splitlines() if line.startswith("  ")]
    assert {"E_NO_DAEMON", "ENV-607", "drift", "not-comparable"} <= set(codes)
    assert len(codes) == len(set(codes)) > 150
    for code in codes:
        page = explain(code)
        assert code in page
        assert len(page.splitlines()) > 1, code
    for code in ("E_NO_DAEMON", "ENV-607", "drift"):
        assert desk.call("explain", code).stdout == explain(code)
    assert "E_UNKNOWN_CODE" in desk.call("explain", "NOPE-1", expect=2).stderr


def test_show_tells_a_run_and_a_receipt(desk: Desk, small_run: str, receipt: str) -> None:
    run = desk.call("show", small_run).stdout
    for text in ("python3 /app/train.py", "/data", "/out/model.npz", "numpy"):
        assert text in desk.call("show", small_run, "--all").stdout, text
    assert "\x1b" not in run
    assert desk.call("show", receipt).stdout.startswith("identical (L0)")
    assert json.dumps(str(desk.work)) not in run
