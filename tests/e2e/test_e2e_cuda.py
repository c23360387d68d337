"""The CUDA stack and the dynamic loader's choices, held against the loader inside the containers."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tests.collect.elf_files import AARCH64, I386, X86_64, shared_object
from tests.e2e.harness import ROOT, Desk, derived_image, docker

pytestmark = pytest.mark.docker

CUDA = "reprocheck-fixture/cuda"
BOOKWORM = "reprocheck-fixture/bookworm"
SITE = "/usr/local/lib/python3.11/dist-packages"
CONSUMER = f"{SITE}/consumer/_C.cpython-311-x86_64-linux-gnu.so"
UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin") if os.geteuid() == 0 else ()


@pytest.fixture(scope="module")
def image() -> str:
    """The image with NVIDIA's wheels, which no other test needs; it is built when it is not there."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/fixture-images"), "cuda"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return CUDA


@pytest.fixture(scope="module")
def manifest(desk: Desk, image: str) -> Any:
    return desk.snapshot(image, "--no-cache")


def libraries(manifest: Any, kind: str) -> dict[str, Any]:
    return {item["path"]: item for item in manifest["libraries"] if item["kind"] == kind}


def loaded_by(image: str, *paths: str) -> dict[str, str]:
    """What the image's own loader takes for each library that shared objects need, links resolved."""
    each = 'case "$file" in /*) echo "$name $(readlink -f "$file")";; esac'
    listing = f'for one in {" ".join(paths)}; do ldd "$one"; done'
    script = f"{listing} | while read name arrow file rest; do {each}; done"
    lines = docker("run", "--rm", "--network", "none", image, "sh", "-c", script).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_every_copy_has_its_version_source_and_owner(manifest: Any) -> None:
    cudnn = libraries(manifest, "cudnn")
    wheel = cudnn[f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"]
    assert (wheel["version"], wheel["source"]) == ("9.1.0.70", "wheel")
    assert wheel["owner"] == "pkg:pypi/nvidia-cudnn-cu12@9.1.0.70"
    second = cudnn["/opt/cudnn/lib/libcudnn.so.9"]
    assert (second["version"], second["source"]) == ("9.12.0", "cudnn_version.h")
    assert "owner" not in second
    assert wheel["soname"] == second["soname"] == "libcudnn.so.9"
    assert wheel["sha256"] != second["sha256"]
    assert wheel["build_id"] != second["build_id"]
    expected = {
        "cuda-runtime": ("libcudart.so.12", "12.4.127", "nvidia-cuda-runtime-cu12"),
        "cublas": ("libcublas.so.12", "12.4.5.8", "nvidia-cublas-cu12"),
        "nccl": ("libnccl.so.2", "2.21.5", "nvidia-nccl-cu12"),
    }
    for kind, (name, version, owner) in expected.items():
        found = next(item for item in libraries(manifest, kind).values() if item["name"] == name)
        assert (found["version"], found["source"]) == (version, "wheel")
        assert found["owner"] == f"pkg:pypi/{owner}@{version}"
    assert manifest["unknowns"] == []


def test_digests_and_owners_are_the_image_s_own(image: str, manifest: Any) -> None:
    hashed = [item for item in manifest["libraries"] if item.get("sha256")]
    paths = " ".join(item["path"] for item in hashed)
    told = docker("run", "--rm", "--network", "none", image, "sh", "-c", f"sha256sum {paths}")
    assert {tuple(line.split()) for line in told.splitlines()} == {
        (item["sha256"], item["path"]) for item in hashed
    }
    assert {"libcudart.so.12", "libcudnn.so.9", "libm.so.6"} <= {item["name"] for item in hashed}


def test_the_loader_takes_what_we_say_it_would(image: str, manifest: Any) -> None:
    """The second cuDNN by LD_LIBRARY_PATH, before what the consumer's DT_RUNPATH names."""
    real = loaded_by(image, CONSUMER)
    ours = {row["soname"]: row for row in manifest["loading"] if row["consumer"] == CONSUMER}
    needed = ("libcublas.so.12", "libcudart.so.12", "libcudnn.so.9", "libnccl.so.2")
    assert {name: ours[name]["path"] for name in needed} == {name: real[name] for name in needed}
    assert ours["libcudnn.so.9"] == {
        "soname": "libcudnn.so.9",
        "consumer": CONSUMER,
        "path": "/opt/cudnn/lib/libcudnn.so.9",
        "rule": "LD_LIBRARY_PATH",
        "shadowed": [f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"],
    }
    assert ours["libcublas.so.12"]["rule"] == "runpath"


def test_the_second_cudnn_finds_no_partner(image: str, manifest: Any) -> None:
    """A part of one release in front of another: the loader has no libcudnn_graph for it."""
    (row,) = [
        row
        for row in manifest["loading"]
        if row["soname"] == "libcudnn_graph.so.9" and row["consumer"].startswith("/opt/cudnn/")
    ]
    assert (row["path"], row["rule"]) == ("", "none")
    assert "libcudnn_graph.so.9" not in loaded_by(image, row["consumer"])


def test_overlay_and_export_tell_the_same(desk: Desk, image: str, manifest: Any) -> None:
    exported = desk.snapshot(image, "--no-cache", under=UNPRIVILEGED)
    assert exported["source"]["reader"] == "export"
    assert exported["digests"]["content"] == manifest["digests"]["content"]
    for section in ("libraries", "loading", "packages"):
        assert exported[section] == manifest[section], section


@dataclass(frozen=True, kw_only=True)
class Case:
    """A consumer, and the directories that hold a copy of what it needs."""

    copies: tuple[str, ...]
    rpath: str = ""
    runpath: str = ""
    rule: str


CASES = (
    Case(copies=("/usr/lib", "/opt/cached"), rule="cache"),
    Case(copies=("/opt/cached", "/opt/cached/glibc-hwcaps/x86-64-v2"), rule="cache"),
    Case(copies=("/llp", "/r", "/opt/cached"), runpath="/r", rule="LD_LIBRARY_PATH"),
    Case(copies=("/llp", "/r", "/opt/cached"), rpath="/r", rule="rpath"),
    Case(copies=("/llp", "/r"), rpath="/r", runpath="/missing", rule="LD_LIBRARY_PATH"),
    Case(copies=("/r", "/r/glibc-hwcaps/x86-64-v2", "/opt/cached"), runpath="/r", rule="runpath"),
    Case(copies=("/probe/own", "/opt/cached"), runpath="$ORIGIN/own", rule="runpath"),
    Case(copies=("/r/lib/x86_64-linux-gnu", "/opt/cached"), runpath="/r/${LIB}", rule="runpath"),
    Case(copies=("!/r", "/opt/cached"), runpath="/r", rule="cache"),
    Case(copies=("/usr/lib/x86_64-linux-gnu",), rule="cache"),
    Case(copies=("-/lib",), rule="default"),
    Case(copies=("/nowhere",), rule="none"),
    Case(copies=("!/opt/cached", "/usr/lib/x86_64-linux-gnu"), rule="cache"),
)
"""`!` marks a copy of another class, `-` one that came after ldconfig had run."""


def test_cache_library_path_rpath_and_hwcaps_as_the_container_s_loader(desk: Desk) -> None:
    machine = {"x86_64": X86_64, "aarch64": AARCH64}[os.uname().machine]
    first = ["mkdir -p /probe; echo /opt/cached > /etc/ld.so.conf.d/probe.conf"]
    last: list[str] = []

    def put(path: str, raw: bytes) -> str:
        text = base64.b64encode(raw).decode("ascii")
        return f"mkdir -p {os.path.dirname(path)}; echo {text} | base64 -d > {path}"

    for index, case in enumerate(CASES):
        soname = f"libopenblas_case{index}.so.7"
        consumer = shared_object(needed=(soname,), rpath=case.rpath, runpath=case.runpath, machine=machine)
        first.append(put(f"/probe/libtorch_case{index}.so", consumer))
        for copy in case.copies:
            raw = shared_object(soname=soname, machine=machine)
            if copy.startswith("!"):
                raw = shared_object(soname=soname, bits=32, machine=I386)
            (last if copy.startswith("-") else first).append(put(f"{copy.lstrip('!-')}/{soname}", raw))
    steps = "\n".join(["set -e", *first, "ldconfig", *last]).encode()
    script = base64.b64encode(steps).decode("ascii")
    lines = (f"RUN echo {script} | base64 -d | sh", "ENV LD_LIBRARY_PATH=/llp")
    with derived_image(*lines, base=BOOKWORM) as image:
        rows = desk.snapshot(image, "--no-cache")["loading"]
        real = loaded_by(image, *(f"/probe/libtorch_case{index}.so" for index in range(len(CASES))))
    ours = {row["soname"]: row for row in rows if "_case" in row["soname"]}
    for index, case in enumerate(CASES):
        row = ours[f"libopenblas_case{index}.so.7"]
        assert row["path"] == real.get(row["soname"], ""), (case, row)
        assert row["rule"] == case.rule, (case, row)
