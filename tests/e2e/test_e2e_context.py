"""Code, data, labels and job in a manifest, as users ask for them. Runs everywhere."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Desk

JOB = {"SLURM_JOB_ID": "4711", "SLURM_PROCID": "2", "SLURM_JOB_USER": "alice", "SLURM_NODELIST": "n[1-2]"}


@pytest.fixture
def user(tmp_path: Path) -> Desk:
    """Somebody in the second rank of a job, in a repository with a small file."""
    desk = Desk.at(
        tmp_path / "desk",
        DOCKER_HOST=f"unix://{tmp_path}/no.sock",
        cache=False,
        GIT_CONFIG_NOSYSTEM="1",
        **JOB,
    )
    (desk.work / ".gitignore").write_text("*.json\n*.jsonl\n/data\n")
    (desk.work / "train.py").write_text("print(open('/dev/null').read())\n")
    for argv in (
        ("init", "-q", "-b", "main"),
        ("remote", "add", "origin", "https://alice:hunter2hunter2@example.org/a.git"),
        ("add", "-A"),
        ("-c", "user.name=U", "-c", "user.email=u@example.org", "commit", "-qm", "first"),
    ):
        subprocess.run(["git", *argv], cwd=desk.work, env=desk.environ, check=True)
    return desk


def snapshot(user: Desk, name: str, *options: str) -> Any:
    # this machine may hold something that cannot be read; then the record says so, and ends in 4
    answer = user.call("snapshot", "--no-syft", *options, "-o", name, expect=None)
    assert answer.code in (0, 4), answer
    return user.read(name)


def test_a_local_snapshot_says_what_stood_around_it(user: Desk) -> None:
    (user.work / "train.py").write_text("print(2)\n")
    found = snapshot(user, "m.json", "--data", "data", "--label", "site=cern", "--label", "node=n7")
    (code,) = found["code"]
    assert (code["path"], code["branch"], code["remote"]) == (".", "main", "https://example.org/a.git")
    assert (code["dirty"], code["changed"], len(code["patch_sha256"])) == (True, ["train.py"], 64)
    (data,) = found["data"]
    assert (data["name"], data["files"], [file["path"] for file in data["listing"]]) == (
        "data",
        1,
        ["data.csv"],
    )
    assert found["labels"] == [{"name": "node", "value": "n7"}, {"name": "site", "value": "cern"}]
    assert (found["job"]["scheduler"], found["job"]["id"], found["job"]["rank"]) == ("slurm", "4711", "2")
    text = (user.work / "m.json").read_text()
    assert "hunter2" not in text
    assert "n[1-2]" not in text
    assert "name" not in found["host"]


def test_two_snapshots_of_one_state_are_equal(user: Desk) -> None:
    one, two = (snapshot(user, name, "--data", "data") for name in ("one.json", "two.json"))
    assert (one["code"], one["data"], one["job"]) == (two["code"], two["data"], two["job"])


def test_names_of_files_hold_host_and_rank(user: Desk) -> None:
    answer = user.call("snapshot", "--no-syft", "--label", "node=n7", "-o", "%h-%r.json", expect=None)
    assert answer.code in (0, 4)
    assert "→ n7-2.json" in answer.stderr
    assert user.read("n7-2.json")["labels"] == [{"name": "node", "value": "n7"}]
    answer = user.call("snapshot", "--no-syft", "-o", "%q.json", expect=2)
    assert "E_NAME_PATTERN" in answer.stderr


def test_the_host_is_named_on_request(user: Desk) -> None:
    found = snapshot(user, "m.json", "--host-name", "--no-code")
    assert found["host"]["name"]
    assert {"name": "SLURM_NODELIST", "value": "n[1-2]"} in found["job"]["facts"]
    assert "code" not in found


def test_a_secret_label_is_refused_and_not_shown(user: Desk) -> None:
    answer = user.call("snapshot", "--no-syft", "--label", "token=hunter2hunter2", expect=2)
    assert "E_LABEL_SECRET" in answer.stderr
    assert "hunter2" not in answer.stderr + answer.stdout


def test_a_long_listing_lies_beside_the_manifest(user: Desk) -> None:
    for index in range(1_001):
        (user.work / f"data/{index:04}").write_text(str(index))
    found = snapshot(user, "m.json", "--data", "set=data", "--no-code")
    (data,) = found["data"]
    assert (data["files"], "listing" in data) == (1_002, False)
    document = (user.work / "m.data-set.jsonl").read_bytes()
    assert hashlib.sha256(document).hexdigest() == data["listing_sha256"]
    assert len([json.loads(line) for line in document.splitlines()]) == 1_002


def test_a_run_records_the_code_of_its_inputs(user: Desk) -> None:
    argv = (
        "run",
        "--engine",
        "local",
        "--no-syft",
        "--input",
        "train.py",
        "--output",
        "out",
        "--data",
        "data",
    )
    answer = user.call(*argv, "-o", "run-%r.json", "--", "sh", "-c", "python3 train.py > out", expect=None)
    assert answer.code in (0, 4), answer
    found = user.read("run-2.json")
    assert [item["path"] for item in found["code"]] == ["."]
    assert found["data"][0]["name"] == "data"
    assert found["job"]["rank"] == "2"
