"""Runs on a real engine: what a program can do, what it cannot, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from reprocheck.engine.docker_inspect import ImageFacts, find_image, inspect_container, inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.docker_view import open_container, open_image
from reprocheck.engine.endpoint import connect, find_endpoint
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import replace
from reprocheck.model.run import Change
from reprocheck.ports import Outcome, Plan, PlannedMount, RefusedOutput

if TYPE_CHECKING:
    from docker import APIClient

pytestmark = pytest.mark.docker

SMALL = "reprocheck-fixture/small-a"
LIMITS = Limits(stop_seconds=1)


@pytest.fixture
def client() -> Iterator[APIClient]:
    """A client of this machine's engine."""
    endpoint = find_endpoint(override=None, environ=os.environ, home=os.environ.get("HOME", "/"))
    client = connect(endpoint, limits=DEFAULT)
    yield client
    assert leftovers(client, os.getpid()) == []
    client.close()


@pytest.fixture
def small(client: APIClient) -> ImageFacts:
    """The small fixture image."""
    return inspect_image(client, SMALL)


@pytest.fixture
def with_volume(client: APIClient) -> Iterator[ImageFacts]:
    """An image that declares a volume at /vol."""
    base = client.create_container(SMALL, command=["true"], use_config_proxy=False)
    made = client.commit(base, changes=['VOLUME ["/vol"]'])["Id"]
    client.remove_container(base, v=True)
    yield inspect_image(client, made)
    client.remove_image(made, force=True)


def leftovers(client: APIClient, pid: int) -> list[str]:
    """Containers that the process `pid` made and that are still there."""
    found = client.containers(all=True, filters={"label": f"io.reprocheck.pid={pid}"})
    return [str(container["Names"]) for container in found]


def plan(
    image: ImageFacts,
    *argv: str,
    outputs: tuple[str, ...] = (),
    mounts: tuple[PlannedMount, ...] = (),
    seconds: int = 60,
    pids: int = 256,
    memory: int | None = 1 << 29,
    disk: int = 1 << 30,
    network: Literal["none", "bridge"] = "none",
    user: str = "",
    gpus: str = "",
    read_only_root: bool = False,
    environment: tuple[tuple[str, str], ...] = (),
) -> Plan:
    return Plan(
        image=image.id,
        argv=argv,
        environment=environment,
        working_dir="",
        user=user,
        network=network,
        nano_cpus=None,
        memory_bytes=memory,
        shm_bytes=None,
        gpus=gpus,
        pids=pids,
        disk_bytes=disk,
        seconds=seconds,
        mounts=mounts,
        outputs=outputs,
        read_only_root=read_only_root,
    )


def run(client: APIClient, wanted: Plan, limits: Limits = LIMITS) -> tuple[Outcome, str]:
    """Run to the end; gives how it ended and everything it said."""
    said = bytearray()
    with DockerRunner(client, limits=limits).run(wanted, said.extend) as finished:
        return finished.outcome, said.decode()


def test_an_unmodified_training_leaves_its_outputs(client: APIClient, small: ImageFacts) -> None:
    """As root, all capabilities dropped, no network, the root writable: `mkdir /out` works."""
    script = (
        "import os,sys; os.makedirs('/out/deep'); open('/out/deep/m.json','w').write('{}');"
        "open('/etc/edited','w'); open('/tmp/t','w'); os.symlink('/etc/passwd','/out/link');"
        "os.mkfifo('/out/fifo'); print('to stdout', flush=True); print('to stderr', file=sys.stderr)"
    )
    said = bytearray()
    wanted = plan(small, "python3", "-c", script, outputs=("/out",))
    with DockerRunner(client, limits=LIMITS).run(wanted, said.extend) as finished:
        outputs = list(finished.outputs())
        assert [output.name for output in outputs] == ["/out/deep/m.json", "/out/fifo", "/out/link"]
        found, fifo, link = outputs
        assert isinstance(fifo, RefusedOutput)
        assert isinstance(link, RefusedOutput)
        assert not isinstance(found, RefusedOutput)
        with found.open() as file:
            assert file.read() == b"{}"
        changes = [change for change in finished.changes() if not change.volatile]
        assert changes == [Change(path="/etc/edited", kind="added")]
    assert finished.outcome.exit_code == 0
    assert finished.outcome.duration_ms > 0
    assert sorted(said.decode().split("\n")) == ["", "to stderr", "to stdout"]
    assert sorted(finished.outcome.log_tail.split("\n")) == ["", "to stderr", "to stdout"]


