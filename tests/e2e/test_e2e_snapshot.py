"""Snapshots: complete, the same through every source, and without executing anything of the image."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import (
    SMALL_A,
    Desk,
    assert_packages_match,
    derived_image,
    docker,
    events_since,
    image_id,
)

pytestmark = pytest.mark.docker

# Without this capability the kernel hides the overlay's own marks, so that the image must be exported.
UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin") if os.geteuid() == 0 else ()
OVERLAY = "overlay" if os.geteuid() == 0 else "export"


@pytest.fixture(scope="module")
def direct(desk: Desk) -> Any:
    return desk.snapshot(SMALL_A)


@pytest.fixture(scope="module")
def exported(desk: Desk) -> Any:
    return desk.snapshot(SMALL_A, under=UNPRIVILEGED)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `docker export` gives, unpacked by tar."""
    directory = tmp_path_factory.mktemp("rootfs")
    made = docker("create", SMALL_A)
    try:
        with subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE) as export:
            unpack = ["tar", "-x", "-C", str(directory), "--exclude=dev/*"]
            subprocess.run(unpack, stdin=export.stdout, check=True)
        yield directory
    finally:
        docker("rm", "--force", made)
        subprocess.run(["rm", "-rf", str(directory)], check=True)


def test_the_package_list_is_the_image_s_own(direct: Any) -> None:
    assert_packages_match(SMALL_A, direct)


def test_identity_is_what_the_engine_says(direct: Any) -> None:
    """Layers and configuration as `docker image inspect` has them; the tag is no part of the identity."""
    told = json.loads(docker("image", "inspect", SMALL_A))[0]
    image = direct["image"]
    assert image["diff_ids"] == told["RootFS"]["Layers"]
    assert (image["os"], image["architecture"]) == (told["Os"], told["Architecture"])
    assert image["command"] == told["Config"]["Cmd"]
    assert image["working_dir"] == told["Config"]["WorkingDir"]
    assert direct["source"]["config_digest"] == told["Id"]
    declared = {f"{v['name']}={v['value']}" for v in direct["environment"] if v["origin"] == "image"}
    assert declared == set(told["Config"]["Env"])


@pytest.mark.syft
def test_two_snapshots_are_byte_identical(desk: Desk) -> None:
    first = desk.call("snapshot", SMALL_A, "-o", "first.json")
    second = desk.call("snapshot", SMALL_A, "-o", "second.json")
    assert first.stdout == second.stdout == ""
    assert (desk.work / "first.json").read_bytes() == (desk.work / "second.json").read_bytes()


@pytest.mark.syft
def test_syft_is_shown_the_same_through_overlay_and_export(desk: Desk) -> None:
    """The cross-check is made on both ways, and finds nothing that our own readers missed."""
    ways = [desk.call("snapshot", SMALL_A, under=under).json() for under in ((), UNPRIVILEGED)]
    assert [manifest["unknowns"] for manifest in ways] == [[], []]
    assert ways[0]["observation"] == ways[1]["observation"]
    assert "disagreements" not in ways[0]["observation"]


def test_overlay_and_export_give_the_same_content(direct: Any, exported: Any) -> None:
    assert direct["source"]["reader"] == OVERLAY
    assert exported["source"]["reader"] == "export"
    for manifest in (direct, exported):
        manifest["source"].pop("reader")
    assert direct == exported


def test_an_unpacked_export_holds_the_same_packages(desk: Desk, direct: Any, unpacked: Path) -> None:
    rootfs = desk.snapshot(f"rootfs:{unpacked}")
    assert rootfs.get("image") is None
    for section in ("packages", "libraries", "os", "pythons"):
        assert rootfs[section] == direct[section], section


def test_every_name_of_an_image_leads_to_the_same_digests(desk: Desk, direct: Any) -> None:
    identifier = image_id(SMALL_A)
    short = identifier.removeprefix("sha256:")[:12]
    for name in (f"{SMALL_A}:latest", identifier, short, f"docker:{SMALL_A}", f"docker:image:{short}"):
        assert desk.snapshot(name)["digests"] == direct["digests"], name


@pytest.mark.parametrize("under", [(), UNPRIVILEGED], ids=["overlay", "export"])
def test_nothing_of_the_image_is_executed(desk: Desk, under: tuple[str, ...]) -> None:
    """The engine's own log of an image that nobody else uses: nothing started, nothing left."""
    with derived_image() as image:
        since = time.time()
        manifest = desk.snapshot(image, under=under)
        ours = [
            event["Action"]
            for event in events_since(since)
            if event["Type"] == "container" and event["Actor"]["Attributes"]["image"] == image
        ]
        left = docker("ps", "--all", "--quiet", "--filter", f"ancestor={image}")
    assert left == ""
    if manifest["source"]["reader"] == "overlay":
        assert ours == []
    else:
        assert ours[0] == "create"
        assert ours[-1] == "destroy"
        assert set(ours) <= {"create", "export", "destroy"}
