"""Runs on a real engine: what a program can do there and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprocheck.engine.docker_inspect import ImageFacts, inspect_container, inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.errors import CouldNotRun
from reprocheck.model.run import Change
from reprocheck.ports import Plan, PlannedMount, RefusedOutput
from tests.engine.real_engine import (
    LIMITS,
    SMALL,
    connected,
    image_with_volume,
    plan,
    run,
    volumes,
)

if TYPE_CHECKING:
    from docker import APIClient

pytestmark = pytest.mark.docker


@pytest.fixture
def client() -> Iterator[APIClient]:
    """A client of this machine's engine."""
    with connected() as client:
        yield client


@pytest.fixture
def small(client: APIClient) -> ImageFacts:
    """The small fixture image."""
    return inspect_image(client, SMALL)


@pytest.fixture
def with_volume(client: APIClient) -> Iterator[ImageFacts]:
    """The small image with a volume at /vol."""
    with image_with_volume(client) as facts:
        yield facts


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
        assert changes == [Change(path="/etc/edited", kind="added"), Change(path="/tmp/t", kind="added")]
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
    outcome, _ = run(client, plan(small, "python3", "-c", script, memory_bytes=64 << 20))
    assert (outcome.exit_code, outcome.oom_killed, outcome.timed_out) == (137, True, False)


def test_a_program_that_exits_137_itself_was_not_killed_for_memory(
    client: APIClient, small: ImageFacts
) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "exit 137"))
    assert (outcome.exit_code, outcome.oom_killed) == (137, False)


def test_one_that_sleeps_for_ever_ends_at_its_deadline(client: APIClient, small: ImageFacts) -> None:
    """It ignores SIGTERM too."""
    script = "trap '' TERM; echo up; while true; do sleep 1; done"
    outcome, said = run(client, plan(small, "sh", "-c", script, seconds=1))
    assert (outcome.exit_code, outcome.timed_out, said) == (None, True, "up\n")


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
    outcome, _ = run(client, plan(small, "sh", "-c", script, disk_bytes=20 << 20))
    assert (outcome.exit_code, outcome.disk_exceeded, outcome.timed_out) == (None, True, False)


def test_a_sparse_file_is_not_a_full_disk(client: APIClient, small: ImageFacts) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "truncate -s 1T /big; sleep 2.5", disk_bytes=20 << 20))
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
        "cat /data/data.txt; touch /data/new 2>/dev/null || echo ' read-only'; echo r > /out/r; echo s > /s",
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


@pytest.mark.parametrize("user", ["", "1234:1234"])
@pytest.mark.parametrize("local", [True, False], ids=["at source", "by the engine"])
def test_an_output_directory_is_empty_writable_and_gone_afterwards(
    client: APIClient, small: ImageFacts, monkeypatch: pytest.MonkeyPatch, local: bool, user: str
) -> None:
    """For any user, even below a root file system that is read-only; /srv has no place for it before."""
    if not local:
        monkeypatch.setattr("reprocheck.engine.docker_outputs.shares_files", lambda _: False)
    wanted = plan(
        small,
        "sh",
        "-c",
        "ls -A /app/out /srv/deep/out; echo a > /app/out/a && echo b > /srv/deep/out/b",
        outputs=("/app/out/", "/srv/deep/out"),
        directories=("/app/out", "/srv/deep/out"),
        user=user,
        read_only_root=True,
    )
    said = bytearray()
    with DockerRunner(client, limits=LIMITS).run(wanted, said.extend) as finished:
        assert [output.name for output in finished.outputs()] == ["/app/out/a", "/srv/deep/out/b"]
        assert [change for change in finished.changes() if not change.volatile] == []
        mounts = inspect_container(client, finished.container).mounts
        assert [mount.target for mount in mounts] == ["/app/out", "/srv/deep/out"]
        made = {Path(mount.source).parent.name for mount in mounts}
        assert made <= volumes(client)
    assert said.decode() == "/app/out:\n\n/srv/deep/out:\n"
    assert not made & volumes(client)


@pytest.mark.parametrize("readable", [True, False], ids=["at source", "by the engine"])
def test_an_output_directory_counts_for_the_disk_limit(
    client: APIClient, small: ImageFacts, monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    if not readable:
        monkeypatch.setattr("reprocheck.engine.docker_guard._places", lambda *_: ())
    script = "dd if=/dev/zero of=/out/big bs=1M count=30 2>/dev/null; sleep 60"
    wanted = plan(
        small, "sh", "-c", script, disk_bytes=20 << 20, outputs=("/out",), directories=("/out",), user="7"
    )
    outcome, _ = run(client, wanted)
    assert (outcome.exit_code, outcome.disk_exceeded, outcome.timed_out) == (None, True, False)


@pytest.mark.parametrize(
    ("argv", "more", "code"),
    [
        (("nosuchcommand",), {}, "E_COMMAND_NOT_FOUND"),
        (("/etc/passwd",), {}, "E_COMMAND_NOT_FOUND"),
        (("true",), {"user": "nobodyhere"}, "E_RUNTIME_REFUSED"),
        (("true",), {"memory_bytes": 1}, "E_RUNTIME_REFUSED"),
        (("true",), {"mounts": (PlannedMount(source="/no/such/place", target="/x"),)}, "E_MOUNT_REFUSED"),
        (("true",), {"gpus": "all"}, "E_NO_GPU_RUNTIME"),
    ],
)
def test_what_cannot_start_is_named(
    client: APIClient, small: ImageFacts, argv: tuple[str, ...], more: dict[str, object], code: str
) -> None:
    said = bytearray()
    wanted = plan(small, *argv, **more)
    with (
        pytest.raises(CouldNotRun) as caught,
        DockerRunner(client, limits=LIMITS).run(wanted, said.extend),
    ):
        pytest.fail("it started")
    assert caught.value.code == code
    assert caught.value.hint
    assert said == b""  # docker-init's own words are in the error


def test_an_exit_code_of_127_is_the_programs_own_when_it_spoke(client: APIClient, small: ImageFacts) -> None:
    outcome, _ = run(client, plan(small, "sh", "-c", "nosuchcommand"))
    assert outcome.exit_code == 127


def test_an_image_that_is_not_there_is_not_pulled(client: APIClient, small: ImageFacts) -> None:
    gone = plan(small, "true")
    with pytest.raises(CouldNotRun) as caught:
        run(
            client,
            Plan(**{**{f: getattr(gone, f) for f in gone.__struct_fields__}, "image": "sha256:" + "0" * 64}),
        )
    assert caught.value.code == "E_IMAGE_NOT_FOUND"
