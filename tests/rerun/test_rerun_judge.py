"""Every verdict and its exit code."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocheck.artifacts.formats import describe
from reprocheck.errors import Refused, UsageFault
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from reprocheck.model.host import Cpu, Gpu, Host
from reprocheck.model.image import Source
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation
from reprocheck.model.run import (
    Change,
    IgnoredKey,
    Input,
    Mount,
    NamedNumber,
    Output,
    Resources,
    RunRecord,
    Tolerance,
)
from reprocheck.model.unknown import Unknown
from reprocheck.ports import Outcome, RefusedOutput
from reprocheck.rerun import Judgement, Observed, compare_outputs, judge, needs_rerun

HOST = Host(
    system="Linux",
    kernel="6",
    cpu=Cpu(architecture="x86_64", vendor="GenuineIntel", model="m", level="x86-64-v4", features=("avx2",)),
    memory_bytes=1,
    gpus=(Gpu(index=0, name="H200"),),
    driver=None,
)
OTHER = replace(HOST, cpu=replace(HOST.cpu, level="x86-64-v3"))
OTHER_GPU = replace(HOST, gpus=(Gpu(index=0, name="A100"),))
TOLERANCE = Tolerance(rtol="1e-3")
FILES = {"/out/a.json": b'{"loss": 0.5}', "/out/b.bin": b"b"}
CLOSE = {**FILES, "/out/a.json": b'{"loss": 0.5000001}'}
SPELLED = {**FILES, "/out/a.json": b'{"loss":0.50}'}
FAR = {**FILES, "/out/a.json": b'{"loss": 0.75}'}
FARTHER = {**FILES, "/out/a.json": b'{"loss": 0.76}'}
GONE = {"/out/a.json": FILES["/out/a.json"]}
MORE = {**FILES, "/out/c.bin": b"c"}
SWAPPED = {"/out/a.json": b"b", "/out/b.bin": FILES["/out/a.json"]}


def described(files: dict[str, bytes], run: RunRecord | None = None) -> tuple[Output, ...]:
    keys = run.ignore_keys if run else ()
    return tuple(
        describe(name, len(raw), io.BytesIO(raw), limits=DEFAULT, ignore_keys=keys)
        for name, raw in sorted(files.items())
    )


RUN = RunRecord(
    engine="docker",
    argv=("train",),
    working_dir="",
    user="",
    network="none",
    resources=Resources(),
    inputs=(),
    output_patterns=("/out",),
    outputs=described(FILES),
    exit_code=0,
)


def manifest(run: RunRecord | None = RUN, *unknowns: Unknown, host: Host | None = HOST) -> Manifest:
    return Manifest(
        schema_version=MANIFEST_VERSION,
        digests=None,
        image=None,
        os=None,
        packages=(),
        pythons=(),
        libraries=(),
        environment=(),
        host=host,
        run=run,
        unknowns=unknowns,
        source=Source(kind="image"),
        observation=Observation(tools=()),
    )


def observed(
    files: dict[str, bytes] = FILES,
    *,
    run: RunRecord = RUN,
    tolerance: Tolerance | None = None,
    refused: tuple[RefusedOutput, ...] = (),
    outcome: Outcome | None = None,
) -> Observed:
    def kept(output: Output) -> AbstractContextManager[BinaryIO] | None:
        return nullcontext(io.BytesIO(FILES[output.name]))

    def present(output: Output) -> AbstractContextManager[BinaryIO] | None:
        return nullcontext(io.BytesIO(files[output.name]))

    outputs = described(files, run)
    return Observed(
        outcome=outcome or Outcome(exit_code=0),
        outputs=outputs,
        refused=refused,
        compared=compare_outputs(
            run, outputs, refused, tolerance=tolerance, limits=DEFAULT, recorded=kept, observed=present
        ),
    )


def ruling(judgement: Judgement) -> tuple[str, str, int]:
    return judgement.verdict, judgement.level, judgement.exit_code


@pytest.mark.parametrize(
    ("files", "tolerance", "expected"),
    [
        (FILES, None, ("identical", "L0", 0)),
        (SPELLED, None, ("identical", "L1", 0)),
        (CLOSE, TOLERANCE, ("within-tolerance", "L3", 0)),
        (FILES, TOLERANCE, ("identical", "L0", 0)),
    ],
)
def test_agreement_has_the_weakest_level_that_was_reached(
    files: dict[str, bytes], tolerance: Tolerance | None, expected: tuple[str, str, int]
) -> None:
    judgement = judge(manifest(), observed(files, tolerance=tolerance), host=HOST, tolerance=tolerance)
    assert ruling(judgement) == expected
    assert not needs_rerun(judgement)


@pytest.mark.parametrize("files", [FAR, CLOSE, GONE, MORE, SWAPPED, {}])
def test_a_mismatch_asks_for_a_second_run_and_that_one_decides(files: dict[str, bytes]) -> None:
    first = judge(manifest(), observed(files), host=HOST)
    assert needs_rerun(first)
    assert first.exit_code == 1
    same = judge(manifest(), observed(files), observed(files), host=HOST)
    assert ruling(same) == ("drift", "none", 1)
    assert not needs_rerun(same)
    other = judge(manifest(), observed(files), observed(FARTHER), host=HOST)
    assert ruling(other) == ("nondeterministic", "none", 4)


def test_a_second_run_that_meets_the_record_shows_nondeterminism() -> None:
    assert judge(manifest(), observed(FAR), observed(FILES), host=HOST).verdict == "nondeterministic"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (Outcome(exit_code=1), ("nondeterministic", "none", 4)),
        (Outcome(exit_code=None, timed_out=True), ("did-not-run", "none", 3)),
        (Outcome(exit_code=137, oom_killed=True), ("did-not-run", "none", 3)),
    ],
)
def test_a_second_run_that_ends_otherwise(second: Outcome, expected: tuple[str, str, int]) -> None:
    judgement = judge(manifest(), observed(FAR), observed(FAR, outcome=second), host=HOST)
    assert ruling(judgement) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(exit_code=1), 1),
        (Outcome(exit_code=137), 3),
        (Outcome(exit_code=None), 3),
        (Outcome(exit_code=137, oom_killed=True), 3),
        (Outcome(exit_code=None, timed_out=True), 3),
        (Outcome(exit_code=0, disk_exceeded=True), 3),
        (Outcome(exit_code=0, oom_killed=True), 3),
    ],
)
def test_a_run_that_does_not_end_as_recorded_did_not_run(outcome: Outcome, expected: int) -> None:
    """Even with equal outputs; and a kill or a time-out is never the program's own failure."""
    judgement = judge(manifest(), observed(outcome=outcome), host=HOST)
    assert ruling(judgement) == ("did-not-run", "none", expected)
    assert judgement.program_failed is (expected == 1)


