"""Podman: where its socket is found, and that its Docker-compatible service tells what Docker tells."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reprocheck.engine import overlay
from reprocheck.engine.docker import DockerEngine, docker_engine
from reprocheck.engine.docker_changes import is_volatile
from reprocheck.engine.docker_document import mapping
from reprocheck.engine.docker_log import Log
from reprocheck.engine.docker_settings import network_of
from reprocheck.engine.docker_view import open_image
from reprocheck.engine.endpoint import connect
from reprocheck.engine.overlay import NOT_MERGED, layers_readable, open_overlay
from reprocheck.engine.podman import find_podman, is_own_variable
from reprocheck.engine.sandbox import build_container_config
from reprocheck.errors import CouldNotRun, UsageFault
from reprocheck.limits import DEFAULT
from reprocheck.ports import Interest, Plan, nothing
from tests.engine.fake_engine import QUICK, played_engine, send
from tests.engine.plans import make_plan
from tests.engine.real_podman import SMALL, Podman, podman_service

NOWHERE = "/nonexistent/podman.sock"


def bound(path: Path) -> socket.socket:
    """A socket that listens at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def test_the_places_are_tried_in_order(tmp_path: Path) -> None:
    """--docker-host, CONTAINER_HOST, the user's own socket, the system's."""
    runtime, system = tmp_path / "run", tmp_path / "system.sock"
    with bound(runtime / "podman/podman.sock"), bound(system):
        environ = {"XDG_RUNTIME_DIR": str(runtime), "CONTAINER_HOST": "tcp://10.0.0.1:8080"}
        given = find_podman(override="unix:///x.sock", environ=environ, root_socket=str(system))
        assert (given.url, given.source) == ("unix:///x.sock", "--docker-host")
        named = find_podman(override=None, environ=environ, root_socket=str(system))
        assert (named.url, named.source) == ("tcp://10.0.0.1:8080", "CONTAINER_HOST")
        del environ["CONTAINER_HOST"]
        own = find_podman(override=None, environ=environ, root_socket=str(system))
        assert own.url == f"unix://{runtime}/podman/podman.sock"
        assert find_podman(override=None, environ={}, root_socket=str(system)).url == f"unix://{system}"


def test_docker_s_variable_says_nothing_about_podman() -> None:
    with pytest.raises(CouldNotRun) as caught:
        find_podman(override=None, environ={"DOCKER_HOST": "unix:///x.sock"}, root_socket=NOWHERE)
    assert caught.value.code == "E_NO_PODMAN"
    assert "systemctl --user start podman.socket" in caught.value.hint
    assert "podman system service" in caught.value.hint


def test_what_is_no_socket_does_not_count(tmp_path: Path) -> None:
    """A regular file, a relative XDG_RUNTIME_DIR and a NUL lead nowhere, and to no traceback."""
    (tmp_path / "podman").mkdir()
    (tmp_path / "podman/podman.sock").write_bytes(b"")
    for runtime in (str(tmp_path), "run/user/1000", "/a\0b"):
        with pytest.raises(CouldNotRun, match="podman has no socket"):
            find_podman(override=None, environ={"XDG_RUNTIME_DIR": runtime}, root_socket=NOWHERE)


def test_ssh_is_refused_with_a_way_out() -> None:
    """docker-py would start `docker system dial-stdio` there, which a machine with podman does not have."""
    environ = {"CONTAINER_HOST": "ssh://me:hunter2@gpu1/run/podman/podman.sock"}
    with pytest.raises(CouldNotRun) as caught:
        find_podman(override=None, environ=environ, root_socket=NOWHERE)
    assert "ssh -L" in caught.value.hint
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("url", ["npipe:////./pipe/podman", "podman.sock", "tcp://-oProxyCommand=x"])
def test_an_address_that_is_none_is_a_usage_fault(url: str) -> None:
    with pytest.raises(UsageFault):
        find_podman(override=url, environ={})


def test_a_socket_without_a_service_is_told_how_to_start_it(tmp_path: Path) -> None:
    path = tmp_path / "podman/podman.sock"
    bound(path).close()
    with pytest.raises(CouldNotRun) as caught, engine_at({"XDG_RUNTIME_DIR": str(tmp_path)}, podman=True):
        pass
    assert caught.value.code == "E_NO_DAEMON"
    assert "podman.socket" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "own"),
    [
        ("container", "podman", True),
        ("container", "mine", False),
        ("HOSTNAME", "e02e987c5900", True),
        ("HOSTNAME", "node-7", False),
        ("HOME", "/root", True),
        ("HOME", "/home/me", False),
        ("TERM", "xterm", True),
        ("SEED", "1", False),
    ],
)
def test_what_podman_adds_is_no_setting_of_the_run(name: str, value: str, own: bool) -> None:
    assert is_own_variable(name, value, {"Hostname": "e02e987c5900", "User": ""}) is own


