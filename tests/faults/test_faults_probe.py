"""Results of the probe script that are damaged or hostile: refused in one line, or unknown in one place."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import World, document
from tests.faults.test_faults_archives import EVIL, snapshot

OS = b"ID=debian\nVERSION_ID=12\n"


def packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw)).decode()


def bomb(size: int) -> str:
    pack = zlib.compressobj(9)
    block = bytes(1 << 20)
    raw = b"".join([*(pack.compress(block) for _ in range(size >> 20)), pack.flush()])
    return base64.b64encode(raw).decode()


def result() -> dict[str, Any]:
    """What the script writes of a root with a release file and nothing else."""
    return {
        "schema": "reprocheck-probe/1",
        "reprocheck": "0",
        "root": True,
        "python": {"executable": "/p", "version": "3.11.0", "prefix": "/usr", "base_prefix": "/usr"},
        "architecture": "x86_64",
        "environment": [],
        "entries": [["/etc", "directory", 0, 0o755, ""], ["/etc/os-release", "file", len(OS), 0o644, ""]],
        "files": [["/etc/os-release", packed(OS)]],
        "libraries": [],
        "unreadable": [],
        "machine": {},
        "nvidia_smi": None,
        "nvidia_compute": None,
    }


def given(world: World, place: Path, change: Callable[[dict[str, Any]], object], *options: str) -> Any:
    told = result()
    change(told)
    (place / "p.json").write_text(json.dumps(told), encoding="utf-8")
    return snapshot(world, f"probe:{place}/p.json", *options)


def test_the_good_one_is_taken(world: World, tmp_path: Path) -> None:
    """It brought no facts of a machine, which is said."""
    done = given(world, tmp_path, lambda told: None)
    assert done.code == 4, done
    manifest = document(world.cwd / "m.json")
    assert manifest["os"]["id"] == "debian"
    assert {unknown["section"] for unknown in manifest["unknowns"]} == {"host"}


RAW: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "E_JSON"),
    "garbage": (b"\xff\xfe\x00{", "E_JSON"),
    "another document": (b'{"schema_version": "1.0"}', "E_PROBE"),
    "a list": (b"[]", "E_PROBE"),
    "nested": (b"[" * 1_000_000, "E_JSON"),
    "cut short": (json.dumps(result()).encode()[:-20], "E_JSON"),
    "a schema of tomorrow": (b'{"schema": "reprocheck-probe/2"}', "E_PROBE"),
}


@pytest.mark.parametrize("kind", RAW)
def test_what_is_no_result_is_refused(world: World, tmp_path: Path, kind: str) -> None:
    raw, code = RAW[kind]
    (tmp_path / "p.json").write_bytes(raw)
    snapshot(world, f"probe:{tmp_path}/p.json").failed(2, code)
    world.check()


def row(*cells: object) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["entries"].append(list(cells))


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a path that goes up": row("/etc/../../../root", "file", 1, 0, ""),
    "a path without a slash": row("etc/passwd", "file", 1, 0, ""),
    "a path with a NUL": row("/a\0b", "file", 1, 0, ""),
    "a size below zero": row("/a", "file", -1, 0, ""),
    "a size that is true": row("/a", "file", True, 0, ""),
    "a mode too large": row("/a", "file", 1, 1 << 40, ""),
    "a kind of file unknown": row("/a", "door", 1, 0, ""),
    "a row too short": row("/a", "file"),
    "entries that are none": lambda told: told.update(entries={"/a": "file"}),
    "bytes that are no base64": lambda told: told.update(machine={"/proc/cpuinfo": "!!"}),
    "bytes that are not packed": lambda told: told.update(machine={"/proc/cpuinfo": "AAAA"}),
    "a machine file that unpacks without end": lambda told: told.update(
        machine={"/proc/cpuinfo": bomb(64 << 20)}
    ),
    "a name of other bytes that are none": row({"b64": "###"}, "file", 1, 0, ""),
    "a variable in a state unknown": lambda told: told.update(environment=[["A", "b", "shown"]]),
    "a library that is a number": lambda told: told.update(libraries=[["/a.so", 5]]),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_changed_results_are_refused(world: World, tmp_path: Path, kind: str) -> None:
    given(world, tmp_path, CHANGES[kind]).failed(2, "E_PROBE")
    world.check()


UNREAD: dict[str, Callable[[dict[str, Any]], object]] = {
    "damaged": lambda told: told.update(files=[["/etc/os-release", "AAAA"]]),
    "without end": lambda told: told.update(files=[["/etc/os-release", bomb(64 << 20)]]),
    "no text": lambda told: told.update(files=[["/etc/os-release", 7]]),
    "not brought": lambda told: told.update(files=[]),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_one_bad_file_is_one_unknown(world: World, tmp_path: Path, kind: str) -> None:
    done = given(world, tmp_path, UNREAD[kind])
    done.quiet()
    assert done.code == 4, done
    unknowns = document(world.cwd / "m.json")["unknowns"]
    assert [u["where"] for u in unknowns if u["section"] != "host"] == ["/etc/os-release"]
    world.check("m.json")


def test_many_small_bombs_have_one_budget(world: World, tmp_path: Path) -> None:
    """Each is within the limit of a file; all together are not."""
    one = packed(b"Metadata-Version: 2.1\nName: a\nVersion: 1\n\n" + bytes(5_000))
    site = "/usr/lib/python3/dist-packages"
    paths = [f"{site}/a{number}-1.dist-info/METADATA" for number in range(700)]

    def many(told: dict[str, Any]) -> None:
        told["entries"] += [[path, "file", 5_000, 0o644, ""] for path in paths]
        told["files"] += [[path, one] for path in paths]

    done = given(world, tmp_path, many, "--limit-scale", "0.005")
    done.failed(3, "E_LIMIT", "retained_total")
    world.check()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/../../tmp/owned",
        "/proc/" + "x" * 5000,
        "/proc/" + "d/" * 500 + "x",
        "/proc/cpuinfo/below",
        f"/proc/{EVIL}",
        "relative",
        "",
    ],
)
def test_paths_of_a_machine_s_files_lead_nowhere(world: World, tmp_path: Path, path: str) -> None:
    """They are laid out in a scratch directory to be read, and never outside of it."""
    files = {path: packed(b"owned"), "/proc/cpuinfo": packed(b"processor\t: 0\nmodel name\t: A\n")}
    done = given(world, tmp_path, lambda told: told.update(machine=files))
    done.quiet()
    assert done.code in (0, 4), done
    assert not Path("/tmp/owned").exists()
    world.check("m.json")


def test_hostile_texts_reach_no_terminal(world: World, tmp_path: Path) -> None:
    def evil(told: dict[str, Any]) -> None:
        told["python"]["prefix"] = f"/{EVIL}"
        told["architecture"] = EVIL
        told["environment"] = [[EVIL, EVIL, "recorded"], ["OMP_X", EVIL, "recorded"]]
        told["unreadable"] = [[f"/{EVIL}", EVIL]]
        told["machine"] = {"/proc/cpuinfo": packed(f"processor\t: 0\nmodel name\t: {EVIL}\n".encode())}
        told["nvidia_smi"] = packed(f"<nvidia_smi_log>{EVIL}</nvidia_smi_log>".encode())

    done = given(world, tmp_path, evil)
    done.quiet()
    assert done.code == 4, done
    for words in (("show", "--all", "m.json"), ("check", "m.json")):
        world.run(*words).quiet()
    world.check("m.json")