@pytest.mark.parametrize(
    ("run", "outcome", "expected"),
    [
        (replace(RUN, exit_code=1), Outcome(exit_code=1), ("identical", "L0", 0)),
        (replace(RUN, exit_code=1), Outcome(exit_code=0), ("did-not-run", "none", 1)),
        (replace(RUN, exit_code=137), Outcome(exit_code=137), ("identical", "L0", 0)),
        (
            replace(RUN, exit_code=137, oom_killed=True),
            Outcome(exit_code=137, oom_killed=True),
            ("identical", "L0", 0),
        ),
        (replace(RUN, exit_code=137, oom_killed=True), Outcome(exit_code=0), ("did-not-run", "none", 1)),
        (
            replace(RUN, exit_code=None, timed_out=True),
            Outcome(exit_code=None, timed_out=True),
            ("identical", "L0", 0),
        ),
        (replace(RUN, exit_code=None), Outcome(exit_code=0), ("not-comparable", "none", 4)),
        (replace(RUN, exit_code=None), Outcome(exit_code=2), ("did-not-run", "none", 1)),
    ],
)
def test_a_recorded_failure_is_reproduced_by_the_same_failure(
    run: RunRecord, outcome: Outcome, expected: tuple[str, str, int]
) -> None:
    assert ruling(judge(manifest(run), observed(outcome=outcome), host=HOST)) == expected


@pytest.mark.parametrize(
    ("files", "host", "tolerance", "verdict", "code"),
    [
        (FAR, OTHER, None, "not-comparable", 4),
        (FAR, OTHER, TOLERANCE, "drift", 1),
        (CLOSE, OTHER, TOLERANCE, "within-tolerance", 0),
        (FILES, OTHER, None, "identical", 0),
        (GONE, OTHER, None, "drift", 1),
        (MORE, OTHER, None, "drift", 1),
        (FAR, None, None, "drift", 1),
        (FAR, OTHER_GPU, None, "drift", 1),
    ],
)
def test_another_hardware_class_explains_other_numbers_and_nothing_else(
    files: dict[str, bytes], host: Host | None, tolerance: Tolerance | None, verdict: str, code: int
) -> None:
    first = observed(files, tolerance=tolerance)
    judgement = judge(manifest(), first, first, host=host, tolerance=tolerance)
    assert (judgement.verdict, judgement.exit_code) == (verdict, code)