def test_the_home_of_another_user_is_a_setting() -> None:
    assert not is_own_variable("HOME", "/root", {"User": "1000"})


def test_whiteouts_by_name_are_not_taken_for_files(tmp_path: Path) -> None:
    """As fuse-overlayfs makes them in a rootless podman's layers: the image is exported instead."""
    (tmp_path / "low/etc").mkdir(parents=True)
    (tmp_path / "low/etc/gone").write_text("still here")
    (tmp_path / "up/etc").mkdir(parents=True)
    (tmp_path / "up/etc/.wh.gone").write_text("")
    with pytest.raises(CouldNotRun) as caught:
        open_overlay((str(tmp_path / "low"), str(tmp_path / "up")), limits=DEFAULT)
    assert caught.value.code in NOT_MERGED


def test_layers_of_composefs_are_not_read_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their directories hold objects by digest, the tree lies in an image beside them."""
    monkeypatch.setattr(overlay, "_administrator", lambda: True)
    (tmp_path / "layer/diff").mkdir(parents=True)
    assert layers_readable((str(tmp_path / "layer/diff"),))
    (tmp_path / "layer/composefs-data").mkdir()
    assert not layers_readable((str(tmp_path / "layer/diff"),))


def test_limits_of_the_engine_are_left_alone_where_podman_would_forget_them() -> None:
    wanted = plan("sha256:1", "true")
    ours = mapping(build_container_config(wanted, labels={}), "HostConfig")
    theirs = mapping(build_container_config(wanted, labels={}, ulimits=False), "HostConfig")
    assert ours["Ulimits"] == [{"Name": "core", "Soft": 0, "Hard": 0}]
    assert theirs == {**ours, "Ulimits": []}


@pytest.mark.parametrize(
    ("mode", "network"),
    [("slirp4netns", "bridge"), ("pasta:-T,9", "bridge"), ("host", "unknown"), ("none", "none")],
)
def test_the_user_s_own_way_to_the_network_is_the_usual_one(mode: str, network: str) -> None:
    assert network_of({"HostConfig": {"NetworkMode": mode}}) == network


def test_the_directory_of_the_engine_s_files_is_no_change_that_matters() -> None:
    assert is_volatile("/etc")
    assert not is_volatile("/etc", "deleted")
    assert not is_volatile("/etc/ld.so.conf")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            "container-init binary not found on the host: stat /usr/libexec/podman/catatonit",
            "E_RUNTIME_REFUSED",
        ),
        ("preparing container abc for attach: runc: error setting rlimit type 7", "E_RUNTIME_REFUSED"),
    ],
)
def test_why_podman_refuses_to_attach_is_told(tmp_path: Path, words: str, code: str) -> None:
    """It prepares the container then, and the reason comes as the answer to a stream."""
    with played_engine(tmp_path) as (routes, endpoint):
        client = connect(endpoint, limits=QUICK)
        routes["POST /containers/abc/attach"] = lambda handler: send(handler, 409, {"message": words})
        with Log(client, limits=QUICK) as log, pytest.raises(CouldNotRun) as caught:
            log.attach("abc")
        client.close()
    assert caught.value.code == code
    assert words in caught.value.message


@contextmanager
def engine_at(environ: dict[str, str], *, podman: bool = False) -> Iterator[DockerEngine]:
    """Connect as `reprocheck` does."""
    opened = docker_engine(override=None, environ=environ, home="/", limits=DEFAULT, podman=podman)
    with opened as engine:
        yield engine


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with podman_service() as service:
        service.load(SMALL)
        yield service


@pytest.fixture
def engine(podman: Podman) -> Iterator[DockerEngine]:
    with engine_at({"CONTAINER_HOST": podman.url}, podman=True) as connected:
        yield connected


@pytest.fixture
def docker() -> Iterator[DockerEngine]:
    with engine_at(dict(os.environ)) as connected:
        yield connected


def listing(engine: DockerEngine, image: str, **options: Any) -> tuple[str, dict[str, Any]]:
    """How an image was read, and every path of it."""
    interest = Interest(keep=nothing)
    facts = engine.image(image)
    with open_image(engine.client, facts, interest=interest, limits=DEFAULT, **options) as (view, reader):
        return reader, dict(view.tree.entries)


@pytest.mark.docker
@pytest.mark.podman
def test_an_image_is_the_same_on_both_engines(engine: DockerEngine, docker: DockerEngine) -> None:
    """Identity, id and ENV; the name may be written with and without podman's `localhost/`."""
    theirs, ours = engine.image(SMALL), docker.image(SMALL)
    assert theirs.source.engine.startswith("podman ")
    assert (theirs.image, theirs.environment, theirs.id) == (ours.image, ours.environment, ours.id)
    assert theirs.source.config_digest == ours.source.config_digest
    digits = ours.id.removeprefix("sha256:")
    for name in (f"localhost/{SMALL}:latest", ours.id, digits, digits[:12]):
        assert engine.image(name).image == ours.image
        assert engine.classify(name) == "image"


