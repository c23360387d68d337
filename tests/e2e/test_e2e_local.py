"""`--engine local`: the same record and the same verdicts without any daemon. Runs everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import TRAINING, Desk

INPUTS = ("--input", f"{TRAINING}/train_plain.py:train.py", "--input", "./data:data")
PROGRAM = ("python3", "train.py", "--data", "data", "--output", "out")
AGAIN = ("--input", f"train.py={TRAINING}/train_plain.py", "--input", "data=./data")


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Somebody without Docker."""
    directory = tmp_path_factory.mktemp("local") / "desk"
    return Desk.at(directory, DOCKER_HOST=f"unix://{directory}/no.sock", LC_ALL="C.UTF-8")


def record(user: Desk, name: str, *options: str, expect: int | None = None) -> Any:
    argv = ("run", "--engine", "local", "--no-syft", *INPUTS, "--output", "out", *options, "-o", name)
    answer = user.call(*argv, "--", *PROGRAM, expect=expect)
    # this machine may hold something that cannot be read; then the record says so, and ends in 4
    assert answer.code in ((0, 4) if expect is None else (expect,)), answer
    assert "nothing is sandboxed" in answer.stderr
    return user.read(name)


@pytest.fixture(scope="module")
def recorded(user: Desk) -> Any:
    return record(user, "local.json")


def test_the_record_names_places_in_the_workspace(user: Desk, recorded: Any) -> None:
    run = recorded["run"]
    assert run["engine"] == "local"
    assert run["argv"] == list(PROGRAM)
    assert [item["path"] for item in run["inputs"]] == ["data", "train.py"]
    assert [item["name"] for item in run["outputs"]] == [
        "out/metrics.json",
        "out/weights.csv",
        "out/weights.json",
    ]
    assert run["exit_code"] == 0
    assert recorded.get("image") is None
    assert not (user.work / "out").exists()
    text = json.dumps(recorded["run"])
    assert str(user.work) not in text
    assert str(TRAINING) not in text


@pytest.mark.usefixtures("recorded")
def test_verify_reproduces_it(user: Desk) -> None:
    receipt = user.verify("local.json", *AGAIN)
    assert (receipt["verdict"], receipt["level"], receipt["engine"]) == ("identical", "L0", "local")
    assert any(item["what"] == "unsandboxed" for item in receipt["relaxations"])
    assert "unsandboxed" in user.call("verify", "local.json", *AGAIN).stdout


@pytest.mark.usefixtures("recorded")
def test_another_variable_is_found_by_verify_and_by_diff(user: Desk) -> None:
    receipt = user.verify("local.json", *AGAIN, "--env", "REPROCHECK_DEMO_LR=0.2", expect=1)
    assert receipt["verdict"] == "drift"
    assert len(receipt["executions"]) == 2
    record(user, "local-rate.json", "--env", "REPROCHECK_DEMO_LR=0.2")
    report = user.call("diff", "local.json", "local-rate.json", "--format", "json", expect=1).json()
    first = report["findings"][0]
    assert (first["name"], first["before"], first["after"]) == ("REPROCHECK_DEMO_LR", None, "0.2")
    assert {finding["section"] for finding in report["findings"][1:]} == {"outputs"}


def test_a_run_that_depends_on_chance_is_nondeterministic(user: Desk) -> None:
    argv = ("run", "--engine", "local", "--no-syft", "--output", "out", "-o", "chance.json")
    program = ("sh", "-c", "head -c 8 /dev/urandom > out")
    assert user.call(*argv, "--", *program, expect=None).code in (0, 4)
    receipt = user.verify("chance.json", expect=4)
    assert receipt["verdict"] == "nondeterministic"
    assert len(receipt["executions"]) == 2


@pytest.mark.usefixtures("recorded")
def test_somebody_else_s_record_needs_two_flags(user: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Desk.at(tmp_path_factory.mktemp("other") / "desk").directory
    other = Desk(directory=place, variables=user.variables)
    record_path = str(user.work / "local.json")
    assert "--unsandboxed" in other.call("verify", record_path, *AGAIN, expect=5).stderr
    other.call("verify", record_path, *AGAIN, "--unsandboxed", expect=5)
    receipt = other.verify(record_path, *AGAIN, "--unsandboxed", "--yes")
    assert receipt["verdict"] == "identical"


@pytest.mark.usefixtures("recorded")
def test_a_changed_program_is_refused(user: Desk) -> None:
    changed = user.work / "changed.py"
    changed.write_text((TRAINING / "train_plain.py").read_text() + "\n")
    inputs = ("--input", "train.py=./changed.py", "--input", "data=./data")
    assert "E_INPUT_DIFFERS" in user.call("verify", "local.json", *inputs, expect=5).stderr


def test_a_failing_program_and_a_time_out_keep_the_record(user: Desk) -> None:
    argv = ("run", "--engine", "local", "--no-syft", "--output", "out")
    user.call(*argv, "-o", "failed.json", "--", "sh", "-c", "exit 7", expect=1)
    assert user.read("failed.json")["run"]["exit_code"] == 7
    user.call(*argv, "--timeout", "1", "-o", "slow.json", "--", "sleep", "60", expect=3)
    assert user.read("slow.json")["run"]["timed_out"] is True


def test_docker_is_not_asked_and_its_absence_is_one_line(user: Desk) -> None:
    answer = user.call("snapshot", "python:3.11", expect=3)
    assert answer.stderr.startswith("error[E_NO_DAEMON]")
    assert len(answer.stderr.splitlines()) == 1


def test_the_other_verbs_read_a_local_record(user: Desk, recorded: Any) -> None:
    del recorded
    assert "train.py" in user.call("show", "local.json").stdout
    for verb in ("graph", "check"):
        answer = user.call(verb, "local.json", "--format", "json", expect=None)
        assert answer.code in (0, 1, 4)
        assert answer.json()["schema_version"]
