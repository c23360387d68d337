"""The probe script in real Pythons: one file, no package, and the same answer as a local snapshot."""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reprocheck.api.sight import wanted_by_either
from reprocheck.collect import wanted_library
from reprocheck.collect.elf import library_reader, probed_library
from reprocheck.collect.probe_settings import probe_settings
from reprocheck.engine.directory import open_directory
from reprocheck.engine.probe_result import read_probe
from reprocheck.engine.probe_script import probe_script
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT
from reprocheck.ports import Interest, ViewError
from tests.e2e.harness import Desk
from tests.observer.interpreters import interpreters, modern

SETTINGS = json.loads(probe_settings(DEFAULT))
SCRIPT = probe_script(probe_settings(DEFAULT))


def probe(python: str, place: Path, *arguments: str, **environ: str) -> Path:
    """Run the script and return the result's path."""
    script = place / "probe.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [python, str(script), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(place), **environ},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    result = place / "result.json"
    result.write_bytes(done.stdout)
    return result


@pytest.mark.skipif("2.7" not in interpreters(), reason="no Python 2.7")
def test_python_2_is_refused_in_one_line(tmp_path: Path) -> None:
    script = tmp_path / "probe.py"
    script.write_text(SCRIPT)
    done = subprocess.run([interpreters()["2.7"], str(script)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"reprocheck_probe.py needs Python 3.6 or later, and this is 2.7\n"


def test_the_script_is_python_3_6_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(SCRIPT, feature_version=(3, 6))
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("version", modern())
def test_every_python_gives_the_content_of_a_local_snapshot(version: str, tmp_path: Path) -> None:
    python = interpreters()[version]
    # A shim on PATH may ask for more than it is; the interpreter itself stands first.
    desk = Desk.at(tmp_path / "other", PATH=f"{Path(python).parent}:{os.environ['PATH']}")
    result = probe(python, tmp_path)
    here = desk.call("snapshot", "local", "--no-syft", "--no-code", "-o", "-", expect=None).json()
    there = desk.call("snapshot", f"probe:{result}", "--no-syft", "-o", "-", expect=None).json()

    for section in ("os", "packages", "pythons", "libraries", "frameworks", "wheels", "remnants"):
        assert there.get(section) == here.get(section), section
    assert there["digests"]["content"] == here["digests"]["content"]
    assert there["host"] == here["host"]
    assert there["unknowns"] == here["unknowns"]
    assert there["source"]["reader"] == "probe"


def test_secrets_and_values_of_other_variables_do_not_leave_the_machine(tmp_path: Path) -> None:
    result = probe(
        sys.executable,
        tmp_path,
        MY_TOKEN="tok-1234567890",
        OMP_NUM_THREADS="3",
        PRIVATE_NOTE="the cat is grey",
        HARMLESS="the dog is brown",
        TORCH_HOME_URL="https://user:pass-word@example.org/",
    )
    text = result.read_text()
    for hidden in ("tok-1234567890", "grey", "brown", "pass-word"):
        assert hidden not in text
    desk = Desk.at(tmp_path / "desk")
    manifest = desk.call("snapshot", f"probe:{result}", "--no-syft", "-o", "-", expect=None).json()
    states = {v["name"]: (v["value"], v.get("state", "recorded")) for v in manifest["environment"]}
    assert states["OMP_NUM_THREADS"] == ("3", "recorded")
    assert states["HARMLESS"] == (None, "withheld")
    assert states["MY_TOKEN"] == (None, "secret")
    assert states["TORCH_HOME_URL"] == (None, "secret")


def test_the_script_brings_every_file_that_a_reader_wants() -> None:
    """Over all that this machine's Python and system hold."""
    pattern, library = re.compile(SETTINGS["wanted"]), re.compile(SETTINGS["library"])
    roots = ("/etc", "/usr/lib", "/var/lib/dpkg", sys.prefix, sys.base_prefix)
    view = open_directory("/", only=roots, limits=DEFAULT)
    files = [path for path, entry in view.tree.entries.items() if entry.kind == "file"]
    wanted = [path for path in files if wanted_by_either(path)]

    assert len(wanted) > 20
    assert [path for path in wanted if not pattern.search(path)] == []
    assert [path for path in files if wanted_library(path) and not library.search(path)] == []


def test_its_shared_objects_are_read_as_a_disk_s_are(tmp_path: Path) -> None:
    """Soname, needs, run paths, build id, digest and version strings, over real libraries."""
    result = read_probe(str(probe(sys.executable, tmp_path)), read_library=probed_library, limits=DEFAULT)
    interest = Interest(keep=lambda _: False, library=wanted_library, read_library=library_reader(DEFAULT))
    disk = open_directory("/", only=("/usr/lib", sys.prefix), interest=interest, limits=DEFAULT)
    paths = [
        path
        for path, entry in disk.tree.entries.items()
        if entry.kind == "file" and wanted_library(path) and path in result.view.tree.entries
    ]
    compared = 0
    for path in paths[:200]:
        try:
            expected = disk.library(path)
        except ViewError as error:
            with pytest.raises(ViewError, match=re.escape(str(error))):
                result.view.library(path)
            continue
        assert result.view.library(path) == expected, path
        compared += 1
    assert compared


def test_a_directory_is_looked_through_as_a_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    info = root / "usr/lib/python3/dist-packages/demo-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    (root / "loop").symlink_to("loop")
    (root / os.fsdecode(b"bad-\xff-name")).write_bytes(b"")
    result = probe(sys.executable, tmp_path, "--root", str(root))
    desk = Desk.at(tmp_path / "desk")
    manifest = desk.call("snapshot", f"probe:{result}", "--no-syft", "-o", "-", expect=None).json()
    direct = desk.call("snapshot", f"rootfs:{root}", "--no-syft", "-o", "-", expect=None).json()

    assert [package["name"] for package in manifest["packages"]] == ["demo"]
    assert manifest["digests"]["content"] == direct["digests"]["content"]
    assert manifest["environment"] == []


def test_credentials_in_metadata_stay_behind(tmp_path: Path) -> None:
    root = tmp_path / "root"
    info = root / "usr/lib/python3/dist-packages/demo-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(
        json.dumps({"url": "https://bob:pass-word@example.org/x.git", "vcs_info": {"vcs": "git"}})
    )
    result = read_probe(
        str(probe(sys.executable, tmp_path, "--root", str(root))),
        read_library=probed_library,
        limits=DEFAULT,
    )
    path = "/usr/lib/python3/dist-packages/demo-1.0.dist-info/direct_url.json"

    assert b"https://example.org/x.git" in result.view.read(path, 1000)


GOOD: dict[str, Any] = {
    "schema": "reprocheck-probe/1",
    "root": True,
    "python": {"prefix": "/usr"},
    "architecture": "x86_64",
    "environment": [],
    "entries": [["/etc", "directory", 0, 0o755, ""]],
    "files": [],
    "libraries": [],
    "unreadable": [],
    "machine": {},
    "nvidia_smi": None,
    "nvidia_compute": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "reprocheck-probe/2"},
        {"entries": [["etc", "file", 0, 0, ""]]},
        {"entries": [["/a/../b", "file", 0, 0, ""]]},
        {"entries": [["/a", "file", -1, 0, ""]]},
        {"entries": [["/a", "socket", 0, 0, ""]]},
        {"entries": [["/a", "file", True, 0, ""]]},
        {"entries": [["/a"]]},
        {"entries": None},
        {"environment": [["A", "1", "public"]]},
        {"environment": [[{"b64": "///"}, None, "withheld"]]},
        {"files": [["/a"]]},
        {"libraries": [["/a", {"size": -1, "pieces": [], "sha256": "", "strings": []}]]},
        {"libraries": [["/a", {"size": 1, "pieces": [[-1, "eJw="]], "sha256": "", "strings": []}]]},
        {"libraries": [["/a", {"size": 1, "pieces": [], "sha256": "x", "strings": []}]]},
        {"machine": {"/proc/cpuinfo": "not base64!"}},
        {"nvidia_smi": "AAAA"},
        {"python": []},
    ],
)
def test_a_result_that_no_script_wrote_is_refused_with_its_place(
    change: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**GOOD, **change}))
    desk = Desk.at(tmp_path / "desk")
    answer = desk.call("snapshot", f"probe:{path}", "--no-syft", expect=2)

    assert answer.stderr.startswith("error E_PROBE:") or "E_PROBE" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_damaged_files_in_a_result_are_unknowns_and_the_rest_is_kept(tmp_path: Path) -> None:
    entries = [["/etc", "directory", 0, 0o755, ""], ["/etc/os-release", "file", 5, 0o644, ""]]
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**GOOD, "entries": entries, "files": [["/etc/os-release", "eJwAAA=="]]}))
    desk = Desk.at(tmp_path / "desk")
    manifest = desk.call("snapshot", f"probe:{path}", "--no-syft", "-o", "-", expect=4).json()

    assert ("/etc/os-release", "is damaged in the probe's result") in [
        (item["where"], item["reason"]) for item in manifest["unknowns"]
    ]


