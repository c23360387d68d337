"""Podman's Docker-compatible service in the place of Docker: the same image, the same answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.snapshot import SnapshotOptions
from reprocheck.api.snapshot_docker import snapshot_docker
from reprocheck.api.targets import Target
from tests.e2e.harness import COMMAND, SMALL_A, Desk
from tests.engine.real_podman import Podman, podman_service

pytestmark = [pytest.mark.docker, pytest.mark.podman]


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with podman_service() as service:
        service.load(SMALL_A)
        yield service


@pytest.fixture(scope="module")
def there(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A user whose engine is podman."""
    return Desk.at(tmp_path_factory.mktemp("podman") / "desk", DOCKER_HOST=podman.url)


def without_source(manifest: Any) -> Any:
    return {key: value for key, value in manifest.items() if key != "source"}


def test_the_manifest_is_docker_s_but_for_its_source(desk: Desk, there: Desk) -> None:
    """Every digest, the whole one too; the source says which engine it was, and only that."""
    ours, theirs = desk.snapshot(SMALL_A), there.snapshot(SMALL_A)
    assert without_source(theirs) == without_source(ours)
    assert theirs["source"].pop("engine").startswith("podman ")
    assert ours["source"].pop("engine").startswith("docker ")
    assert theirs["source"] == ours["source"]


def test_the_option_names_it_as_well(desk: Desk, podman: Podman) -> None:
    told = desk.snapshot(SMALL_A, "--docker-host", podman.url)
    assert told["source"]["engine"].startswith("podman ")


def test_an_entry_of_docker_serves_podman(tmp_path: Path, podman: Podman) -> None:
    """The cache knows images, not engines."""
    user = Desk.at(tmp_path / "desk", cache=True)
    user.snapshot(SMALL_A)
    kept = sorted(path for path in (user.directory / "home/.cache").rglob("*") if path.is_file())
    user.snapshot(SMALL_A, "--docker-host", podman.url)
    assert sorted(path for path in (user.directory / "home/.cache").rglob("*") if path.is_file()) == kept


def test_a_run_on_either_is_verified_on_the_other(desk: Desk, there: Desk) -> None:
    """`--output /out/` makes the directory: podman's root is closed to a program without capabilities."""
    options = ("--image", SMALL_A, "--input", "./data:/data", "--output", "/out/")
    ours = desk.record("for-podman.json", *options)
    theirs = there.record("for-docker.json", *options)
    assert ours["run"]["argv"] == theirs["run"]["argv"] == list(COMMAND)
    assert [output["sha256"] for output in ours["run"]["outputs"]] == [
        output["sha256"] for output in theirs["run"]["outputs"]
    ]
    data = ("--input", f"/data={desk.work / 'data'}")
    for reader, record in ((there, desk.work / "for-podman.json"), (desk, there.work / "for-docker.json")):
        receipt = reader.verify(str(record), *data, "--yes")
        assert (receipt["verdict"], receipt["level"]) == ("identical", "L0")


@pytest.mark.parametrize("name", [SMALL_A, f"localhost/{SMALL_A}:latest"])
def test_an_explicit_target_finds_the_service(podman: Podman, tmp_path: Path, name: str) -> None:
    outside = Outside(
        environ={"CONTAINER_HOST": podman.url, "PATH": os.environ["PATH"]},
        home=str(tmp_path),
        directory=str(tmp_path),
    )
    target = Target(scheme="podman", reference=name, kind="image")
    manifest = snapshot_docker(target, SnapshotOptions(with_syft=False), outside)
    assert manifest.source.engine.startswith("podman ")
    assert manifest.source.repo_digests == ()
