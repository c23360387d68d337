"""Where the engine is: the same answer as the docker command line gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from reprocheck.engine.endpoint import Endpoint, Tls, connect, find_endpoint
from reprocheck.errors import CouldNotRun, ReprocheckError, UsageFault
from reprocheck.limits import DEFAULT


def make_context(home: Path, name: str, meta: object, *, current: bool = True) -> Path:
    """Write a docker context below `home` and give the directory of its TLS files."""
    directory = hashlib.sha256(name.encode()).hexdigest()
    place = home / ".docker/contexts/meta" / directory
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps(meta))
    if current:
        (home / ".docker/config.json").write_text(json.dumps({"currentContext": name, "auths": {}}))
    return home / ".docker/contexts/tls" / directory / "docker"


def test_the_default_socket_is_used_when_nothing_is_said(tmp_path: Path) -> None:
    found = find_endpoint(override=None, environ={}, home=str(tmp_path))
    assert found == Endpoint(url="unix:///var/run/docker.sock", source="default")
    assert not found.remote


def test_the_order_is_flag_then_host_then_context(tmp_path: Path) -> None:
    make_context(tmp_path, "lab", {"Name": "lab", "Endpoints": {"docker": {"Host": "unix:///run/lab.sock"}}})
    make_context(tmp_path, "other", {"Endpoints": {"docker": {"Host": "ssh://me@box"}}}, current=False)
    home = str(tmp_path)
    environ = {"DOCKER_CONTEXT": "other", "DOCKER_HOST": "tcp://10.0.0.1:2375"}
    assert find_endpoint(override="unix:///x.sock", environ=environ, home=home).source == "--docker-host"
    assert find_endpoint(override=None, environ=environ, home=home).url == "tcp://10.0.0.1:2375"
    del environ["DOCKER_HOST"]
    other = find_endpoint(override=None, environ=environ, home=home)
    assert (other.url, other.source, other.remote) == ("ssh://me@box", "docker context other", True)
    assert find_endpoint(override=None, environ={}, home=home).url == "unix:///run/lab.sock"
    assert find_endpoint(override=None, environ={"DOCKER_CONTEXT": "default"}, home=home).source == "default"


def test_docker_config_moves_the_directory(tmp_path: Path) -> None:
    make_context(tmp_path, "lab", {"Endpoints": {"docker": {"Host": "unix:///run/lab.sock"}}})
    environ = {"DOCKER_CONFIG": str(tmp_path / ".docker")}
    assert find_endpoint(override=None, environ=environ, home="/nowhere").url == "unix:///run/lab.sock"


def test_a_context_brings_its_tls_files(tmp_path: Path) -> None:
    meta = {"Endpoints": {"docker": {"Host": "tcp://h:2376", "SkipTLSVerify": False}}}
    tls = make_context(tmp_path, "lab", meta)
    tls.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tls / name).write_text("")
    found = find_endpoint(override=None, environ={}, home=str(tmp_path))
    assert found.tls == Tls(
        ca=str(tls / "ca.pem"), certificate=str(tls / "cert.pem"), key=str(tls / "key.pem")
    )


def test_the_classic_tls_variables_are_obeyed(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = find_endpoint(override=None, environ=environ, home="/nowhere")
    assert found.tls == Tls(ca="", certificate="", key="", verify=True)


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="'gone'") as caught:
        find_endpoint(override=None, environ={"DOCKER_CONTEXT": "gone"}, home=str(tmp_path))
    assert caught.value.code == "E_DOCKER_CONTEXT"


@pytest.mark.parametrize(
    "config",
    ['{"currentContext": 3}', '{"currentContext": "a", "currentContext": "b"}', "{", "[" * 500],
)
def test_a_broken_configuration_is_told(tmp_path: Path, config: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(config)
    with pytest.raises(ReprocheckError) as caught:
        find_endpoint(override=None, environ={}, home=str(tmp_path))
    assert (caught.value.code, caught.value.exit_code) == ("E_DOCKER_CONTEXT", 3)
    assert "config.json" in caught.value.message


@pytest.mark.parametrize("meta", [{}, {"Endpoints": []}, {"Endpoints": {"docker": {"Host": 1}}}, []])
def test_a_context_without_an_endpoint_is_told(tmp_path: Path, meta: object) -> None:
    make_context(tmp_path, "lab", meta)
    with pytest.raises(CouldNotRun) as caught:
        find_endpoint(override=None, environ={}, home=str(tmp_path))
    assert caught.value.code == "E_DOCKER_CONTEXT"


@pytest.mark.parametrize(
    "url",
    [
        "docker.sock",
        "file:///etc/passwd",
        "unix://",
        "ssh://-oProxyCommand=x",
        "ssh://-l@h",
        "tcp://\x1b[2J",
        "ssh://[",
    ],
)
def test_an_address_of_no_engine_is_refused(url: str) -> None:
    with pytest.raises(UsageFault) as caught:
        find_endpoint(override=url, environ={}, home="/nowhere")
    assert caught.value.code == "E_DOCKER_HOST"


def test_a_socket_that_is_not_there_is_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="No such file or directory") as caught:
        connect(Endpoint(url=f"unix://{tmp_path}/no.sock", source="default"), limits=DEFAULT)
    assert caught.value.code == "E_NO_DAEMON"
    assert "systemctl start docker" in caught.value.hint


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(CouldNotRun) as caught:
        connect(Endpoint(url="tcp://me:hunter2@127.0.0.1:1", source="DOCKER_HOST"), limits=DEFAULT)
    assert caught.value.code == "E_NO_DAEMON"
    assert "hunter2" not in str(caught.value)