@pytest.mark.docker
@pytest.mark.podman
def test_overlay_and_export_list_what_docker_lists(engine: DockerEngine, docker: DockerEngine) -> None:
    reader, direct = listing(engine, SMALL)
    assert reader == "overlay"
    assert listing(engine, SMALL, prefer_export=True) == ("export", direct)
    assert listing(docker, SMALL)[1] == direct


@pytest.mark.docker
@pytest.mark.podman
def test_a_container_tells_what_docker_s_tells(podman: Podman, engine: DockerEngine) -> None:
    """Nothing that podman adds is taken for a setting: variables, mount points, files in /etc and /run."""
    program = ("sh", "-c", "echo 1 > /made; exit 3")
    with container(podman, "--env", "SEED=7", "--network", "none", SMALL, *program) as name:
        facts = engine.container(name)
        assert engine.classify(name) == "container"
        assert set(facts.environment) - set(facts.image.environment) == {("SEED", "7")}
        assert (facts.argv, facts.exit_code, facts.network) == (program, 3, "none")
        assert not facts.privileged
        changes = engine.changes(facts, outputs=())
        assert [change.path for change in changes if not change.volatile] == ["/made"]
        with engine.open_container(facts, Interest(keep=lambda path: path == "/made")) as (view, reader):
            assert reader == "overlay"
            assert view.read("/made", 10) == b"1\n"
            assert view.tree.resolve("/run/.containerenv") is None


@contextmanager
def container(podman: Podman, *argv: str) -> Iterator[str]:
    name = f"reprocheck-test-{os.getpid()}"
    subprocess.run([*podman.argv, "run", "--name", name, *argv], env=podman.environ, check=False, timeout=60)
    try:
        yield name
    finally:
        podman.call("rm", "--force", name)


def plan(image: str, *argv: str) -> Plan:
    return make_plan(
        *argv, image=image, environment=(("SEED", "7"),), outputs=("/out/",), directories=("/out",)
    )


@pytest.mark.docker
@pytest.mark.podman
def test_a_run_is_run(engine: DockerEngine) -> None:
    """Output, exit code, outputs; and nothing is left (the fixture looks)."""
    said = bytearray()
    image = engine.image(SMALL).id
    wanted = plan(image, "sh", "-c", "echo hello; echo $SEED > /out/seed; exit 3")
    with engine.runner().run(wanted, said.extend) as finished:
        assert finished.outcome.exit_code == 3
        found = [(output.name, getattr(output, "size", None)) for output in finished.outputs()]
        assert [change.path for change in finished.changes() if not change.volatile] == []
    assert said == b"hello\n"
    assert found == [("/out/seed", 2)]


@pytest.mark.docker
@pytest.mark.podman
def test_a_command_that_is_not_there_is_told(engine: DockerEngine) -> None:
    """By podman's init, which ends with 1 as a program may."""
    image = engine.image(SMALL).id
    with (
        pytest.raises(CouldNotRun) as caught,
        engine.runner().run(plan(image, "no-such-program"), lambda _chunk: None),
    ):
        pass
    assert caught.value.code == "E_COMMAND_NOT_FOUND"


@pytest.mark.docker
@pytest.mark.podman
def test_gpus_are_refused_and_never_dropped_in_silence(engine: DockerEngine) -> None:
    from reprocheck.model.base import replace

    wanted = replace(plan(engine.image(SMALL).id, "true"), gpus="all")
    with pytest.raises(CouldNotRun) as caught, engine.runner().run(wanted, lambda _chunk: None):
        pass
    assert caught.value.code == "E_NO_GPU_RUNTIME"


@pytest.mark.docker
@pytest.mark.podman
def test_storage_without_overlay_is_exported(docker: DockerEngine) -> None:
    """The vfs driver, which a rootless podman falls back to."""
    with podman_service("vfs") as service:
        rootfs = subprocess.run(
            [*service.argv, "import", "-", "reprocheck-test/tiny"],
            env=service.environ,
            input=_tiny_tar(),
            capture_output=True,
            check=False,
        )
        assert rootfs.returncode == 0, rootfs.stderr
        with engine_at({"CONTAINER_HOST": service.url}, podman=True) as connected:
            reader, entries = listing(connected, "reprocheck-test/tiny")
    assert reader == "export"
    assert sorted(entries) == ["/", "/opt", "/opt/here"]


def _tiny_tar() -> bytes:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("opt/here")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"1\n"))
    return buffer.getvalue()
