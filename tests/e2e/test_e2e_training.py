"""The `train` image the whole way, as the README and the first order write it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import COMMAND, TRAIN, Desk, assert_packages_match

pytestmark = [pytest.mark.docker, pytest.mark.syft]

RUN = ("run", "--image", TRAIN, "--input", "./data:/data", "--output", "/out")
OTHER_PATH = "ATEN_CPU_CAPABILITY=default"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.at(tmp_path_factory.mktemp("train") / "desk")


@pytest.fixture(scope="module")
def recorded(user: Desk) -> Any:
    answer = user.call(*RUN, "-o", "run.json", "--", *COMMAND)
    assert "accuracy" in answer.stdout
    return user.read("run.json")


@pytest.fixture(scope="module")
def recorded_otherwise(user: Desk, recorded: Any) -> Any:
    del recorded
    user.call(*RUN, "--env", OTHER_PATH, "-o", "other.json", "--", *COMMAND)
    return user.read("other.json")


def test_the_record_holds_command_inputs_and_outputs(user: Desk, recorded: Any) -> None:
    run = recorded["run"]
    assert run["argv"] == list(COMMAND)
    assert run["exit_code"] == 0
    assert [item["path"] for item in run["inputs"]] == ["/data"]
    names = ["/out/metrics.json", "/out/model.pt", "/out/model.safetensors"]
    assert [item["name"] for item in run["outputs"]] == names
    assert all(item["content"] for item in run["outputs"])
    assert recorded["unknowns"] == []
    assert {tool["name"] for tool in recorded["observation"]["tools"]} >= {"reprocheck", "syft"}
    # where the input lay on the host is nobody's business
    assert str(user.work) not in json.dumps(recorded)


@pytest.mark.usefixtures("recorded")
def test_verify_says_identical(user: Desk) -> None:
    answer = user.call("verify", "run.json", "--input", "/data=./data", "-o", "receipt.json")
    assert answer.stdout.startswith("identical (L0)")
    receipt = user.read("receipt.json")
    assert (receipt["verdict"], receipt["level"]) == ("identical", "L0")
    assert {(item["verdict"], item["level"]) for item in receipt["outputs"]} == {("identical", "L0")}
    assert len(receipt["executions"]) == 1


@pytest.mark.usefixtures("recorded")
def test_verify_with_another_code_path_says_drift(user: Desk) -> None:
    receipt = user.verify("run.json", "--input", "/data=./data", "--env", OTHER_PATH, expect=1)
    assert receipt["verdict"] == "drift"
    assert len(receipt["executions"]) == 2
    assert {"what": "env", "value": OTHER_PATH} in receipt["relaxations"]
    assert {item["name"] for item in receipt["outputs"] if item["verdict"] == "differs"} >= {
        "/out/model.pt",
        "/out/model.safetensors",
    }


@pytest.mark.usefixtures("recorded", "recorded_otherwise")
def test_diff_puts_the_variable_first(user: Desk) -> None:
    report = user.call("diff", "run.json", "other.json", "--format", "json", expect=1).json()
    assert report["verdict"] == "differs"
    first = report["findings"][0]
    assert (first["section"], first["name"]) == ("environment", "ATEN_CPU_CAPABILITY")
    assert (first["before"], first["after"]) == (None, "default")
    text = user.call("diff", "run.json", "other.json", expect=1).stdout
    ranked = [line for line in text.splitlines() if line.strip().startswith("1.")]
    assert len(ranked) == 1
    assert "ATEN_CPU_CAPABILITY" in ranked[0]


def test_the_package_list_is_the_image_s_own(recorded: Any) -> None:
    """Name for name and version for version what dpkg-query and pip say inside."""
    assert_packages_match(TRAIN, recorded)
