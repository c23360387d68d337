"""What the real tools write about the fixture images, held against our own manifest of the same image."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprocheck.api.foreign import check_lock, read_side
from reprocheck.codec import decode_manifest
from reprocheck.compare import compare
from reprocheck.compare.coverage import common, merge
from reprocheck.limits import DEFAULT
from reprocheck.model.change import Delta
from reprocheck.model.manifest import Manifest

SMALL_A = "reprocheck-fixture/small-a"
TRAIN = "reprocheck-fixture/train"


def run(argv: list[str]) -> bytes:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=300).stdout


@functools.lru_cache
def within(image: str, *argv: str) -> bytes:
    """Return what a program prints in a container of an image."""
    return run(["docker", "run", "--rm", "--network", "none", "--entrypoint", "", image, *argv])


@functools.lru_cache
def manifest_of(image: str) -> Manifest:
    """Snapshot an image."""
    raw = run([sys.executable, "-m", "reprocheck", "snapshot", f"docker:{image}"])
    return decode_manifest(raw, where=image)


def held_against(image: str, raw: bytes) -> tuple[Manifest, Delta]:
    document = read_side(raw, where="document", limits=DEFAULT)
    shared = common(manifest_of(image), document)
    return document, merge(compare(shared.first, shared.second), shared)


@pytest.mark.docker
@pytest.mark.syft
@pytest.mark.parametrize("form", ["syft-json", "cyclonedx-json", "spdx-json"])
def test_an_sbom_of_an_image_has_no_false_difference(form: str, tmp_path: Path) -> None:
    from reprocheck.engine.syft import find_syft

    archive = tmp_path / "image.tar"
    run(["docker", "save", "-o", str(archive), SMALL_A])
    syft = find_syft(os.environ)
    assert syft is not None
    raw = run([syft, "scan", "-q", f"docker-archive:{archive}", "-o", form])
    document, delta = held_against(SMALL_A, raw)
    assert delta.differences == ()
    ours = {(package.type, package.version) for package in manifest_of(SMALL_A).packages}
    assert ours <= {(package.type, package.version) for package in document.packages}
    covers = document.source.covers
    assert covers is not None
    assert {"os.id", "packages.architecture", "packages.location"} <= set(covers.facts)


@pytest.mark.docker
@pytest.mark.parametrize("command", ["freeze", "inspect", "list --format=json"])
@pytest.mark.parametrize("image", [SMALL_A, TRAIN])
def test_what_pip_lists_in_a_container_has_no_false_difference(image: str, command: str) -> None:
    document, delta = held_against(image, within(image, "pip", *command.split()))
    assert delta.differences == ()
    assert len(document.packages) >= 6
    assert delta.unknowns


@pytest.mark.docker
def test_what_pip_lists_of_another_image_differs() -> None:
    _, delta = held_against(SMALL_A, within(TRAIN, "pip", "freeze"))
    assert "torch" in {difference.name for difference in delta.differences}


@pytest.mark.docker
def test_the_report_of_collect_env_has_no_false_difference() -> None:
    text = within(TRAIN, "python3", "-m", "torch.utils.collect_env")
    document, delta = held_against(TRAIN, text)
    assert delta.differences == ()
    assert [framework.name for framework in document.frameworks] == ["torch"]
    assert document.source.covers is not None
    assert {"frameworks.torch", "os.libc", "os.name", "pythons.version"} <= set(document.source.covers.facts)
    _, delta = held_against(TRAIN, text.replace(b"PyTorch version: 2", b"PyTorch version: 1"))
    assert ("frameworks", "torch") in {(one.section, one.name) for one in delta.differences}


@pytest.mark.docker
def test_an_image_is_what_its_own_freeze_locks_and_not_what_another_one_does() -> None:
    frozen = within(SMALL_A, "pip", "freeze")
    report = check_lock(manifest_of(SMALL_A), frozen, name="requirements.txt", limits=DEFAULT)
    assert (report.verdict, report.checked) == ("identical", len(frozen.splitlines()))
    moved = frozen.replace(b"numpy==", b"numpy==0.") + b"not-there==1.0\n"
    report = check_lock(manifest_of(SMALL_A), moved, name="requirements.txt", limits=DEFAULT)
    assert [(one.kind, one.name) for one in report.differences] == [
        ("missing", "not-there"),
        ("version", "numpy"),
    ]