@pytest.mark.parametrize(
    ("cpu", "said"),
    [
        (replace(HOST.cpu, architecture="aarch64"), "CPU architecture was x86_64 and is aarch64"),
        (replace(HOST.cpu, vendor="AuthenticAMD"), "CPU vendor"),
        (replace(HOST.cpu, features=("avx2", "avx512f")), "+avx512f"),
    ],
)
def test_the_hardware_class_is_named(cpu: Cpu, said: str) -> None:
    judgement = judge(manifest(), observed(FAR), host=replace(HOST, cpu=cpu))
    assert judgement.verdict == "not-comparable"
    assert said in judgement.reason


def test_gpus_count_when_the_run_used_them() -> None:
    run = replace(RUN, resources=Resources(gpus="all"))
    judgement = judge(manifest(run), observed(FAR), host=OTHER_GPU)
    assert judgement.verdict == "not-comparable"
    assert "H200" in judgement.reason


UNPROVED = [
    (replace(RUN, changes=(Change(path="/usr/lib/x.py", kind="modified"),)), "changed after start"),
    (
        replace(RUN, mounts=(Mount(target="/cache", kind="volume", writable=True, role="unread"),)),
        "not read: /cache",
    ),
    (
        replace(
            RUN,
            inputs=(Input(path="/d", kind="file", files=1, bytes=1, sha256="0" * 64, writable=True),),
        ),
        "could write its inputs",
    ),
    (
        replace(RUN, inputs=(Input(path="/d", kind="file", files=1, bytes=1, sha256=None),)),
        "could not be read: /d",
    ),
]


@pytest.mark.parametrize(("run", "said"), UNPROVED)
@pytest.mark.parametrize(("files", "found"), [(FILES, "the outputs agree"), (FAR, "1 outputs differ")])
def test_a_record_that_proves_too_little_is_never_called_reproduced(
    run: RunRecord, said: str, files: dict[str, bytes], found: str
) -> None:
    judgement = judge(manifest(run), observed(files), host=HOST)
    assert ruling(judgement) == ("not-comparable", "none", 4)
    assert said in judgement.reason
    assert found in judgement.reason


def test_what_a_command_wrote_in_a_fresh_container_is_no_change_of_it() -> None:
    changes = (Change(path="/app/lightning_logs/x", kind="added"),)
    run = replace(RUN, changes=changes, fresh=True)
    assert ruling(judge(manifest(run), observed(FILES), host=HOST)) == ("identical", "L0", 0)


def test_volatile_changes_prove_enough() -> None:
    run = replace(RUN, changes=(Change(path="/var/log/x", kind="added", volatile=True),))
    assert judge(manifest(run), observed(), host=HOST).verdict == "identical"


@pytest.mark.parametrize(
    ("section", "verdict"),
    [
        ("outputs", "not-comparable"),
        ("inputs", "not-comparable"),
        ("run", "not-comparable"),
        ("changes", "not-comparable"),
        ("packages", "identical"),
    ],
)
def test_an_unknown_forbids_a_clean_verdict_for_its_section(section: str, verdict: str) -> None:
    unknown = Unknown(section=section, where="/out/x", reason="it is a link")  # type: ignore[arg-type]
    assert judge(manifest(RUN, unknown), observed(), host=HOST).verdict == verdict


def test_a_refused_output_forbids_a_clean_verdict() -> None:
    refused = (RefusedOutput(name="/out/b.bin", reason="it is a link"),)
    judgement = judge(manifest(), observed(GONE, refused=refused), host=HOST)
    assert ruling(judgement) == ("not-comparable", "none", 4)
    assert "/out/b.bin: it was not read: it is a link" in judgement.reason
    new = (RefusedOutput(name="/out/fifo", reason="it is a FIFO"),)
    assert judge(manifest(), observed(refused=new), host=HOST).verdict == "not-comparable"


def test_outputs_are_compared_in_both_directions() -> None:
    verdicts = {output.name: output for output in observed({**MORE, "/out/a.json": b"b"}).compared}
    assert verdicts["/out/c.bin"].verdict == "extra"
    assert "/out/b.bin" in verdicts["/out/a.json"].reason
    assert [output.verdict for output in observed({}).compared] == ["missing", "missing"]
    swapped = observed(SWAPPED).compared
    assert [output.verdict for output in swapped] == ["differs", "differs"]
    assert "its bytes are those recorded for /out/a.json" in swapped[1].reason
    copied = observed({**FILES, "/out/z": b"b"}).compared[-1]
    assert copied.reason == "not recorded; its bytes are those of /out/b.bin"


