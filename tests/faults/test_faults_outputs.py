"""What a hostile or unlucky program leaves in its container, and runs that do not end well."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.faults.harness import SMALL_A, Done, World, document, sleepers

pytestmark = pytest.mark.docker

GOOD = "mkdir -p /out && echo good > /out/good.txt; cd /out; "
UNSEEN: dict[str, tuple[str, str, str]] = {
    "a link out of the workspace": ("ln -s /etc/shadow bad", "/out/bad", "link"),
    "a link to an output": ("ln -s good.txt bad", "/out/bad", "link"),
    "a link to a directory": ("ln -s /etc bad", "/out/bad", "link"),
    "a FIFO": ("mkfifo bad", "/out/bad", "FIFO"),
    "a socket": (
        "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('bad')\"",
        "/out/bad",
        "socket",
    ),
}
"""What is made, where it must be listed as not seen, and a word of the reason."""


def run(world: World, script: str, *options: str, output: str = "/out", seconds: int = 90) -> Done:
    return world.run(
        *("run", "--image", SMALL_A, "--no-syft", "--output", output, "-o", "run.json", *options),
        *("--", "sh", "-c", script),
        seconds=seconds,
    )


def recorded(world: World) -> dict[str, Any]:
    world.check("run.json")
    found = document(world.cwd / "run.json")["run"]
    assert isinstance(found, dict)
    return found


def unknowns(world: World) -> list[tuple[str, str]]:
    return [(u["where"], u["reason"]) for u in document(world.cwd / "run.json")["unknowns"]]


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_is_no_file_is_listed_and_the_rest_is_kept(world: World, kind: str) -> None:
    """Exit 4, the good output recorded, the other one an unknown; a verify does not call it reproduced."""
    script, where, word = UNSEEN[kind]
    done = run(world, GOOD + script)
    assert done.code == 4, done
    done.quiet()
    assert where in done.err
    assert [output["name"] for output in recorded(world)["outputs"]] == ["/out/good.txt"]
    assert [(w, word in reason) for w, reason in unknowns(world)] == [(where, True)]


def test_a_missing_output_is_told_and_the_record_kept(world: World) -> None:
    done = run(world, GOOD, "--output", "/elsewhere/model.pt")
    assert (done.code, "/elsewhere/model.pt" in done.err, "kept" in done.err) == (1, True, True), done
    assert [output["name"] for output in recorded(world)["outputs"]] == ["/out/good.txt"]


def test_no_output_at_all_is_told(world: World) -> None:
    done = run(world, "true")
    assert (done.code, "/out" in done.err) == (1, True), done
    assert recorded(world)["outputs"] == []


def test_a_link_as_the_declared_directory_is_not_followed(world: World) -> None:
    done = run(world, "ln -s /etc /out")
    assert done.code in (1, 4), done
    assert recorded(world)["outputs"] == []


def test_a_hard_link_is_not_read(world: World) -> None:
    """Its bytes may lie elsewhere too, and change from there."""
    done = run(world, GOOD + "echo 1 > twice; ln twice again; ln /etc/passwd passwd")
    assert done.code == 4, done
    assert [output["name"] for output in recorded(world)["outputs"]] == ["/out/good.txt"]
    assert [(w, "hard link" in reason) for w, reason in unknowns(world)] == [
        ("/out/again", True),
        ("/out/passwd", True),
        ("/out/twice", True),
    ]


def test_a_sparse_file_of_the_largest_size_is_refused_at_once(world: World) -> None:
    """8 EiB, or the most that the file system takes; nothing reads through the hole."""
    start = time.monotonic()
    script = "for s in 8E 7E 1E 100P 1P 15T; do truncate -s $s bad 2>/dev/null && break; done; ls -ln bad"
    done = run(world, GOOD + script)
    assert time.monotonic() - start < 60
    assert done.code in (3, 4), done
    if done.code == 3:
        assert "error[E_LIMIT]" in done.err
        done.quiet()
        world.check()
        return
    assert [output["name"] for output in recorded(world)["outputs"]] == ["/out/good.txt"]
    ((where, reason),) = unknowns(world)
    assert where == "/out/bad"
    assert "limit" in reason


def test_too_many_outputs_are_told(world: World) -> None:
    """10,001 files where the limit is 10,000; the message names the limit and the flag."""
    done = run(world, "mkdir /out; cd /out; i=0; while [ $i -le 10000 ]; do : > f$i; i=$((i+1)); done")
    last = done.err.splitlines()[-1]
    assert (done.code, last[:16]) == (3, "error[E_LIMIT]: "), done
    assert "10000" in last
    assert "--limit-scale" in last
    done.quiet()
    world.check()


def test_hostile_names_of_outputs_are_kept_and_shown_clean(world: World) -> None:
    names = r"""touch "$(printf 'a\033[31mb\nc\342\200\256d')" "$(printf 'caf\351')" """
    done = run(world, GOOD + names)
    assert done.code in (0, 4), done
    done.quiet()
    assert len(recorded(world)["outputs"]) == 3
    for words in (("show", "--all", "run.json"), ("verify", "run.json"), ("check", "run.json")):
        told = world.run(*words)
        assert told.code in (0, 1), told
        told.quiet()
        assert "\\u{1b}" in told.out or words[0] == "check"


def test_a_failing_program_is_recorded(world: World) -> None:
    done = run(world, GOOD + "exit 7")
    assert (done.code, "exited 7" in done.err, "kept" in done.err) == (1, True, True), done
    done.quiet()
    assert recorded(world)["exit_code"] == 7


def test_a_command_that_is_not_there_is_told(world: World) -> None:
    done = world.run(
        *(
            "run",
            "--image",
            SMALL_A,
            "--no-syft",
            "--output",
            "/out",
            "-o",
            "run.json",
            "--",
            "no-such-program",
        )
    )
    done.failed(3, "E_COMMAND_NOT_FOUND", "no-such-program")
    world.check()


def test_a_run_killed_for_memory_is_recorded(world: World) -> None:
    script = GOOD + "python3 -c 'x = bytearray(1 << 30); print(len(x))'"
    done = run(world, f"{script}; kill -KILL $$", "--memory", "64m")
    assert done.code in (1, 3), done
    done.quiet()
    assert "error[" not in done.err
    record = recorded(world)
    assert record["oom_killed"] is True or record["exit_code"] == 137
    assert [output["name"] for output in record["outputs"]] == ["/out/good.txt"]


def test_the_first_process_killed_for_memory_is_told_as_such(world: World) -> None:
    done = world.run(
        *("run", "--image", SMALL_A, "--no-syft", "--output", "/out", "-o", "run.json", "--memory", "64m"),
        *("--", "python3", "-c", "x = bytearray(1 << 30)"),
    )
    assert (done.code, "--memory" in done.err) == (3, True), done
    assert recorded(world)["oom_killed"] is True


def test_a_run_that_times_out_is_recorded(world: World) -> None:
    """Also one that ignores SIGTERM; nothing of it runs on."""
    token = "74291.25"
    start = time.monotonic()
    script = f"{GOOD} trap '' TERM; sleep {token} & sleep {token} & while :; do wait; done"
    done = run(world, script, "--timeout", "1", "--limit-scale", "0.2")
    assert time.monotonic() - start < 40
    assert (done.code, "--timeout" in done.err) == (3, True), done
    done.quiet()
    record = recorded(world)
    assert (record["timed_out"], record["exit_code"]) == (True, None)
    assert [output["name"] for output in record["outputs"]] == ["/out/good.txt"]
    assert sleepers(token) == []


def test_a_fork_bomb_stays_in_its_box(world: World) -> None:
    """The limit on processes holds, the time limit ends it, and nothing of it is left."""
    token = "74292.25"
    script = f"{GOOD} i=0; while [ $i -lt 3000 ]; do sleep {token} & i=$((i+1)); done; wait"
    before = len(os.listdir("/proc"))
    done = run(world, script, "--timeout", "6", "--limit-scale", "0.2")
    assert done.code in (1, 3), done
    done.quiet()
    world.check("run.json")
    assert sleepers(token) == []
    assert len(os.listdir("/proc")) < before + 200


def test_a_flood_of_output_passes_through(world: World) -> None:
    """50 MB on standard output: all of it arrives, and only the end of it is remembered."""
    done = run(world, GOOD + "head -c 50000000 /dev/zero | tr '\\0' x; echo")
    assert done.code == 0, done.err
    assert len(done.out) == 50_000_001
    assert (world.cwd / "run.json").stat().st_size < 1_000_000
    world.check("run.json")


def test_a_flood_of_disk_is_stopped(world: World) -> None:
    """The limit of 64 GiB, scaled down to 3.2 GiB; the patience with the engine is scaled with it."""
    done = run(world, GOOD + "fallocate -l 4G /big; sleep 60", "--limit-scale", "0.05")
    assert (done.code, "disk limit" in done.err) == (3, True), done
    done.quiet()
    world.check("run.json")
