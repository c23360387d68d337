"""An engine that misbehaves: old, silent, cut off, or none at all; played by a small server of our own."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprocheck.engine.docker_inspect import ContainerFacts, inspect_container
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.docker_view import open_container
from reprocheck.engine.endpoint import Endpoint, connect
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT, Limits
from reprocheck.ports import Interest
from tests.engine.fake_engine import CONTAINER, IMAGE, IMAGE_ID, QUICK, Routes, played_engine, send
from tests.engine.plans import make_plan

if TYPE_CHECKING:
    from docker import APIClient


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Routes, Endpoint]]:
    """A server on a socket, and the routes that it answers."""
    with played_engine(tmp_path) as played:
        yield played


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[tuple[Routes, APIClient]]:
    """The routes of a played engine, and a client of ours that is connected to it."""
    with played_engine(tmp_path) as (routes, endpoint):
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


def box(routes: Routes, client: APIClient) -> ContainerFacts:
    routes[f"/images/{IMAGE_ID}/json"] = IMAGE
    routes["/containers/box/json"] = CONTAINER
    return inspect_container(client, "box")


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
    facts = box(routes, client)
    block = tarfile.TarInfo("a.txt").tobuf()
    routes[f"/containers/{facts.id}/export"] = lambda handler: export(handler, block, wait=wait, cut=cut)
    with (
        pytest.raises(CouldNotRun) as caught,
        open_container(client, facts, interest=Interest(keep=lambda _: True), limits=QUICK),
    ):
        raise AssertionError("a view was given")
    assert caught.value.code == code


def test_an_error_inside_a_good_answer_is_no_archive(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    facts = box(routes, client)
    routes[f"/containers/{facts.id}/export"] = {"message": "no space left on device"}
    with (
        pytest.raises(Exception, match="export") as caught,
        open_container(client, facts, interest=Interest(keep=lambda _: True), limits=DEFAULT),
    ):
        raise AssertionError("a view was given")
    assert getattr(caught.value, "code", "").startswith("E_")


PLAN = make_plan("sh", image=IMAGE_ID, disk_bytes=1 << 40)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """The engine dies instead of answering."""
    handler.close_connection = True


def say_hello(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"\x01\0\0\0\0\0\0\x05hello\x02\0\0\0\0\0\0\x00\x02\0\0\0\0\0\0\x01!")
    handler.close_connection = True


def scripted(server_routes: Routes, *, removal: object, state: object) -> None:
    server_routes.update(
        {
            "POST /containers/create": {"Id": "abc"},
            "POST /containers/abc/attach": say_hello,
            "POST /containers/abc/start": {},
            "/containers/abc/json": state,
            "removal": removal,
        }
    )


@pytest.mark.parametrize(
    ("removal", "state", "code"),
    [
        (hang_up, hang_up, "E_DAEMON_LOST"),
        (hang_up, {"State": {"Running": False, "ExitCode": 0}}, "E_LEFT_BEHIND"),
    ],
    ids=["dies while it runs", "dies afterwards"],
)
def test_an_engine_that_dies_is_named_with_what_was_left(
    talk: tuple[Routes, APIClient], removal: object, state: object, code: str
) -> None:
    routes, client = talk
    scripted(routes, removal=removal, state=state)
    said = bytearray()
    runner = DockerRunner(client, limits=Limits(connect_seconds=1, idle_seconds=1, stop_seconds=1))
    with pytest.raises(CouldNotRun) as caught, runner.run(PLAN, said.extend):
        pass
    assert bytes(said) == b"hello!"
    assert caught.value.code == code
    assert "docker rm --force --volumes reprocheck-run-" in caught.value.hint


def test_a_removal_that_is_under_way_is_waited_for(talk: tuple[Routes, APIClient]) -> None:
    routes, client = talk
    answers = [(409, "removal of container abc is already in progress"), (404, "No such container: abc")]

    def remove(handler: BaseHTTPRequestHandler) -> None:
        status, message = answers.pop(0)
        send(handler, status, {"message": message})

    scripted(routes, removal=remove, state={"State": {"Running": False, "ExitCode": 7}})
    with DockerRunner(client, limits=QUICK).run(PLAN, lambda _: None) as finished:
        assert finished.outcome.exit_code == 7
    assert answers == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', "E_NO_GPU_RUNTIME"),
        ("OCI runtime create failed: nvidia-container-cli: initialization error", "E_NO_GPU_RUNTIME"),
        ('OCI runtime create failed: exec: "x": executable file not found in $PATH', "E_COMMAND_NOT_FOUND"),
        ('OCI runtime create failed: exec: "/x": stat /x: no such file or directory', "E_COMMAND_NOT_FOUND"),
        (
            "OCI runtime create failed: error setting rlimit type 7: operation not permitted",
            "E_RUNTIME_REFUSED",
        ),
        ("mounts denied: The path /x is not shared from the host", "E_MOUNT_REFUSED"),
        ("write /var/lib/docker/x: no space left on device", "E_DISK_FULL"),
        ("something \x1b[2J\u202e else " + "x" * 9000, "E_ENGINE_REFUSED"),
    ],
)
def test_the_engines_words_are_understood_and_cleaned(
    talk: tuple[Routes, APIClient], words: str, code: str
) -> None:
    routes, client = talk
    scripted(routes, removal={}, state={})
    routes["POST /containers/abc/start"] = lambda handler: send(handler, 500, {"message": words})
    runner = DockerRunner(client, limits=QUICK)
    with pytest.raises(CouldNotRun) as caught, runner.run(PLAN, lambda _: None):
        pass
    assert caught.value.code == code
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 450
