"""What a run really loads: `run --observe` and `snapshot --probe`, and that neither changes anything."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from tests.e2e.harness import COMMAND, DATA, SMALL_A, TRAIN, Desk, container

pytestmark = pytest.mark.docker

HANDED_IN = ("--input", f"{DATA}:/data", "--output", "/out/")


# Without these capabilities the kernel shows no other user's mappings.
BLIND = ("setpriv", "--bounding-set=-sys_admin,-sys_ptrace") if os.geteuid() == 0 else ()


def by_name(manifest: Any) -> dict[str, Any]:
    """Loaded libraries by file name."""
    return {library["path"].rpartition("/")[2]: library for library in manifest["loaded"]["libraries"]}


def recorded(desk: Desk, name: str, *argv: str, program: tuple[str, ...] = COMMAND) -> Any:
    """A record, whatever else of the environment was not seen."""
    desk.call("run", "--no-syft", *argv, "-o", name, "--", *program, expect=None)
    return desk.read(name)


@pytest.mark.parametrize("image", [SMALL_A, TRAIN])
def test_an_observed_training_gives_the_same_bytes(desk: Desk, image: str) -> None:
    stem = image.rpartition("/")[2]
    plain = recorded(desk, f"{stem}-plain.json", "--image", image, *HANDED_IN)
    seen = recorded(desk, f"{stem}-seen.json", "--image", image, "--observe", *HANDED_IN)
    assert plain["run"] == seen["run"]
    assert plain["digests"]["content"] == seen["digests"]["content"]
    assert plain["environment"] == seen["environment"]
    assert "loaded" not in plain
    assert [u for u in seen["unknowns"] if u["section"] == "loaded"] == []


def test_an_observed_record_names_what_was_loaded_and_verifies(desk: Desk) -> None:
    manifest = desk.record("observed.json", "--image", SMALL_A, "--observe", *HANDED_IN)
    loaded = manifest["loaded"]
    assert loaded["observer"] == "reprocheck hook 1 + /proc maps"
    assert [(p["executable"], p["seen"]) for p in loaded["processes"]] == [("/usr/bin/python3.11", "both")]
    libraries = by_name(manifest)
    (blas,) = [item for name, item in libraries.items() if name.startswith("libscipy_openblas64_")]
    assert blas["kind"] == "openblas"
    assert blas["owner"].startswith("pkg:pypi/numpy@")
    assert blas["origin"] == "image"
    assert len(blas["sha256"]) == 64
    assert libraries["libc.so.6"]["owner"].startswith("pkg:deb/debian/libc6@")
    modules = {module["name"]: module for module in loaded["modules"]}
    assert modules["sklearn"]["distribution"] == "scikit-learn"
    assert modules["numpy"]["version"]
    assert "distribution" not in modules["json"]
    state = {flag["name"]: flag["value"] for flag in loaded["state"]}
    assert state["sys.flags.hash_randomization"] == "0"
    assert any(name.endswith(":corename") for name in state)
    receipt = desk.verify("observed.json", "--input", f"/data={DATA}")
    assert receipt["verdict"] == "identical"


def test_an_observed_local_run_tells_the_same_without_the_chance_in_its_places(desk: Desk) -> None:
    (desk.work / "part.py").write_text("VALUE = 1\n", encoding="utf-8")
    program = "import part, os; os.mkdir('out'); open('out/x', 'w').write(str(part.VALUE))"
    command = (sys.executable, "-c", program)
    options = ("--engine", "local", "--observe", "--input", "part.py", "--output", "out")
    first = recorded(desk, "local-first.json", *options, program=command)
    second = recorded(desk, "local-second.json", *options, program=command)
    assert [module for module in first["loaded"]["modules"] if module["name"] == "part"] == [
        {"name": "part", "path": "part.py"}
    ]
    assert first["loaded"]["modules"] == second["loaded"]["modules"]
    assert first["loaded"]["libraries"] == second["loaded"]["libraries"]


def test_a_second_copy_on_the_search_path_of_the_loader_is_what_was_loaded(desk: Desk) -> None:
    """Installed in one place, loaded from another: the record says which, and that the run wrote it."""
    program = (
        "import os, shutil, subprocess, sys\n"
        "os.makedirs('/out', exist_ok=True); os.makedirs('/opt/other')\n"
        "shutil.copy('/usr/lib/x86_64-linux-gnu/libz.so.1', '/opt/other/libz.so.1')\n"
        "subprocess.check_call([sys.executable, '-c', 'import zlib, time; time.sleep(1)'],"
        " env={**os.environ, 'LD_LIBRARY_PATH': '/opt/other'})\n"
        "open('/out/x', 'w').write('1')\n"
    )
    command = ("python3", "-c", program)
    manifest = desk.record("copy.json", "--image", SMALL_A, "--observe", "--output", "/out/", command=command)
    library = by_name(manifest)["libz.so.1"]
    assert (library["path"], library["origin"]) == ("/opt/other/libz.so.1", "run")
    assert library["sha256"]
    assert "owner" not in library


def test_a_running_container_is_probed_from_outside(desk: Desk) -> None:
    program = ("python3", "-c", "import numpy, time; time.sleep(120)")
    with container(SMALL_A, program=program, wait=False) as name:
        manifest = desk.snapshot(name, "--probe")
        for _ in range(20):  # until it has imported numpy
            if any("openblas" in library["path"] for library in manifest["loaded"]["libraries"]):
                break
            manifest = desk.snapshot(name, "--probe")
        assert manifest["loaded"]["observer"] == "/proc maps"
        assert [p["python"] for p in manifest["loaded"]["processes"]] == ["3.11.2"]
        assert by_name(manifest)["libc.so.6"]["owner"].startswith("pkg:deb/")
    assert manifest["run"]["exit_code"] is None


@pytest.mark.parametrize("target", [SMALL_A, "", "rootfs:."])
def test_what_has_no_processes_cannot_be_probed(desk: Desk, target: str) -> None:
    answer = desk.call("snapshot", *([target] if target else []), "--probe", expect=2)
    assert "E_PROBE_TARGET" in answer.stderr


def test_a_container_that_has_ended_cannot_be_probed(desk: Desk) -> None:
    with container(SMALL_A, program=("true",)) as name:
        answer = desk.call("snapshot", name, "--no-syft", "--probe", expect=2)
    assert "E_PROBE_NOT_RUNNING" in answer.stderr


def test_without_the_right_to_look_the_hook_alone_tells_a_single_process(desk: Desk) -> None:
    program = ("python3", "-c", "import json; open('/out/x', 'w').write('1')")
    options = ("--image", SMALL_A, "--observe", "--user", "65534", "--output", "/out/")
    argv = ("run", "--no-syft", *options, "-o", "observed-alone.json", "--", *program)
    desk.call(*argv, under=BLIND)
    manifest = desk.read("observed-alone.json")
    assert manifest["loaded"]["observer"] == "reprocheck hook 1"
    assert [p["seen"] for p in manifest["loaded"]["processes"]] == ["hook"]
    assert by_name(manifest)["libc.so.6"]["build_id"]


def test_without_the_right_to_look_its_children_are_unknown(desk: Desk) -> None:
    program = ("python3", "-c", "import os; os.system('sleep 1'); open('/out/x', 'w').write('1')")
    options = ("--image", SMALL_A, "--observe", "--user", "65534", "--output", "/out/")
    argv = ("run", "--no-syft", *options, "-o", "children.json", "--", *program)
    desk.call(*argv, under=BLIND, expect=4)
    (unknown,) = desk.read("children.json")["unknowns"]
    assert (unknown["section"], unknown["where"]) == ("loaded", "child processes")


def test_without_the_right_to_look_a_probe_is_unknown(desk: Desk) -> None:
    with container("--user", "65534", SMALL_A, program=("sleep", "120"), wait=False) as name:
        manifest = desk.snapshot(name, "--probe", expect=4, under=BLIND)
    (unknown,) = [item for item in manifest["unknowns"] if item["section"] == "loaded"]
    assert unknown["where"] == "processes"
    assert "root" in unknown["reason"]
