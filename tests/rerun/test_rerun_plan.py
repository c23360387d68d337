"""Plans: what a manifest may ask for, what only its reader may allow, and what is refused before a start."""

from __future__ import annotations

import pytest

from reprocheck.errors import InputFault, Refused, ReprocheckError, UsageFault
from reprocheck.limits import DEFAULT, GIB
from reprocheck.model.base import replace
from reprocheck.model.environment import Variable
from reprocheck.model.image import Source
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation
from reprocheck.model.run import IgnoredKey, Input, Mount, Output, Resources, RunRecord, Tolerance
from reprocheck.model.verdict import Relaxation
from reprocheck.ports import PlannedMount
from reprocheck.rerun import PlanLine, PlannedVerification, Policy, SuppliedInput, plan_verification

IMAGE = "sha256:" + "a" * 64
RUN = RunRecord(
    engine="docker",
    argv=("python3", "/app/train.py"),
    working_dir="/app",
    user="",
    network="none",
    resources=Resources(),
    inputs=(),
    output_patterns=("/out",),
    outputs=(Output(name="/out/m.json", size=2, sha256="0" * 64, format="json"),),
    exit_code=0,
)
DATA = Input(path="/data", kind="directory", files=1, bytes=1, sha256="1" * 64)
GIVEN = SuppliedInput(path="/data", source="somewhere/data", sha256="1" * 64)


def manifest(run: RunRecord | None = RUN, *variables: Variable, duration_ms: int | None = None) -> Manifest:
    return Manifest(
        schema_version=MANIFEST_VERSION,
        digests=None,
        image=None,
        os=None,
        packages=(),
        pythons=(),
        libraries=(),
        environment=variables,
        host=None,
        run=run,
        unknowns=(),
        source=Source(kind="image"),
        observation=Observation(tools=(), duration_ms=duration_ms),
    )


def planned(
    subject: Manifest,
    policy: Policy | None = None,
    *inputs: SuppliedInput,
    image: str = IMAGE,
    memory: int = 8 * GIB,
) -> PlannedVerification:
    return plan_verification(
        subject,
        policy or Policy(),
        inputs=inputs,
        image=image,
        machine_memory=memory,
        machine_cpus=4,
        limits=DEFAULT,
    )


def mounted(target: str) -> Mount:
    return Mount(target=target, kind="bind", writable=True, role="output")


def variable(name: str, value: str | None, origin: str = "run") -> Variable:
    assert origin in ("run", "container", "image", "host")
    state = "recorded" if value is not None else "withheld"
    return Variable(name=name, value=value, origin=origin, state=state)  # type: ignore[arg-type]


def test_a_plain_record_gives_a_plan_without_relaxations() -> None:
    result = planned(manifest())
    plan = result.plan
    assert result.relaxations == ()
    assert (plan.image, plan.argv, plan.working_dir, plan.user) == (IMAGE, RUN.argv, "/app", "")
    assert (plan.network, plan.gpus, plan.mounts, plan.environment) == ("none", "", (), ())
    assert (plan.pids, plan.seconds, plan.read_only_root) == (1024, 3600, False)
    assert (plan.nano_cpus, plan.memory_bytes, plan.shm_bytes) == (None, 6 * GIB, None)
    assert plan.outputs == ("/out",)


def test_without_a_recorded_limit_memory_is_three_quarters_of_the_machine() -> None:
    assert planned(manifest(), memory=256 * GIB).plan.memory_bytes == 192 * GIB
    assert planned(manifest(), memory=0).plan.memory_bytes == 16 * GIB


def test_recorded_limits_are_the_defaults() -> None:
    run = replace(RUN, resources=Resources(nano_cpus=2 * 10**9, memory_bytes=5, shm_bytes=7), user="1000")
    plan = planned(manifest(run)).plan
    assert (plan.nano_cpus, plan.memory_bytes, plan.shm_bytes, plan.user) == (2 * 10**9, 5, 7, "1000")


@pytest.mark.parametrize(
    ("duration_ms", "seconds"), [(None, 3600), (1000, 3600), (7_200_000, 21601), (2**53 - 1, 2_592_000)]
)
def test_the_time_limit_follows_the_recorded_duration(duration_ms: int | None, seconds: int) -> None:
    assert planned(manifest(duration_ms=duration_ms)).plan.seconds == seconds


