"""`run` with everything that people pass to `docker run`, and all that can go wrong in a program."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.e2e.harness import COMMAND, SMALL_A, Desk, derived_image, docker, events_since, shell

pytestmark = pytest.mark.docker

RUN = ("--image", SMALL_A, "--output", "/out")


def say(*facts: str) -> tuple[str, ...]:
    """A program that writes shell expressions as lines of /out/facts.txt."""
    lines = " ".join(f'"{fact}"' for fact in facts)
    return shell(f"mkdir -p /out && printf '%s\\n' {lines} > /out/facts.txt && cat /out/facts.txt")


def test_the_limits_of_docker_run_are_in_force_and_recorded(desk: Desk) -> None:
    options = ("--cpus", "1.5", "--memory", "512m", "--shm-size", "32m", "--env", "MY_MODE=fast")
    program = say(
        "$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)",
        "$(df -B1 --output=size /dev/shm | tail -1 | tr -d ' ')",
        "$MY_MODE",
        "$(pwd)",
    )
    answer = desk.call(
        "run", "--no-syft", *RUN, *options, "--workdir", "/usr", "-o", "limits.json", "--", *program
    )
    assert answer.stdout.split() == [str(512 << 20), str(32 << 20), "fast", "/usr"]
    manifest = desk.read("limits.json")
    assert manifest["run"]["resources"] == {
        "nano_cpus": 1_500_000_000,
        "memory_bytes": 512 << 20,
        "shm_bytes": 32 << 20,
    }
    assert manifest["run"]["working_dir"] == "/usr"
    mode = next(variable for variable in manifest["environment"] if variable["name"] == "MY_MODE")
    assert (mode["value"], mode["origin"]) == ("fast", "run")
    receipt = desk.verify("limits.json")
    assert receipt["verdict"] == "identical"
    assert receipt["resources"] == manifest["run"]["resources"]


def test_another_user_and_a_read_only_root(desk: Desk) -> None:
    """A user without rights in /out, so the output goes where everybody may write."""
    program = shell("id -u > /tmp/who.txt; touch /app/x 2>/dev/null && exit 9; true")
    options = ("--image", SMALL_A, "--output", "/tmp/who.txt")
    desk.record("user.json", *options, "--user", "1234:1234", command=program)
    assert desk.read("user.json")["run"]["user"] == "1234:1234"
    assert desk.verify("user.json")["verdict"] == "identical"
    # as root the touch succeeds: another end than the recorded one
    assert desk.verify("user.json", "--user", "0", expect=1)["verdict"] == "did-not-run"
    read_only = desk.record("ro.json", *RUN, "--read-only", expect=1, command=shell("mkdir /out"))
    assert read_only["run"]["exit_code"] != 0


def test_a_network_must_be_allowed_again(desk: Desk) -> None:
    interfaces = say("$(ls /sys/class/net | tr '\\n' ' ')")
    manifest = desk.record("bridge.json", *RUN, "--network", "bridge", command=interfaces)
    assert manifest["run"]["network"] == "bridge"
    assert "E_NEEDS_NETWORK" in desk.call("verify", "bridge.json", expect=5).stderr
    receipt = desk.verify("bridge.json", "--allow-network")
    assert receipt["verdict"] == "identical"
    assert {"what": "network", "value": "bridge"} in receipt["relaxations"]
    alone = desk.call("run", "--no-syft", *RUN, "-o", "alone.json", "--", *interfaces)
    assert alone.stdout.split() == ["lo"]


@pytest.mark.parametrize(
    ("name", "options", "script", "code", "facts"),
    [
        ("fails", (), "mkdir /out; echo {} > /out/a.json; exit 3", 1, {"exit_code": 3}),
        (
            "late",
            ("--timeout", "2"),
            "mkdir /out; echo {} > /out/a.json; exec sleep 60",
            3,
            {"timed_out": True},
        ),
        (
            "hungry",
            ("--memory", "64m"),
            "mkdir /out; echo {} > /out/a.json; exec python3 -c 'x = bytearray(400 << 20)'",
            3,
            {"oom_killed": True},
        ),
    ],
)
def test_a_program_that_does_not_end_well_leaves_its_record(
    desk: Desk, name: str, options: tuple[str, ...], script: str, code: int, facts: dict[str, Any]
) -> None:
    manifest = desk.record(f"{name}.json", *RUN, *options, expect=code, command=shell(script))
    assert {key: manifest["run"].get(key) for key in facts} == facts
    # what it wrote before its end is in the record
    assert [output["name"] for output in manifest["run"]["outputs"]] == ["/out/a.json"]


def test_a_program_that_fails_the_same_way_again_is_reproduced(desk: Desk) -> None:
    desk.record("again.json", *RUN, expect=1, command=shell("mkdir /out; echo {} > /out/a.json; exit 3"))
    assert desk.verify("again.json")["verdict"] == "identical"


def test_a_declared_output_that_was_not_made(desk: Desk) -> None:
    answer = desk.call(
        "run", "--no-syft", *RUN, "--output", "/model.pt", "-o", "missing.json", "--", *say("x"), expect=1
    )
    assert "/model.pt" in answer.stderr
    assert [output["name"] for output in desk.read("missing.json")["run"]["outputs"]] == ["/out/facts.txt"]


def test_outputs_by_glob_and_relative_to_the_working_directory(desk: Desk) -> None:
    program = shell(
        "mkdir -p a/b; echo 1 > a/x.json; echo 2 > a/b/y.json; echo 3 > a/z.txt; echo 4 > top.json"
    )
    options = ("--image", SMALL_A, "--workdir", "/srv", "--output", "/srv/**/*.json")
    manifest = desk.record("globs.json", *options, command=program)
    names = [output["name"] for output in manifest["run"]["outputs"]]
    assert names == ["/srv/a/b/y.json", "/srv/a/x.json", "/srv/top.json"]
    relative = desk.record(
        "relative.json", "--image", SMALL_A, "--output", "out", command=shell("echo 1 > out")
    )
    assert [output["name"] for output in relative["run"]["outputs"]] == ["/app/out"]
    elsewhere = ("--image", SMALL_A, "--workdir", "/srv", "--output", "out")
    moved = desk.record("moved.json", *elsewhere, command=shell("echo 1 > out"))
    assert [output["name"] for output in moved["run"]["outputs"]] == ["/srv/out"]


def test_what_is_volatile_by_nature_is_sealed_and_counted(desk: Desk) -> None:
    program = shell(
        "mkdir -p /out; date +%s%N > /out/events.123; "
        'printf \'{"loss": 0.5, "train_runtime": %s}\' 1$(date +%N) > /out/metrics.json'
    )
    options = ("--ignore-output", "/out/events.*", "--ignore-key", "/out/metrics.json:train_runtime")
    manifest = desk.record("volatile.json", *RUN, *options, command=program)
    assert manifest["run"]["ignore_outputs"] == ["/out/events.*"]
    assert manifest["run"]["ignore_keys"] == [{"file": "/out/metrics.json", "key": "train_runtime"}]
    receipt = desk.verify("volatile.json")
    assert (receipt["verdict"], receipt["level"]) == ("identical", "L1")
    assert (receipt["ignored_outputs"], receipt["ignored_keys"]) == (1, 1)
    text = desk.call("verify", "volatile.json").stdout
    assert "ignored" in text
    # sealed: nobody adds one afterwards
    manifest["run"]["ignore_outputs"].append("/out/*.json")
    (desk.work / "loosened.json").write_text(json.dumps(manifest))
    assert "E_DIGEST" in desk.call("verify", "loosened.json", expect=2).stderr
    # without them the same run is never the same twice
    desk.record("strict.json", *RUN, command=program)
    assert desk.verify("strict.json", expect=4)["verdict"] == "nondeterministic"


def test_copies_are_kept_and_pruned(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Desk.at(tmp_path_factory.mktemp("store") / "desk")
    assert "0 kept outputs" in other.call("store").stdout
    other.record("unkept.json", *RUN, "--no-keep", command=say("a"))
    assert "0 kept outputs" in other.call("store").stdout
    kept = other.record("kept.json", *RUN, command=say("a"))
    listing = other.call("store", "list").stdout
    assert "1 kept output," in listing
    assert kept["run"]["outputs"][0]["sha256"][:16] in listing
    assert "E_NEEDS_YES" in other.call("store", "prune", expect=5).stderr
    assert "removed 0" in other.call("store", "prune", "--older-than", "1", "--yes").stdout
    assert "removed 1" in other.call("store", "prune", "--yes").stdout
    assert "0 kept outputs" in other.call("store").stdout
    assert other.verify("kept.json")["verdict"] == "identical"
    del desk


def test_the_image_s_own_entrypoint_command_and_user(desk: Desk) -> None:
    lines = (
        "RUN useradd --create-home --uid 1001 ada && mkdir /out && chown ada /out",
        'ENTRYPOINT ["python3"]',
        'CMD ["/app/train.py", "--data", "/none"]',
        "USER ada",
    )
    with derived_image(*lines) as image:
        manifest = desk.record("entry.json", "--image", image, "--output", "/out", command=())
        run = manifest["run"]
        assert run["argv"] == ["python3", "/app/train.py", "--data", "/none"]
        assert run["user"] == "ada"
        assert manifest["image"]["entrypoint"] == ["python3"]
        assert desk.verify("entry.json")["verdict"] == "identical"
        other = desk.record("entry-seed.json", "--image", image, "--output", "/out", command=COMMAND[1:])
        assert other["run"]["argv"] == list(COMMAND)


def test_nothing_is_left_on_the_engine(desk: Desk) -> None:
    """After a run, a failure and a time-out: no container, and no volume that the image declares."""
    since = time.time()
    with derived_image("VOLUME /cache") as image:
        options = ("--image", image, "--output", "/out")
        desk.record("left-0.json", *options, command=say("x"))
        desk.record("left-1.json", *options, expect=1, command=shell("exit 1"))
        desk.record("left-3.json", *options, "--timeout", "1", expect=3, command=shell("exec sleep 30"))
        assert docker("ps", "--all", "--quiet", "--filter", f"ancestor={image}") == ""
    events = events_since(since)
    # others may be at work on this engine: ours are the containers of this image, and what they mounted
    ours = {e["Actor"]["ID"] for e in events if e["Actor"]["Attributes"].get("image") == image}
    assert len(ours) == 3
    volumes = {e["Actor"]["ID"] for e in events if e["Actor"]["Attributes"].get("container") in ours}
    gone = {e["Actor"]["ID"] for e in events if (e["Type"], e["Action"]) == ("volume", "destroy")}
    assert len(volumes) == 3
    assert volumes <= gone