def test_machine_files_cannot_leave_their_directory(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    packed = "eJzLSM3JyQcABiwCFQ=="  # hello
    names = [
        "/proc/../../../../../../tmp/reprocheck-escaped",
        "/etc/reprocheck-escaped",
        "/proc//x",
        "/proc/..",
    ]
    path.write_text(json.dumps({**GOOD, "machine": dict.fromkeys(names, packed)}))
    desk = Desk.at(tmp_path / "desk")
    desk.call("snapshot", f"probe:{path}", "--no-syft", "-o", "-", expect=4)

    assert not Path("/tmp/reprocheck-escaped").exists()
    assert not Path("/etc/reprocheck-escaped").exists()


def test_a_small_result_does_not_unpack_to_any_size(tmp_path: Path) -> None:
    """All that is unpacked counts against one limit: shared objects at once, files as they are read."""
    packed = base64.b64encode(zlib.compress(bytes(1 << 20), 9)).decode("ascii")
    row = {"size": 1 << 20, "sha256": "", "strings": [], "pieces": [[0, packed]] * 40}
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**GOOD, "libraries": [["/a.so", row]]}))
    limits = replace(DEFAULT, retained_total=32 << 20)
    with pytest.raises(CouldNotRun, match="retained_total"):
        read_probe(str(path), read_library=probed_library, limits=limits)

    names = [f"/f{number}" for number in range(40)]
    entries = [[name, "file", 1 << 20, 0o644, ""] for name in names]
    path.write_text(json.dumps({**GOOD, "entries": entries, "files": [[name, packed] for name in names]}))
    view = read_probe(str(path), read_library=probed_library, limits=limits).view
    for _ in range(40):  # the same bytes again count once
        assert len(view.read("/f0", 1 << 20)) == 1 << 20
    with pytest.raises(CouldNotRun, match="retained_total"):
        b"".join(view.read(name, 1 << 20) for name in names)


@pytest.mark.parametrize(
    "names",
    [
        ("/proc/a", "/proc/a/b"),
        ("/proc/a/b", "/proc/a"),
        ("/proc/" + "é" * 100, "/proc/\ue000", "/proc/a\nb"),
        ("/proc/self/" + "/".join(["x" * 250] * 13),),
    ],
)
def test_machine_files_of_odd_names_are_passed_over(names: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**GOOD, "machine": dict.fromkeys(names, "eJzLSM3JyQcABiwCFQ==")}))
    desk = Desk.at(tmp_path / "desk")
    desk.call("snapshot", f"probe:{path}", "--no-syft", "-o", "-", expect=4)