REFUSALS: list[tuple[str, Manifest, Policy, tuple[SuppliedInput, ...], type[ReprocheckError]]] = [
    ("E_NO_RUN", manifest(None), Policy(), (), UsageFault),
    ("E_PRIVILEGED", manifest(replace(RUN, privileged_run=True)), Policy(allow_network=True), (), Refused),
    ("E_NOTHING_RECORDED", manifest(replace(RUN, outputs=())), Policy(), (), Refused),
    ("E_NOTHING_RECORDED", manifest(replace(RUN, ignore_outputs=("*.json",))), Policy(), (), Refused),
    ("E_NEEDS_NETWORK", manifest(replace(RUN, network="bridge")), Policy(), (), Refused),
    ("E_NEEDS_NETWORK", manifest(replace(RUN, network="unknown")), Policy(), (), Refused),
    ("E_NEEDS_GPU", manifest(replace(RUN, resources=Resources(gpus="all"))), Policy(), (), Refused),
    ("E_NEEDS_CPUS", manifest(replace(RUN, resources=Resources(nano_cpus=8 * 10**9))), Policy(), (), Refused),
    ("E_INPUT_NOT_GIVEN", manifest(replace(RUN, inputs=(DATA,))), Policy(), (), Refused),
    (
        "E_INPUT_DIFFERS",
        manifest(replace(RUN, inputs=(DATA,))),
        Policy(),
        (SuppliedInput(path="/data", source="x", sha256="2" * 64),),
        Refused,
    ),
    ("E_INPUT_UNKNOWN", manifest(), Policy(), (GIVEN,), UsageFault),
    ("E_INPUT_UNKNOWN", manifest(replace(RUN, inputs=(DATA,))), Policy(), (GIVEN, GIVEN), UsageFault),
    ("E_ENV_WITHHELD", manifest(RUN, variable("TOKEN", None)), Policy(), (), Refused),
    ("E_ENV_WITHHELD", manifest(RUN, variable("TOKEN", None, "container")), Policy(), (), Refused),
    ("E_ARGUMENT_WITHHELD", manifest(replace(RUN, withheld_arguments=(1,))), Policy(), (), Refused),
    ("E_ENV_REFUSED", manifest(RUN, variable("LD_PRELOAD", "x")), Policy(foreign=True), (), Refused),
    (
        "E_ENV_REFUSED",
        manifest(RUN, variable("NVIDIA_VISIBLE_DEVICES", "all")),
        Policy(foreign=True),
        (),
        Refused,
    ),
    ("E_ENV_REFUSED", manifest(RUN, variable("https_proxy", "x")), Policy(foreign=True), (), Refused),
    ("E_ENV_REFUSED", manifest(RUN, variable("LD_PRELOAD", "x", "image")), Policy(gpus="all"), (), Refused),
    ("E_ENV_NAME", manifest(RUN, variable("A=B", "x")), Policy(), (), InputFault),
    ("E_ENV_NAME", manifest(RUN, variable("A\0B", "x")), Policy(), (), InputFault),
    ("E_ENV_VALUE", manifest(RUN, variable("A", "x\0")), Policy(), (), InputFault),
    ("E_ENV_NAME", manifest(), Policy(env=(("A B", "x"),)), (), UsageFault),
    ("E_ENV_VALUE", manifest(), Policy(env=(("A", "\0"),)), (), UsageFault),
    ("E_UNSET_IMAGE", manifest(RUN, variable("A", "x", "image")), Policy(unset=("A",)), (), UsageFault),
    ("E_COMMAND", manifest(replace(RUN, argv=())), Policy(), (), InputFault),
    ("E_COMMAND", manifest(replace(RUN, argv=("a\0b",))), Policy(), (), InputFault),
    ("E_COMMAND", manifest(replace(RUN, argv=("a" * 200_000,))), Policy(), (), InputFault),
    ("E_WORKING_DIR", manifest(replace(RUN, working_dir="/proc/self/fd/8")), Policy(), (), InputFault),
    ("E_WORKING_DIR", manifest(replace(RUN, working_dir="/app/../../x")), Policy(), (), InputFault),
    ("E_WORKING_DIR", manifest(replace(RUN, working_dir="app")), Policy(), (), InputFault),
    ("E_OUTPUT_NAME", manifest(replace(RUN, output_patterns=("/out/../etc",))), Policy(), (), InputFault),
    ("E_OUTPUT_NAME", manifest(replace(RUN, output_patterns=("",))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, output_patterns=("/etc/",))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, output_patterns=("/",))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, output_patterns=("/out/*/",))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, output_patterns=("out/",))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, mounts=(mounted("/usr/lib"),))), Policy(), (), InputFault),
    ("E_OUTPUT_DIRECTORY", manifest(replace(RUN, mounts=(mounted("/srv"),))), Policy(), (), InputFault),
    ("E_TOLERANCE", manifest(replace(RUN, tolerance=Tolerance(rtol="1e400"))), Policy(), (), InputFault),
    ("E_TOLERANCE", manifest(replace(RUN, tolerance=Tolerance(rtol="-1"))), Policy(), (), InputFault),
    ("E_TOLERANCE", manifest(), Policy(tolerance=Tolerance(atol="nan")), (), InputFault),
]


