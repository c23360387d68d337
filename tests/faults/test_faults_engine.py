"""No engine, the wrong one, one that may not be used, and an image that is not there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.harness import SMALL_A, SOCKET, World, as_nobody, obeying_modes

PROGRAM = ("--output", "/out", "--", "true")
VERBS = (
    ("snapshot", "docker:anything", "-o", "out.json"),
    ("run", "--image", "anything", "-o", "out.json", *PROGRAM),
)


@contextmanager
def listening(path: Path, *, mode: int = 0o600) -> Iterator[str]:
    """A socket that accepts and says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(mode)
        yield f"unix://{path}"


def dead_socket(root: Path) -> str:
    with listening(root / "dead"):
        pass
    return f"unix://{root}/dead"


def regular_file(root: Path) -> str:
    (root / "plain").write_text("", encoding="utf-8")
    return f"unix://{root}/plain"


def closed_port(_root: Path) -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


NO_ENGINE: dict[str, Callable[[Path], str]] = {
    "no such socket": lambda root: f"unix://{root}/none",
    "a dead socket": dead_socket,
    "a regular file": regular_file,
    "a directory": lambda root: f"unix://{root}",
    "a closed port": closed_port,
}


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory whose name is short enough for a socket (108 bytes)."""
    return tmp_path_factory.mktemp("s")


@pytest.mark.parametrize("kind", NO_ENGINE)
def test_a_stopped_engine_is_told(world: World, short: Path, kind: str) -> None:
    """Each names the address and where it was taken from."""
    url = NO_ENGINE[kind](short)
    for verb in VERBS:
        world.run(*verb, environ={"DOCKER_HOST": url}).failed(3, "E_NO_DAEMON", url, "DOCKER_HOST")
    world.run("snapshot", "docker:x", "--docker-host", url).failed(3, "E_NO_DAEMON", url, "--docker-host")
    world.check()


def test_a_verify_without_an_engine_is_told(world: World, local_documents: tuple[bytes, bytes]) -> None:
    """A local record verifies without any engine, whatever DOCKER_HOST says."""
    (world.cwd / "run.json").write_bytes(local_documents[0])
    done = world.run(
        "verify", "run.json", "--yes", "--unsandboxed", environ={"DOCKER_HOST": "unix:///nowhere"}
    )
    assert done.code == 0, done
    world.check("run.json")


@pytest.mark.parametrize(
    "url",
    ["", "/var/run/docker.sock", "unix://", "ftp://x", "tcp://", "npipe:////./pipe", "unix:///a\x1b[2Jb"],
)
def test_an_address_that_makes_no_sense_is_a_usage_fault(world: World, url: str) -> None:
    if url:
        world.run("snapshot", "docker:x", environ={"DOCKER_HOST": url}).failed(
            2, "E_DOCKER_HOST", "DOCKER_HOST"
        )
        world.run("snapshot", "docker:x", "--docker-host", url).failed(2, "E_DOCKER_HOST", "--docker-host")
    else:
        world.run("snapshot", "docker:x", "--docker-host", "").quiet()
    world.check()


def test_a_socket_without_permission_is_told(world: World, short: Path) -> None:
    with listening(short / "mine", mode=0) as url:
        for verb in VERBS:
            done = world.run(*verb, environ={"DOCKER_HOST": url}, prefix=obeying_modes())
            done.failed(3, "E_DAEMON_PERMISSION", url, "docker")
    world.check()


@pytest.mark.docker
def test_the_real_socket_without_permission_is_told(world: World) -> None:
    """As another user, who is in no group."""
    for path in (world.root, world.cwd, *(world.root / name for name in ("home", "state", "tmp"))):
        path.chmod(0o777)
    url = os.environ.get("DOCKER_HOST", f"unix://{SOCKET}")
    done = world.run("snapshot", f"docker:{SMALL_A}", prefix=as_nobody(), environ={"DOCKER_HOST": url})
    done.failed(3, "E_DAEMON_PERMISSION", url)
    world.check()


def test_an_engine_that_says_nothing_is_not_waited_for_long(world: World, short: Path) -> None:
    with listening(short / "mute") as url:
        done = world.run("snapshot", "docker:x", environ={"DOCKER_HOST": url}, seconds=30)
        done.failed(3, "E_NO_DAEMON", url, "does not answer in time")
    world.check()


def test_something_else_that_answers_is_no_engine(world: World) -> None:
    """A web server on the engine's port."""
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=world.root / "home",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        url = f"tcp://127.0.0.1:{port}"
        done = world.run("snapshot", "docker:x", environ={"DOCKER_HOST": url})
        done.failed(3, "E_NO_DAEMON", url, "not a Docker engine")
    finally:
        server.kill()
        server.communicate()
    world.check()


