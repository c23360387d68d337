"""An engine that misbehaves: old, silent, cut off, or none at all; played by a small server of our own."""

from __future__ import annotations

import json
import socketserver
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprocheck.engine.docker_inspect import (
    ContainerFacts,
    classify,
    find_image,
    inspect_container,
    inspect_image,
    split_kind,
)
from reprocheck.engine.docker_view import open_container
from reprocheck.engine.endpoint import Endpoint, connect
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from docker import APIClient

QUICK = Limits(connect_seconds=1, idle_seconds=1)
IMAGE_ID = "sha256:" + "1" * 64
LAYER = "sha256:" + "2" * 64
VERSION = {"ApiVersion": "1.41", "Version": "20.10.24+dfsg1", "Components": [{"Name": "Engine"}]}
IMAGE = {
    "Id": IMAGE_ID,
    "RepoDigests": None,
    "Os": "linux",
    "Architecture": "amd64",
    "Size": 5,
    "Config": {
        "Env": ["B=2", "A=x=y", "B=3"],
        "Cmd": ["sh"],
        "Entrypoint": None,
        "WorkingDir": "/w",
        "User": "u",
    },
    "RootFS": {"Type": "layers", "Layers": [LAYER]},
    "GraphDriver": {"Name": "overlay2", "Data": {"LowerDir": "/l/2:/l/1", "UpperDir": "/l/3"}},
}
CONTAINER = {
    "Id": "c" * 64,
    "Image": IMAGE_ID,
    "Path": "python3",
    "Args": ["t.py"],
    "State": {
        "Running": False,
        "ExitCode": 137,
        "OOMKilled": True,
        "StartedAt": "2026-11-22T10:00:00.000000001Z",
        "FinishedAt": "2026-11-22T12:00:01.5+02:00",
    },
    "Config": {"Env": ["A=1"], "WorkingDir": "/w", "User": "7"},
    "HostConfig": {
        "NetworkMode": "default",
        "NanoCpus": 0,
        "CpuQuota": 150000,
        "CpuPeriod": 100000,
        "Memory": 1024,
        "ShmSize": 64,
        "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}],
        "Tmpfs": {"/scratch": "rw,size=1m"},
    },
    "Mounts": [
        {"Type": "volume", "Source": "/v", "Destination": "/out", "RW": True},
        {"Type": "bind", "Source": "/home/me/in", "Destination": "/data", "RW": False},
    ],
    "GraphDriver": {"Name": "btrfs", "Data": None},
}

Answer = Callable[[BaseHTTPRequestHandler], None]
Routes = dict[str, object]


def send(handler: BaseHTTPRequestHandler, status: int, document: object) -> None:
    raw = json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    routes: Routes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "local"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        path = self.path.partition("?")[0]
        answer = self.server.routes.get(path.removeprefix("/v1.41"))
        if callable(answer):
            answer(self)
        elif answer is None:
            send(self, 404, {"message": f"No such thing: {path}"})
        else:
            send(self, 200, answer)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Routes, Endpoint]]:
    """A server on a socket, and the routes that it answers."""
    path = tmp_path / "e.sock"
    with Server(str(path), Handler) as server:
        server.routes = {"/version": VERSION}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.routes, Endpoint(url=f"unix://{path}", source="DOCKER_HOST")
        server.shutdown()
        thread.join()


@pytest.fixture
def talk(engine: tuple[Routes, Endpoint]) -> Iterator[tuple[Routes, APIClient]]:
    """The routes, and a client of ours that is connected to them."""
    routes, endpoint = engine
    client = connect(endpoint, limits=QUICK)
    yield routes, client
    client.close()


def test_the_newest_version_that_both_know_is_spoken(engine: tuple[Routes, Endpoint]) -> None:
    routes, endpoint = engine
    routes["/version"] = {"ApiVersion": "1.99"}
    client = connect(endpoint, limits=QUICK)
    assert client.api_version == "1.45"
    assert client.trust_env is False
    client.close()


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ({"ApiVersion": "1.39"}, "E_DAEMON_OLD"),
        ({"ApiVersion": "one"}, "E_NO_DAEMON"),
        ({"ApiVersion": 1.41}, "E_NO_DAEMON"),
        ({}, "E_NO_DAEMON"),
        ([], "E_NO_DAEMON"),
        (None, "E_NO_DAEMON"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"), "E_NO_DAEMON"),
        (lambda _handler: time.sleep(2), "E_NO_DAEMON"),
    ],
)
def test_what_is_no_usable_engine_is_told_plainly(
    engine: tuple[Routes, Endpoint], version: object, code: str
) -> None:
    routes, endpoint = engine
    routes["/version"] = version
    with pytest.raises(CouldNotRun) as caught:
        connect(endpoint, limits=QUICK)
    assert caught.value.code == code


def test_a_socket_without_permission_names_the_group(
    engine: tuple[Routes, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root every socket opens, so the refusal itself is played."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reprocheck.engine.endpoint._knock", refuse)
    with pytest.raises(CouldNotRun) as caught:
        connect(engine[1], limits=QUICK)
    assert caught.value.code == "E_DAEMON_PERMISSION"
    assert "group docker" in caught.value.hint
    assert "sudo" in caught.value.hint


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


def export(handler: BaseHTTPRequestHandler, body: bytes, *, wait: float, cut: bool) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
    handler.wfile.flush()
    time.sleep(wait)
    if cut:
        handler.close_connection = True
    else:
        handler.wfile.write(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("wait", "cut", "code"),
    [(2.5, False, "E_STREAM_STALLED"), (0, True, "E_DAEMON_LOST")],
    ids=["silent", "cut"],
)
def test_an_export_that_stalls_or_breaks_is_an_error(
    talk: tuple[Routes, APIClient], wait: float, cut: bool, code: str
) -> None:
    """docker-py alone hangs for ever on the first and takes the second for the end."""
    routes, client = talk
    facts = container_facts(routes, client)
    block = tarfile.TarInfo("a.txt").tobuf()
    routes[f"/containers/{facts.id}/export"] = lambda handler: export(handler, block, wait=wait, cut=cut)
    begin = time.monotonic()
    with (
        pytest.raises(CouldNotRun) as caught,
        open_container(client, facts, wants=lambda _: True, limits=QUICK),
    ):
        raise AssertionError("a view was given")
    assert caught.value.code == code
    assert time.monotonic() - begin < 2


def test_an_error_inside_a_good_answer_is_no_archive(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    facts = container_facts(routes, client)
    routes[f"/containers/{facts.id}/export"] = {"message": "no space left on device"}
    with (
        pytest.raises(Exception, match="export") as caught,
        open_container(client, facts, wants=lambda _: True, limits=DEFAULT),
    ):
        raise AssertionError("a view was given")
    assert getattr(caught.value, "code", "").startswith("E_")