@pytest.mark.parametrize("readable", [True, False], ids=["overlay", "archive"])
def test_both_ways_to_the_outputs_agree(
    client: APIClient, small: ImageFacts, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    if not readable:
        monkeypatch.setattr("reprocheck.engine.docker_outputs.layers_readable", lambda _: False)
    script = (
        "mkdir -p /out/a /real; echo 1 > /out/a/x.txt; echo 22 > /out/y; ln -s /real /alias; echo 3 > /real/z"
    )
    patterns = ("/out/**/*.txt", "/out/y", "/alias/z", "/nothing/here")
    with DockerRunner(client, limits=LIMITS).run(
        plan(small, "sh", "-c", script, outputs=patterns), lambda _: None
    ) as finished:
        outputs = list(finished.outputs())
        assert [output.name for output in outputs] == ["/alias", "/out/a/x.txt", "/out/y"]
        assert isinstance(outputs[0], RefusedOutput)
        sizes = [output.size for output in outputs[1:] if not isinstance(output, RefusedOutput)]
        assert sizes == [2, 3]


def test_a_program_that_fails_keeps_its_record(client: APIClient, small: ImageFacts) -> None:
    wanted = plan(small, "sh", "-c", "echo x > /o; echo bad >&2; exit 3", outputs=("/o",))
    with DockerRunner(client, limits=LIMITS).run(wanted, lambda _: None) as finished:
        assert (finished.outcome.exit_code, finished.outcome.log_tail) == (3, "bad\n")
        assert [output.name for output in finished.outputs()] == ["/o"]


def test_no_privilege_is_left(client: APIClient, small: ImageFacts) -> None:
    script = (
        "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; ls /sys/class/net;"
        "mount -t tmpfs x /mnt 2>/dev/null && echo MOUNTED; mknod /dev/x b 1 1 2>/dev/null && echo NODE;"
        "chown 1 /etc/passwd 2>/dev/null && echo OWNED; ls -A /dev | grep -E '^(sd|vd|nvidia|kvm)'"
    )
    _, said = run(client, plan(small, "sh", "-c", script))
    assert said.split() == (
        [
            "0",
            "CapEff:",
            "0000000000000000",
            "CapBnd:",
            "0000000000000000",
            "NoNewPrivs:",
            "1",
            "Seccomp:",
            "2",
            "lo",
        ]
    )


def test_there_is_no_network_but_the_programs_own(client: APIClient, small: ImageFacts) -> None:
    """Loopback works, because torch.distributed needs it; nothing else is there."""
    script = (
        "import socket; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen();"
        "socket.create_connection(s.getsockname()); print([n for _, n in socket.if_nameindex()]);\n"
        "try: socket.create_connection(('172.17.0.1', 1), 2)\n"
        "except OSError as e: print(e.errno)"
    )
    _, said = run(client, plan(small, "python3", "-c", script))
    assert said == "['lo']\n101\n"  # ENETUNREACH


def test_a_fork_bomb_is_contained(client: APIClient, small: ImageFacts) -> None:
    script = (
        "import os,time\nn=0\n"
        "try:\n"
        "  while True:\n"
        "    n+=1\n"
        "    if os.fork()==0: time.sleep(60); os._exit(0)\n"
        "except OSError as e: print(n < 64, e.errno, flush=True)"
    )
    outcome, said = run(client, plan(small, "python3", "-c", script, pids=64))
    assert said == "True 11\n"  # EAGAIN
    assert outcome.exit_code == 0


def test_a_memory_hog_is_killed_and_named_so(client: APIClient, small: ImageFacts) -> None:
    script = "x=bytearray()\nwhile True: x+=b'1'*10_000_000"
    outcome, _ = run(client, plan(small, "python3", "-c", script, memory=64 << 20))
    assert (outcome.exit_code, outcome.oom_killed, outcome.timed_out) == (137, True, False)


def test_a_program_that_exits_137_itself_was_not_killed_for_memory(
    client: APIClient, small: ImageFacts
) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "exit 137"))
    assert (outcome.exit_code, outcome.oom_killed) == (137, False)


def test_one_that_sleeps_for_ever_ends_at_its_deadline(client: APIClient, small: ImageFacts) -> None:
    """It ignores SIGTERM too."""
    begin = time.monotonic()
    script = "trap '' TERM; echo up; while true; do sleep 1; done"
    outcome, said = run(client, plan(small, "sh", "-c", script, seconds=1))
    assert (outcome.exit_code, outcome.timed_out, said) == (None, True, "up\n")
    assert time.monotonic() - begin < 20


def test_one_that_closes_its_output_is_still_waited_for(client: APIClient, small: ImageFacts) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "exec >&- 2>&-; sleep 1.5; exit 4"))
    assert (outcome.exit_code, outcome.duration_ms >= 1500) == (4, True)


