"""Facts that an engine tells about images and containers, also strange ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprocheck.api.targets import split_kind
from reprocheck.engine.docker_inspect import (
    ContainerFacts,
    classify,
    find_image,
    inspect_container,
    inspect_image,
)
from reprocheck.engine.endpoint import connect
from reprocheck.errors import CouldNotRun, UsageFault
from tests.engine.fake_engine import CONTAINER, IMAGE, IMAGE_ID, LAYER, QUICK, Routes, played_engine

if TYPE_CHECKING:
    from docker import APIClient


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[tuple[Routes, APIClient]]:
    """The routes of a played engine, and a client of ours that is connected to it."""
    with played_engine(tmp_path) as (routes, endpoint):
        client = connect(endpoint, limits=QUICK)
        yield routes, client
        client.close()


def test_an_image_is_read(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    routes["/images/lab/a:1/json"] = IMAGE
    facts = inspect_image(client, "lab/a:1")
    assert facts.image.diff_ids == (LAYER,)
    assert (facts.image.entrypoint, facts.image.command) == ((), ("sh",))
    assert facts.environment == (("A", "x=y"), ("B", "3"))
    assert facts.layers == ("/l/1", "/l/2", "/l/3")
    assert facts.source.config_digest == facts.id == IMAGE_ID
    assert facts.source.engine == "docker 20.10.24"


def test_an_id_of_containerds_store_is_no_config_digest(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    routes["/images/a/json"] = {**IMAGE, "Descriptor": {"digest": IMAGE_ID}}
    facts = inspect_image(client, "a")
    assert (facts.id, facts.source.config_digest) == (IMAGE_ID, None)


@pytest.mark.parametrize("field", sorted(IMAGE))
def test_a_field_of_another_type_reads_as_absent(talk: tuple[Routes, APIClient], field: str) -> None:
    routes, client = talk
    for strange in (None, 3, "x", [1], {"a": 1}):
        routes["/images/a/json"] = {**IMAGE, field: strange}
        assert inspect_image(client, "a").source.kind == "image"


@pytest.mark.parametrize("reference", ["../containers/x", "a//b", "", "-a", "a\nb", "a?b", "a" * 600])
def test_what_is_no_reference_is_never_sent(talk: tuple[Routes, APIClient], reference: str) -> None:
    with pytest.raises(CouldNotRun) as caught:
        inspect_image(talk[1], reference)
    assert caught.value.code == "E_IMAGE_NOT_FOUND"
    assert "never pulls" in caught.value.hint


def container_facts(routes: Routes, client: APIClient, **changes: object) -> ContainerFacts:
    routes[f"/images/{IMAGE_ID}/json"] = IMAGE
    routes["/containers/box/json"] = {**CONTAINER, **changes}
    return inspect_container(client, "box")


def test_a_container_is_read(talk: tuple[Routes, APIClient]) -> None:
    facts = container_facts(*talk)
    assert facts.argv == ("python3", "t.py")
    assert (facts.exit_code, facts.oom_killed, facts.duration_ms) == (137, True, 1499)
    assert facts.network == "bridge"
    assert (facts.resources.nano_cpus, facts.resources.memory_bytes) == (1_500_000_000, 1024)
    assert facts.resources.gpus == "all"
    assert [(m.target, m.source, m.kind, m.writable) for m in facts.mounts] == [
        ("/data", "/home/me/in", "bind", False),
        ("/out", "/v", "volume", True),
        ("/scratch", "", "tmpfs", True),
    ]
    assert facts.layers == ()
    assert not facts.privileged


def test_a_sticky_oom_flag_is_not_the_programs_end(talk: tuple[Routes, APIClient]) -> None:
    state = {**CONTAINER["State"], "ExitCode": 0}  # type: ignore[dict-item]
    assert not container_facts(*talk, State=state).oom_killed


def test_a_container_that_never_started_has_no_exit_code(talk: tuple[Routes, APIClient]) -> None:
    state = {"Running": False, "ExitCode": 0, "StartedAt": "0001-01-01T00:00:00Z"}
    facts = container_facts(*talk, State=state)
    assert (facts.exit_code, facts.duration_ms) == (None, 0)


@pytest.mark.parametrize(
    "host",
    [
        {"Privileged": True},
        {"CapAdd": ["SYS_ADMIN"]},
        {"Devices": [{"PathOnHost": "/dev/fuse"}]},
        {"DeviceCgroupRules": ["a *:* rwm"]},
        {"NetworkMode": "host"},
        {"PidMode": "container:x"},
        {"IpcMode": "host"},
        {"UTSMode": "host"},
        {"UsernsMode": "host"},
        {"SecurityOpt": ["seccomp=unconfined"]},
        {"SecurityOpt": ["label=disable"]},
    ],
)
def test_more_than_a_plain_container_is_noticed(talk: tuple[Routes, APIClient], host: object) -> None:
    assert container_facts(*talk, HostConfig=host).privileged


def test_the_engines_socket_counts_as_a_privilege(talk: tuple[Routes, APIClient]) -> None:
    mount = {"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/s", "RW": True}
    assert container_facts(*talk, Mounts=[mount]).privileged


def test_a_name_of_both_asks_which(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    routes["/images/box/json"] = IMAGE
    assert classify(client, "box") == "image"
    routes["/containers/box/json"] = CONTAINER
    with pytest.raises(UsageFault, match="an image and a container") as caught:
        classify(client, "box")
    assert caught.value.code == "E_AMBIGUOUS_TARGET"
    assert "docker:image:box" in caught.value.hint
    del routes["/images/box/json"]
    assert classify(client, "box") == "container"


def test_the_kind_can_be_said() -> None:
    assert split_kind("image:image:latest") == ("image", "image:latest")
    assert split_kind("container:box") == ("container", "box")
    assert split_kind("lab/image:1") == ("", "lab/image:1")


def test_an_image_is_found_by_identity_and_never_by_tag(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    routes["/images/wanted/json"] = IMAGE
    wanted = inspect_image(client, "wanted")
    environment = [("A", "x=y"), ("B", None)]
    routes["/images/json"] = []

    def find() -> str | None:
        found = find_image(client, image=wanted.image, config_digest=IMAGE_ID, environment=environment)
        return found.id if found else None

    assert find() is None
    # The same id, as a daemon could claim it, with other content.
    routes[f"/images/{IMAGE_ID}/json"] = {**IMAGE, "RootFS": {"Layers": ["sha256:" + "9" * 64]}}
    assert find() is None
    other = "sha256:" + "7" * 64
    routes["/images/json"] = [{"Id": other}]
    routes[f"/images/{other}/json"] = {**IMAGE, "Id": other}
    assert find() == other
    config = {"Env": ["A=z", "B=3"], "Cmd": ["sh"], "WorkingDir": "/w", "User": "u"}
    routes[f"/images/{other}/json"] = {**IMAGE, "Id": other, "Config": config}
    assert find() is None
    routes[f"/images/{IMAGE_ID}/json"] = IMAGE
    assert find() == IMAGE_ID