@pytest.mark.parametrize(("code", "subject", "policy", "inputs", "kind"), REFUSALS)
def test_what_cannot_run_is_refused_before_it_starts(
    code: str,
    subject: Manifest,
    policy: Policy,
    inputs: tuple[SuppliedInput, ...],
    kind: type[ReprocheckError],
) -> None:
    with pytest.raises(kind) as caught:
        planned(subject, policy, *inputs)
    assert caught.value.code == code
    assert caught.value.hint
    assert not caught.value.message.endswith((".", "\n"))


def test_refusals_name_the_flag_that_helps() -> None:
    with pytest.raises(Refused) as caught:
        planned(manifest(RUN, variable("A", None), variable("B", None)))
    assert "--env A=VALUE --env B=VALUE" in caught.value.hint
    with pytest.raises(Refused) as caught:
        planned(manifest(replace(RUN, inputs=(DATA,))))
    assert "--input /data=HOST" in caught.value.hint
    odd = replace(DATA, path="/a; rm -rf ~")
    with pytest.raises(Refused) as caught:
        planned(manifest(replace(RUN, inputs=(odd,))))
    assert "--input '/a; rm -rf ~'=HOST" in caught.value.hint


ALLOWED: list[tuple[Manifest, Policy, Relaxation]] = [
    (
        manifest(replace(RUN, network="bridge")),
        Policy(allow_network=True),
        Relaxation(what="network", value="bridge"),
    ),
    (
        manifest(replace(RUN, resources=Resources(gpus="all"))),
        Policy(gpus="1"),
        Relaxation(what="gpus", value="1"),
    ),
    (
        manifest(replace(RUN, resources=Resources(nano_cpus=8 * 10**9))),
        Policy(nano_cpus=2 * 10**9),
        Relaxation(what="cpus", value="2"),
    ),
    (manifest(), Policy(memory_bytes=9), Relaxation(what="memory", value="9")),
    (manifest(), Policy(shm_bytes=9), Relaxation(what="shm", value="9")),
    (manifest(), Policy(seconds=9), Relaxation(what="seconds", value="9")),
    (manifest(), Policy(user="65532"), Relaxation(what="user", value="65532")),
    (manifest(), Policy(read_only_root=True), Relaxation(what="read-only", value="root file system")),
    (
        manifest(),
        Policy(tolerance=Tolerance(rtol="1e-3")),
        Relaxation(what="tolerance (reader)", value="rtol 1e-3, atol 0"),
    ),
    (
        manifest(RUN, variable("A", "1")),
        Policy(env=(("A", "2"),)),
        Relaxation(what="env", value="A=2"),
    ),
    (
        manifest(RUN, variable("TOKEN", None)),
        Policy(env=(("TOKEN", "hush"),)),
        Relaxation(what="env", value="TOKEN (value not shown)"),
    ),
    (manifest(RUN, variable("A", None)), Policy(unset=("A",)), Relaxation(what="unset", value="A")),
    (
        manifest(RUN, variable("LD_PRELOAD", "x")),
        Policy(foreign=True, allow_env=("LD_PRELOAD",)),
        Relaxation(what="allow-env", value="LD_PRELOAD"),
    ),
]


@pytest.mark.parametrize(("subject", "policy", "relaxation"), ALLOWED)
def test_every_permission_stands_beside_the_verdict(
    subject: Manifest, policy: Policy, relaxation: Relaxation
) -> None:
    result = planned(subject, policy)
    assert result.relaxations == (relaxation,)
    assert any(line.label == f"allowed: {relaxation.what}" for line in result.lines)


