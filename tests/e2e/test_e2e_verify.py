"""What verify refuses, what it cannot run, what it asks first, and what a tolerance can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.harness import SMALL_A, Desk, container, derived_image, docker, shell

pytestmark = pytest.mark.docker

DATA_AGAIN = ("--input", "/data=./data")
OTHER_KERNEL = ("--env", "OPENBLAS_CORETYPE=PRESCOTT")


@pytest.fixture
def stranger(tmp_path: Path) -> Desk:
    """Somebody who has the record and the data, and has made neither."""
    return Desk.at(tmp_path / "stranger")


def test_inputs_are_demanded_and_their_hash_is_checked_first(
    desk: Desk, small_run: str, tmp_path: Path
) -> None:
    stranger = Desk.at(tmp_path / "reviewer")
    (stranger.work / small_run).write_bytes((desk.work / small_run).read_bytes())
    missing = stranger.call("verify", small_run, "--yes", expect=5)
    assert "E_INPUT_NOT_GIVEN" in missing.stderr
    assert "/data" in missing.stderr
    (desk.work / "changed-data").mkdir()
    (desk.work / "changed-data/data.csv").write_bytes((desk.work / "data/data.csv").read_bytes() + b"\n")
    changed = desk.call("verify", small_run, "--input", "/data=./changed-data", expect=5)
    assert "E_INPUT_DIFFERS" in changed.stderr
    unknown = desk.call("verify", small_run, *DATA_AGAIN, "--input", "/more=./data", expect=2)
    assert "E_INPUT_UNKNOWN" in unknown.stderr
    assert all("nothing was started" in answer.stderr for answer in (missing, changed))


def test_ones_own_inputs_are_found_where_they_were_recorded(desk: Desk, small_run: str) -> None:
    """The very pair of commands of the README: run with --input, then verify without."""
    assert desk.call("verify", small_run, expect=0).stdout.startswith("identical (L0)")
    record = (desk.work / small_run).read_text()
    assert str(desk.work) not in record


def test_the_image_is_gone(desk: Desk) -> None:
    with derived_image("RUN echo 1 > /one-more-layer") as image:
        desk.record("gone.json", "--image", image, "--output", "/out", command=shell("echo 1 > /out"))
    answer = desk.call("verify", "gone.json", expect=3)
    assert answer.stderr.startswith("error[E_IMAGE_GONE]")
    assert image in answer.stderr
    assert "nothing was started" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_tag_that_moved_on_is_not_trusted(desk: Desk) -> None:
    """The recorded image is found by its identity under whatever name it has now."""
    name = "reprocheck-e2e:moving"
    with derived_image("RUN echo 1 > /version") as first, derived_image("RUN echo 2 > /version") as second:
        docker("tag", first, name)
        desk.record("moving.json", "--image", name, "--output", "/out", command=("cp", "/version", "/out"))
        docker("tag", second, name)
        try:
            receipt = desk.verify("moving.json")
        finally:
            docker("rmi", name)
    assert (receipt["verdict"], receipt["image"]) == ("identical", first)


def test_a_stranger_sees_the_plan_and_must_say_yes(desk: Desk, small_run: str, stranger: Desk) -> None:
    record = str(desk.work / small_run)
    refused = stranger.call("verify", record, *DATA_AGAIN, expect=5)
    assert "E_NEEDS_YES" in refused.stderr
    for shown in ("python3", "/app/train.py", "/data", "/out"):
        assert shown in refused.stderr
    plan = stranger.call("verify", record, *DATA_AGAIN, "--dry-run")
    assert "/app/train.py" in plan.stderr + plan.stdout
    assert not (stranger.directory / "state/outputs").exists()
    assert stranger.verify(record, *DATA_AGAIN, "--yes")["verdict"] == "identical"
    # the record's own author is not asked
    assert desk.verify(small_run, *DATA_AGAIN)["verdict"] == "identical"


def test_a_tolerance_needs_the_kept_copies_and_stands_beside_the_verdict(
    desk: Desk, small_run: str, stranger: Desk
) -> None:
    loose = ("--rtol", "1e-3", "--atol", "1e-4")
    receipt = desk.verify(small_run, *DATA_AGAIN, *OTHER_KERNEL, *loose)
    assert (receipt["verdict"], receipt["level"]) == ("within-tolerance", "L3")
    assert any(item["what"].startswith("tolerance") for item in receipt["relaxations"])
    assert len(receipt["executions"]) == 1
    tight = ("--rtol", "1e-12", "--atol", "0")
    assert desk.verify(small_run, *DATA_AGAIN, *OTHER_KERNEL, *tight, expect=1)["verdict"] == "drift"
    # the numbers of an array are not in a manifest, and a stranger has no copy of them
    record = str(desk.work / small_run)
    without = stranger.verify(record, *DATA_AGAIN, *OTHER_KERNEL, *loose, "--yes", expect=None)
    assert without["verdict"] in ("drift", "not-comparable")


def test_the_author_s_tolerance_is_sealed(desk: Desk) -> None:
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out")
    manifest = desk.record("tolerant.json", *options, "--rtol", "1e-3", "--atol", "1e-4")
    assert manifest["run"]["tolerance"] == {"rtol": "1e-3", "atol": "1e-4"}
    assert desk.verify("tolerant.json", *DATA_AGAIN)["verdict"] == "identical"
    receipt = desk.verify("tolerant.json", *DATA_AGAIN, *OTHER_KERNEL)
    assert receipt["verdict"] == "within-tolerance"


def test_no_tolerance_turns_a_missing_output_into_a_pass(desk: Desk) -> None:
    program = shell('mkdir /out; echo 1 > /out/a.csv; [ -n "$SKIP" ] || echo 2 > /out/b.csv')
    desk.record("two.json", "--image", SMALL_A, "--output", "/out", command=program)
    loose = ("--env", "SKIP=1", "--rtol", "1e9", "--atol", "1e9")
    receipt = desk.verify("two.json", *loose, expect=1)
    assert receipt["verdict"] == "drift"
    assert {(item["name"], item["verdict"]) for item in receipt["outputs"]} == {
        ("/out/a.csv", "identical"),
        ("/out/b.csv", "missing"),
    }


def test_a_run_that_depends_on_chance_is_nondeterministic(desk: Desk) -> None:
    program = shell("head -c 8 /dev/urandom > /out")
    desk.record("chance.json", "--image", SMALL_A, "--output", "/out", command=program)
    receipt = desk.verify("chance.json", expect=4)
    assert receipt["verdict"] == "nondeterministic"
    assert len(receipt["executions"]) == 2


def test_a_command_that_fails_now_is_a_negative_answer(desk: Desk) -> None:
    program = shell('echo 1 > /out; [ -z "$BREAK" ]')
    desk.record("worked.json", "--image", SMALL_A, "--output", "/out", command=program)
    receipt = desk.verify("worked.json", "--env", "BREAK=1", expect=1)
    assert receipt["verdict"] == "did-not-run"
    late = desk.verify("worked.json", "--env", "BREAK=", "--timeout", "60")
    assert late["verdict"] == "identical"


def test_our_own_limit_is_not_the_program_s_failure(desk: Desk) -> None:
    program = shell("sleep ${NAP:-0}; echo 1 > /out")
    desk.record("nap.json", "--image", SMALL_A, "--output", "/out", command=program)
    receipt = desk.verify("nap.json", "--env", "NAP=30", "--timeout", "1", expect=3)
    assert receipt["verdict"] == "did-not-run"
    assert receipt["executions"][0]["timed_out"] is True


def test_the_sandbox_holds(desk: Desk) -> None:
    """No capability, no new privileges, no network, no device beyond the usual, and an ephemeral root."""
    facts = (
        "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; ls /sys/class/net; "
        "test ! -e /dev/sda && test ! -e /dev/vda && test ! -e /var/run/docker.sock && touch /app/trace"
    )
    desk.record("sandbox.json", "--image", SMALL_A, "--output", "/out", command=shell(f"({facts}) > /out"))
    # the same facts again in verify's sandbox; what the command wrote elsewhere is an effect, not a change
    assert desk.verify("sandbox.json")["verdict"] == "identical"
    changes = desk.read("sandbox.json")["run"]["changes"]
    assert [change["path"] for change in changes if not change.get("volatile")] == ["/app/trace"]
    shown = desk.call(
        "run",
        "--no-syft",
        "--image",
        SMALL_A,
        "--output",
        "/out",
        "-o",
        "shown.json",
        "--",
        *shell(f"({facts}) | tee /out"),
    ).stdout.split()
    assert shown == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "lo"]


@pytest.mark.parametrize("name", ["Privileged", "Binds", "Devices"])
def test_a_manifest_cannot_ask_for_more(desk: Desk, small_run: str, name: str) -> None:
    """There is no such field, so a document that has one is refused."""
    manifest = desk.read(small_run)
    manifest["run"][name] = True
    (desk.work / "greedy.json").write_text(json.dumps(manifest))
    assert desk.call("verify", "greedy.json", *DATA_AGAIN, expect=2).stderr.startswith("error[E_D")


def test_a_privileged_container_is_not_run_again(desk: Desk) -> None:
    program = shell("echo 1 > /out")
    with container("--pid", "host", "--network", "none", SMALL_A, program=program) as made:
        desk.call("snapshot", made, "--no-syft", "--output", "/out", "-o", "privileged.json")
    assert "E_PRIVILEGED" in desk.call("verify", "privileged.json", expect=5).stderr