@pytest.mark.parametrize("readable", [True, False], ids=["overlay", "engine"])
def test_a_full_disk_is_stopped_before_it_is_full(
    client: APIClient, small: ImageFacts, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    if not readable:
        monkeypatch.setattr("reprocheck.engine.docker_guard._places", lambda *_: ())
    script = "dd if=/dev/zero of=/big bs=1M count=30 2>/dev/null; sleep 60"
    outcome, _ = run(client, plan(small, "sh", "-c", script, disk=20 << 20))
    assert (outcome.exit_code, outcome.disk_exceeded, outcome.timed_out) == (None, True, False)


def test_a_sparse_file_is_not_a_full_disk(client: APIClient, small: ImageFacts) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "truncate -s 1T /big; sleep 2.5", disk=20 << 20))
    assert (outcome.exit_code, outcome.disk_exceeded) == (0, False)


def test_inputs_are_read_only_and_writable_mounts_are_read_at_their_source(
    client: APIClient, small: ImageFacts, tmp_path: Path
) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    (given / "data.txt").write_text("d")
    wanted = plan(
        small,
        "sh",
        "-c",
        "cat /data/data.txt; echo x > /data/new 2>/dev/null || echo ' read-only'; echo r > /out/r; echo s > /s",
        mounts=(
            PlannedMount(source=str(given), target="/data"),
            PlannedMount(source=str(out), target="/out", read_only=False),
        ),
        outputs=("/out", "/data", "/s"),
    )
    said = bytearray()
    with DockerRunner(client, limits=LIMITS).run(wanted, said.extend) as finished:
        assert [output.name for output in finished.outputs()] == ["/out/r", "/s"]
        assert [change for change in finished.changes() if not change.volatile] == []
    assert said.decode() == "d read-only\n"


@pytest.mark.parametrize("local", [True, False], ids=["at source", "by the engine"])
def test_an_anonymous_volume_is_read_and_removed(
    client: APIClient, with_volume: ImageFacts, monkeypatch: pytest.MonkeyPatch, local: bool
) -> None:
    if not local:
        monkeypatch.setattr("reprocheck.engine.docker_outputs.shares_files", lambda _: False)
    wanted = plan(with_volume, "sh", "-c", "echo x > /vol/x; echo y > /y", outputs=("/vol", "/y"))
    with DockerRunner(client, limits=LIMITS).run(wanted, lambda _: None) as finished:
        assert [output.name for output in finished.outputs()] == ["/vol/x", "/y"]
        facts = inspect_container(client, finished.container)
        volume = Path(facts.mounts[0].source)
        assert facts.mounts[0].target == "/vol"
        assert volume.parent.name in volumes(client)
    assert volume.parent.name not in volumes(client)


def volumes(client: APIClient) -> set[str]:
    return {str(volume["Name"]) for volume in client.volumes()["Volumes"] or []}


@pytest.mark.parametrize(
    ("argv", "more", "code"),
    [
        (("nosuchcommand",), {}, "E_COMMAND_NOT_FOUND"),
        (("/etc/passwd",), {}, "E_COMMAND_NOT_FOUND"),
        (("true",), {"user": "nobodyhere"}, "E_RUNTIME_REFUSED"),
        (("true",), {"memory": 1}, "E_RUNTIME_REFUSED"),
        (("true",), {"mounts": (PlannedMount(source="/no/such/place", target="/x"),)}, "E_MOUNT_REFUSED"),
        (("true",), {"gpus": "all"}, "E_NO_GPU_RUNTIME"),
    ],
)
def test_what_cannot_start_is_named(
    client: APIClient, small: ImageFacts, argv: tuple[str, ...], more: dict[str, object], code: str
) -> None:
    with pytest.raises(CouldNotRun) as caught:
        run(client, plan(small, *argv, **more))  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint


def test_an_exit_code_of_127_is_the_programs_own_when_it_spoke(client: APIClient, small: ImageFacts) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "nosuchcommand"))
    assert outcome.exit_code == 127


def test_an_image_that_is_not_there_is_not_pulled(client: APIClient, small: ImageFacts) -> None:
    gone = plan(small, "true")
    with pytest.raises(CouldNotRun) as caught:
        run(client, Plan(**{**{f: getattr(gone, f) for f in gone.__slots__}, "image": "sha256:" + "0" * 64}))
    assert caught.value.code == "E_IMAGE_NOT_FOUND"


