"""What `run` refuses before anything starts, and what it says afterwards."""

from __future__ import annotations

import pytest

from reprocheck.api.assemble import clean_run
from reprocheck.api.execution import check_arguments, check_overlap, container_path
from reprocheck.api.record_local import workspace_path
from reprocheck.api.run_options import Recorded
from reprocheck.collect.secrets import REDACTOR
from reprocheck.errors import UsageFault
from reprocheck.model.run import Change
from reprocheck.ports import Outcome
from tests.strategies import make_input, make_manifest, make_output, make_run


@pytest.mark.parametrize(
    ("path", "working_dir", "absolute"),
    [
        ("/out", "/app", "/out"),
        ("out", "/app", "/app/out"),
        ("out", "", "/out"),
        ("./a//b/", "/app/", "/app/a/b/"),
        ("/out/*.pt", "/", "/out/*.pt"),
    ],
)
def test_declared_paths_are_absolute_in_the_container(path: str, working_dir: str, absolute: str) -> None:
    assert container_path(path, working_dir) == absolute


@pytest.mark.parametrize(
    "path", ["/", "", "/../etc", "a/../../b", "/proc/1", "/dev/shm", "/sys", "/a\0b", "/a\udcff"]
)
def test_paths_that_mean_something_else_are_refused(path: str) -> None:
    with pytest.raises(UsageFault):
        container_path(path, "/")


@pytest.mark.parametrize("path", ["/abs", "..", "a/../b", "", ".", "a\0", "\udcff"])
def test_a_workspace_path_stays_inside(path: str) -> None:
    with pytest.raises(UsageFault):
        workspace_path(path)


def test_a_final_slash_asks_for_a_directory() -> None:
    assert workspace_path("out/") == "out/"


@pytest.mark.parametrize(
    ("target", "output", "both_ways"),
    [
        ("/data", "/data/out", False),
        ("/data", "/data", False),
        ("/data", "/data/*.pt", False),
        ("src", "src/out", True),
        ("work/data", "work", True),
    ],
)
def test_inputs_and_outputs_must_not_overlap(target: str, output: str, both_ways: bool) -> None:
    with pytest.raises(UsageFault) as caught:
        check_overlap((("host", target),), (output,), both_ways=both_ways)

    assert caught.value.code == "E_OVERLAP"


def test_neighbours_do_not_overlap() -> None:
    check_overlap(
        (("host", "/data"), ("host", "/work/data")), ("/out", "/database", "/work"), both_ways=False
    )


def test_arguments_that_no_record_can_hold_are_told_before_the_start() -> None:
    check_arguments(("python3", "träin.py"))
    with pytest.raises(UsageFault):
        check_arguments(("python3", "\udcff"))


def ending(**outcome: object) -> tuple[int, str]:
    run = make_run(engine="docker", network=outcome.pop("network", "none"))
    return Recorded(
        manifest=make_manifest(run=run, unknowns=()),
        outcome=Outcome(**outcome),  # type: ignore[arg-type]
        missing=(),
    ).ending()


@pytest.mark.parametrize(
    ("tail", "network", "advice"),
    [
        ("socket.gaierror: Temporary failure in name resolution", "none", "--network bridge"),
        ("socket.gaierror: Temporary failure in name resolution", "bridge", ""),
        ("PermissionError: [Errno 13] Permission denied: '/data/x'", "none", "--user"),
        ("ZeroDivisionError", "none", ""),
    ],
)
def test_advice_follows_the_programs_last_words(tail: str, network: str, advice: str) -> None:
    code, words = ending(exit_code=1, log_tail=tail, network=network)

    assert code == 1
    assert "exited 1; the record is kept" in words
    assert (
        (advice in words)
        if advice
        else (";" not in words.removeprefix("the program exited 1; the record is kept"))
    )


@pytest.mark.parametrize("how", ["timed_out", "oom_killed", "disk_exceeded"])
def test_what_we_stopped_is_no_answer_of_the_program(how: str) -> None:
    code, words = ending(exit_code=None, **{how: True})

    assert code == 3
    assert words


def test_known_secrets_are_masked_in_all_text_of_a_run_and_arguments_count_as_withheld() -> None:
    secret = "zk7-planted-51f0"
    REDACTOR.register(secret)
    run = make_run(
        argv=("python3", "train.py", f"--note={secret}"),
        working_dir=f"/srv/{secret}",
        inputs=(make_input(f"/in/{secret}"),),
        outputs=(make_output(f"/out/{secret}.pt"),),
        changes=(Change(path=f"/root/{secret}", kind="added"),),
    )

    cleaned = clean_run(run)

    assert secret not in repr(cleaned)
    assert cleaned.withheld_arguments == (2,)
    assert cleaned.outputs[0].sha256 == run.outputs[0].sha256
    assert clean_run(make_run()) == make_run()