def test_a_broken_docker_context_is_told(world: World) -> None:
    environ = {"DOCKER_HOST": None}
    folder = world.root / "home/.docker"
    folder.mkdir()
    (folder / "config.json").write_text('{"currentContext": "gone"}', encoding="utf-8")
    world.run("snapshot", "docker:x", environ=environ).failed(3, "E_DOCKER_CONTEXT", "gone")
    (folder / "config.json").write_text('{"currentContext": ', encoding="utf-8")
    done = world.run("snapshot", "docker:x", environ=environ)
    done.failed(3, "E_DOCKER_CONTEXT", "config.json")
    world.check()


@pytest.mark.docker
@pytest.mark.parametrize(
    "name", ["reprocheck-nothing/of-this-name", "sha256:" + "0" * 64, "reprocheck-nothing:tag"]
)
def test_an_unknown_image_is_told(world: World, name: str) -> None:
    world.run("run", "--image", name, "-o", "out.json", *PROGRAM).failed(
        3, "E_IMAGE_NOT_FOUND", name, "docker pull"
    )
    done = world.run("snapshot", name, "-o", "out.json")
    assert name in done.err
    done.failed(*((3, "E_IMAGE_NOT_FOUND") if "E_IMAGE" in done.err else (3, "E_CONTAINER_NOT_FOUND")))
    world.run("snapshot", f"docker:container:{name}").failed(3, "E_CONTAINER_NOT_FOUND", name)
    world.check()


@pytest.mark.docker
@pytest.mark.parametrize("name", ["UPPER CASE", "../../etc", "a\x1b[31mb", "-x", "a?b=c", "x" * 3000])
def test_a_name_that_is_none_is_told(world: World, name: str) -> None:
    """Foreign text reaches the engine's address only quoted, and the terminal only cleaned."""
    for done in (
        world.run("run", "--image", name, "-o", "out.json", *PROGRAM),
        world.run("snapshot", f"docker:{name}", "-o", "out.json"),
    ):
        assert done.code in (2, 3), done
        done.quiet()
        assert done.err.startswith("error[E_"), done
        assert done.err.count("\n") == 1, done
    world.check()


@pytest.mark.docker
def test_a_recorded_image_that_is_gone_is_told(world: World) -> None:
    """A record whose image this engine never had; nothing is started."""
    from reprocheck.codec import decode_manifest, encode_manifest, seal
    from reprocheck.model.base import replace

    done = world.run("run", "--image", SMALL_A, "--no-syft", "--output", "/out", "--", "mkdir", "/out")
    assert done.code in (0, 1, 4), done
    manifest = decode_manifest((world.cwd / "run.json").read_bytes(), where="run.json")
    assert manifest.image is not None
    gone = replace(
        manifest,
        image=replace(manifest.image, diff_ids=("sha256:" + "1" * 64,)),
        source=replace(manifest.source, config_digest="sha256:" + "2" * 64),
    )
    (world.cwd / "gone.json").write_bytes(encode_manifest(seal(gone)))
    world.run("verify", "gone.json", "--yes").failed(3, "E_IMAGE_GONE", "2222", "nothing was started")
    world.check("gone.json", "run.json")
