"""On a real engine: nothing stays behind, nothing of the user leaks in, and views change nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprocheck.engine.docker_inspect import ImageFacts, find_image, inspect_container, inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.docker_view import open_container, open_image
from reprocheck.engine.endpoint import connect, find_endpoint
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from reprocheck.ports import Interest
from tests.engine.real_engine import (
    LIMITS,
    SMALL,
    connected,
    image_with_volume,
    leftovers,
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
plan = Plan(
    image=inspect_image(client, sys.argv[1]).id, argv=("sh", "-c", "echo up; sleep 60"), environment=(),
    working_dir="", user="", network="none", nano_cpus=None, memory_bytes=None, shm_bytes=None, gpus="",
    pids=64, disk_bytes=1 << 30, seconds=50, mounts=(), outputs=(),
)
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
            interest=Interest(keep=lambda path: path == "/usr/lib/os-release"),
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
                interest=Interest(keep=lambda path: path == "/made"),
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