def test_ignored_outputs_and_keys_are_counted() -> None:
    run = replace(
        RUN,
        ignore_outputs=("*.bin",),
        ignore_keys=(IgnoredKey(file="a.json", key="loss"), IgnoredKey(file="a.json", key="time")),
    )
    run = replace(run, outputs=described(FILES, run))
    equal = judge(manifest(run), observed({**MORE, "/out/b.bin": b"other"}, run=run), host=HOST)
    assert ruling(equal) == ("identical", "L0", 0)
    assert (equal.ignored_outputs, equal.ignored_keys) == (2, 0)
    assert [output.verdict for output in equal.outputs] == ["identical", "ignored", "ignored"]
    other = judge(manifest(run), observed({**FAR, "/out/b.bin": b"other"}, run=run), host=HOST)
    assert ruling(other) == ("identical", "L1", 0)
    assert (other.ignored_outputs, other.ignored_keys) == (1, 1)


def test_a_tolerance_is_told_with_whose_it_is() -> None:
    run = replace(RUN, tolerance=TOLERANCE)
    first = observed(CLOSE, tolerance=TOLERANCE)
    author = judge(manifest(run), first, host=HOST, tolerance=TOLERANCE).reason
    assert author.endswith("within the author's tolerance (rtol 1e-3, atol 0), sealed in the record")
    reader = judge(manifest(), first, host=HOST, tolerance=TOLERANCE).reason
    assert reader.endswith("within the reader's tolerance (rtol 1e-3, atol 0), which is not the author's")


def test_a_run_killed_for_memory_or_time_names_the_flag_that_helps() -> None:
    killed = observed(outcome=Outcome(exit_code=137, oom_killed=True))
    assert "--memory" in judge(manifest(), killed, host=HOST).reason
    late = observed(outcome=Outcome(exit_code=None, timed_out=True))
    assert "--timeout" in judge(manifest(), late, host=HOST).reason


def test_ignored_outputs_do_not_make_two_runs_differ() -> None:
    run = replace(RUN, ignore_outputs=("*.bin",))
    first = observed({**FAR, "/out/b.bin": b"1"}, run=run)
    second = observed({**FAR, "/out/b.bin": b"2"}, run=run)
    assert judge(manifest(run), first, second, host=HOST).verdict == "drift"


def test_nothing_to_compare_is_an_error_and_never_a_pass() -> None:
    for run in (replace(RUN, outputs=()), replace(RUN, ignore_outputs=("*",))):
        with pytest.raises(Refused) as caught:
            judge(manifest(run), observed(run=run), host=HOST)
        assert caught.value.code == "E_NOTHING_RECORDED"
    with pytest.raises(UsageFault):
        judge(manifest(None), observed(), host=HOST)


def test_an_observation_that_was_not_compared_is_never_a_pass() -> None:
    blind = Observed(outcome=Outcome(exit_code=0), outputs=described(FILES))
    assert judge(manifest(), blind, host=HOST).verdict == "not-comparable"


def test_a_forged_record_cannot_pass_by_contradicting_itself() -> None:
    """Equal structure, but numbers that do not fit to it: a difference, never within a tolerance."""
    forged = replace(RUN.outputs[0], sha256="f" * 64, content="sha256:" + "f" * 64)
    for numbers in ((), (NamedNumber(key="/other", value="1"),)):
        run = replace(RUN, outputs=(replace(forged, numbers=numbers), RUN.outputs[1]))
        outputs = described(FILES)
        compared = compare_outputs(run, outputs, tolerance=Tolerance(rtol="1"), limits=DEFAULT)
        first = Observed(outcome=Outcome(exit_code=0), outputs=outputs, compared=compared)
        assert judge(manifest(run), first, first, host=HOST).verdict == "drift"


@given(
    files=st.dictionaries(st.sampled_from(sorted(MORE)), st.sampled_from([b"b", b"[1]", b'{"loss": 0.5}'])),
    rtol=st.sampled_from(["0", "1", "1e300"]),
)
def test_a_tolerance_never_turns_a_missing_or_extra_output_into_a_pass(
    files: dict[str, bytes], rtol: str
) -> None:
    tolerance = Tolerance(rtol=rtol, atol=rtol)
    first = observed(files, tolerance=tolerance)
    judgement = judge(manifest(), first, first, host=OTHER, tolerance=tolerance)
    if judgement.exit_code == 0:
        assert files.keys() == FILES.keys()


def test_the_receipt_keeps_the_log_of_a_failure_only() -> None:
    failed = observed(outcome=Outcome(exit_code=1, log_tail="Traceback", duration_ms=5)).execution()
    assert (failed.exit_code, failed.log_tail, failed.duration_ms) == (1, "Traceback", 5)
    assert observed(outcome=Outcome(exit_code=0, log_tail="fine")).execution().log_tail == ""