class Stop(Exception):
    """Something that goes wrong in the caller."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stop, SystemExit])
def test_nothing_stays_when_the_sink_fails(
    client: APIClient, with_volume: ImageFacts, error: type[BaseException]
) -> None:
    made: list[str] = []

    def sink(_: bytes) -> None:
        (mine,) = client.containers(filters={"label": f"io.reprocheck.pid={os.getpid()}"})
        made.extend(mount["Name"] for mount in mine["Mounts"])
        raise error

    with (
        pytest.raises(error),
        DockerRunner(client, limits=LIMITS).run(plan(with_volume, "sh", "-c", "echo x; sleep 60"), sink),
    ):
        raise AssertionError("it ran to its end")
    assert leftovers(client, os.getpid()) == []
    assert len(made) == 1
    assert made[0] not in volumes(client)


def test_nothing_stays_when_the_caller_fails_after_the_run(client: APIClient, small: ImageFacts) -> None:
    with pytest.raises(Stop), DockerRunner(client, limits=LIMITS).run(plan(small, "true"), lambda _: None):
        raise Stop
    assert leftovers(client, os.getpid()) == []


PROGRAM = """
import os, sys
from reprocheck.engine.docker_inspect import inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.endpoint import connect, find_endpoint
from reprocheck.limits import DEFAULT
from reprocheck.ports import Plan
client = connect(find_endpoint(override=None, environ=os.environ, home="/"), limits=DEFAULT)
plan = Plan(image=inspect_image(client, sys.argv[1]).id, argv=("sh", "-c", "echo up; sleep 60"), environment=(),
    working_dir="", user="", network="none", nano_cpus=None, memory_bytes=None, shm_bytes=None, gpus="", pids=64,
    disk_bytes=1 << 30, seconds=50, mounts=(), outputs=())
print("begin", flush=True)
with DockerRunner(client, limits=DEFAULT).run(plan, lambda chunk: os.write(1, chunk)):
    pass
"""


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1, 0.2, 0.3, 0.5, None], ids=str)
def test_nothing_stays_after_ctrl_c_at_any_moment(client: APIClient, delay: float | None) -> None:
    """Also while the container is being made or started; None means: when the program is up."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begin\n"
        if delay is None:
            assert child.stdout.readline() == "up\n"
        else:
            time.sleep(delay)
        child.send_signal(signal.SIGINT)
        _, error = child.communicate(timeout=40)
    assert "KeyboardInterrupt" in error
    assert leftovers(client, child.pid) == []


def test_the_users_proxies_never_reach_the_container(
    small: ImageFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker's own client would copy them, with their password, into the environment."""
    (tmp_path / ".docker").mkdir()
    proxies = {"default": {"httpProxy": "http://me:hunter2@proxy:3128", "noProxy": "x"}}
    (tmp_path / ".docker/config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@proxy:3128")
    client = connect(find_endpoint(override=None, environ=os.environ, home=str(tmp_path)), limits=DEFAULT)
    try:
        assert client._proxy_configs  # type: ignore[attr-defined]  # it would have used them
        _, said = run(client, plan(small, "env"))
    finally:
        client.close()
    assert "hunter2" not in said
    assert "proxy" not in said.lower()
    assert "NVIDIA_VISIBLE_DEVICES=void" in said


def test_an_image_is_read_the_same_both_ways_and_nothing_stays(client: APIClient, small: ImageFacts) -> None:
    views = []
    for prefer_export in (False, True):
        with open_image(
            client,
            small,
            wants=lambda path: path == "/usr/lib/os-release",
            limits=DEFAULT,
            prefer_export=prefer_export,
        ) as (view, how):
            views.append((view.tree.entries, view.read("/etc/os-release", 9999)))
        assert how == ("export" if prefer_export else "overlay")
        assert leftovers(client, os.getpid()) == []
    assert views[0] == views[1]


def test_a_running_container_is_read_and_left_running(client: APIClient) -> None:
    made = client.create_container(SMALL, ["sh", "-c", "echo hi > /made; sleep 60"], use_config_proxy=False)
    try:
        client.start(made)
        wait_for(lambda: any(row["Path"] == "/made" for row in client.diff(made) or []))
        facts = inspect_container(client, made["Id"][:12])
        assert (facts.running, facts.exit_code, facts.argv[0]) == (True, None, "sh")
        for prefer_export in (False, True):
            with open_container(
                client,
                facts,
                wants=lambda path: path == "/made",
                limits=DEFAULT,
                prefer_export=prefer_export,
            ) as (view, _):
                assert view.read("/made", 99) == b"hi\n"
        after = inspect_container(client, made["Id"])
        assert after.running
    finally:
        client.remove_container(made, force=True, v=True)


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_recorded_image_is_found_again(client: APIClient, small: ImageFacts) -> None:
    found = find_image(client, image=small.image, config_digest=None, environment=small.environment)
    assert found is not None
    assert found.image == small.image
    other = replace(small.image, user="somebody")
    assert find_image(client, image=other, config_digest=small.id, environment=small.environment) is None