def test_the_local_engine_is_never_called_a_sandbox() -> None:
    whats = [relaxation.what for relaxation in planned(manifest(), image="").relaxations]
    assert whats == ["unsandboxed", "engine"]
    local = replace(RUN, engine="local", working_dir="", network="unknown")
    assert [r.what for r in planned(manifest(local), image="").relaxations] == ["unsandboxed"]


def test_the_environment_is_that_of_the_run_and_the_readers_word_is_last() -> None:
    variables = (
        variable("PATH", "/bin", "image"),
        variable("Z", "1"),
        variable("B", "2", "container"),
        variable("OMP_NUM_THREADS", "4", "host"),
        variable("HOSTNAME", None, "host"),
    )
    plan = planned(manifest(RUN, *variables), Policy(env=(("Z", "9"), ("NEW", "x")))).plan
    assert plan.environment == (("B", "2"), ("NEW", "x"), ("Z", "9"))
    local = replace(RUN, engine="local")
    names = [name for name, _ in planned(manifest(local, *variables), image="").plan.environment]
    assert names == ["B", "OMP_NUM_THREADS", "Z"]


def test_steering_variables_of_ones_own_record_apply() -> None:
    plan = planned(manifest(RUN, variable("LD_LIBRARY_PATH", "/opt/lib"))).plan
    assert plan.environment == (("LD_LIBRARY_PATH", "/opt/lib"),)


def test_inputs_are_mounted_read_only_even_if_the_recorded_run_could_write_them() -> None:
    run = replace(RUN, inputs=(replace(DATA, writable=True),))
    plan = planned(manifest(run), None, GIVEN).plan
    assert plan.mounts == (PlannedMount(source="somewhere/data", target="/data", read_only=True),)


def test_output_mounts_become_directories_of_the_run() -> None:
    mounts = (mounted("/out"), Mount(target="/cache", kind="volume", writable=True, role="unread"))
    result = planned(manifest(replace(RUN, mounts=mounts)))
    assert result.plan.directories == ("/out",)
    assert PlanLine(label="directory", value="/out, empty and writable") in result.lines


def test_a_mounted_output_file_is_no_directory() -> None:
    run = replace(RUN, mounts=(mounted("/out/m.json"),))
    assert planned(manifest(run)).plan.directories == ()


def test_an_output_that_ends_in_a_slash_is_a_directory_before_the_start() -> None:
    run = replace(RUN, output_patterns=("/out/", "/out", "/logs/*.txt"), mounts=(mounted("/out"),))
    assert planned(manifest(run)).plan.directories == ("/out",)
    local = replace(RUN, engine="local", output_patterns=("out/",), working_dir=".")
    assert planned(manifest(local), image="").plan.directories == ("out",)


def test_a_local_plan_promises_no_limit() -> None:
    recorded = Resources(nano_cpus=64 * 10**9, memory_bytes=5, gpus="all")
    run = replace(RUN, engine="local", working_dir=".", network="unknown", resources=recorded)
    result = planned(manifest(run), Policy(memory_bytes=9, seconds=9), image="")
    plan = result.plan
    assert (plan.nano_cpus, plan.memory_bytes, plan.shm_bytes, plan.gpus) == (None, None, None, "")
    texts = [f"{line.label}: {line.value}" for line in result.lines]
    for expected in ("network: this machine's, not restricted", "memory: not enforced", "disk: not enforced"):
        assert expected in texts
    assert "time limit: 9 s" in texts
    told = [(relaxation.what, relaxation.value) for relaxation in result.relaxations]
    assert told == [("unsandboxed", "local engine"), ("memory", "9 (not enforced)"), ("seconds", "9")]


def test_the_plan_reads_as_everything_that_will_run() -> None:
    run = replace(
        RUN,
        ignore_outputs=("*.log",),
        ignore_keys=(IgnoredKey(file="m.json", key="time"),),
        tolerance=Tolerance(rtol="1e9"),
        inputs=(DATA,),
    )
    lines = planned(manifest(run, variable("A", "private text")), None, GIVEN).lines
    texts = [f"{line.label}: {line.value}" for line in lines]
    for expected in (
        f"image: {IMAGE}",
        "argument: /app/train.py",
        "variable: A",
        "input: /data from somewhere/data, read-only",
        "network: none",
        "ignored output: *.log",
        "ignored key: m.json:time",
        "tolerance (author): rtol 1e9, atol 0",
        "time limit: 3600 s",
    ):
        assert expected in texts
    assert not any("private text" in text for text in texts)
