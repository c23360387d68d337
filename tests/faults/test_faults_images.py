"""Root file systems that are broken or hostile: what is good is kept, what is bad is named, nothing hangs.

Each is looked at as a directory, as the layer of a saved image, and by the probe script: all three must say
the same, with the documented exit code, no traceback and nothing left.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprocheck.collect.probe_settings import probe_settings
from reprocheck.engine.probe_script import probe_script
from reprocheck.limits import DEFAULT
from tests.collect.elf_files import shared_object
from tests.collect.rpm_files import database, package
from tests.faults.harness import Done, World, document, obeying_modes
from tests.faults.test_faults_archives import EVIL, docker_archive, snapshot

SITE = "usr/lib/python3/dist-packages"
STANZA = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
Build = Callable[[Path], None]


def put(root: Path, path: str, content: bytes | str = b"") -> Path:
    """Write a file below the root, and the directories that lead to it."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
    return place


def debian(root: Path) -> None:
    """What the bad part stands beside: a release file, a package, a Python and a distribution."""
    put(root, "etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    put(root, "var/lib/dpkg/status", STANZA.format("good", "1.0-1"))
    put(root, "usr/bin/python3.11", b"\x7fELF")
    put(root, "usr/lib/python3.11/os.py")
    put(root, f"{SITE}/fine-2.10.dist-info/METADATA", "Metadata-Version: 2.1\nName: fine\nVersion: 2.10\n")


def link(root: Path, path: str, target: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, root / path)


def fifo(path: str) -> Build:
    def build(root: Path) -> None:
        (root / path).unlink(missing_ok=True)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / path)

    return build


def device(path: str) -> Build:
    """/dev/zero, which never ends; without root, a socket."""

    def build(root: Path) -> None:
        (root / path).unlink(missing_ok=True)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.mknod(root / path, 0o20666, os.makedev(1, 5))
        else:
            os.mkfifo(root / path)

    return build


def written(path: str, content: bytes | str) -> Build:
    return lambda root: void(put(root, path, content))


def linked(path: str, target: str) -> Build:
    return lambda root: link(root, path, target)


def void(_: object) -> None:
    """Drop what an expression gives."""


def corrupt_stanzas(root: Path) -> None:
    good = [STANZA.format(name, "1.0") for name in ("before", "after")]
    bad = "Package: bad\nStatus: install ok installed\n stray\nPackage: twice\nno colon here\n\n"
    put(root, "var/lib/dpkg/status", good[0] + bad + good[1])


def evil_names(root: Path) -> None:
    """Names of packages, distributions, files, links, wheels, models, paths of the loader and of site."""
    put(root, "var/lib/dpkg/status", STANZA.format(EVIL, EVIL) + STANZA.format("good", "1.0-1"))
    put(root, "etc/os-release", f'ID="{EVIL}"\nVERSION_ID="{EVIL}"\nPRETTY_NAME="{EVIL}"\n')
    put(
        root, f"{SITE}/{EVIL}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {EVIL}\nVersion: {EVIL}\n"
    )
    put(root, f"{SITE}/{EVIL}.pth", f"/opt/{EVIL}\nimport {EVIL}\n")
    put(root, f"{SITE}/~{EVIL}/x")
    put(root, f"opt/{EVIL}-1.0-py3-none-any.whl", b"PK")
    put(
        root, f"opt/{EVIL}/lib/python3.11/site-packages/a-1.dist-info/METADATA", f"Name: a\nVersion: {EVIL}\n"
    )
    library = shared_object(soname=f"libcudnn{EVIL}.so.9", needed=(f"lib{EVIL}.so",), runpath=f"/opt/{EVIL}")
    put(root, f"opt/{EVIL}/libcudnn.so.9", library)
    put(root, f"opt/{EVIL}/libgomp.so.1", library)
    put(root, f"root/.cache/huggingface/hub/models--{EVIL}--{EVIL}/refs/{EVIL}", EVIL)
    conda = {"name": EVIL, "version": EVIL, "build": EVIL, "channel": EVIL, "files": [EVIL]}
    put(root, "opt/conda/conda-meta/x.json", json.dumps(conda))
    put(root, "lib/apk/db/installed", f"P:{EVIL}\nV:{EVIL}\nA:x86_64\n\n")
    put(root, "var/lib/rpm/rpmdb.sqlite", database([package(EVIL, EVIL, EVIL)]))


def elf(**fields: int) -> bytes:
    """A 64-bit ELF header with absurd numbers, and a little behind it."""
    value = {"phoff": 64, "phentsize": 56, "phnum": 1, "shoff": 0, "shnum": 0, **fields}
    ident = b"\x7fELF" + bytes((2, 1, 1, 0)) + bytes(8)
    return ident + struct.pack(
        "<HHIQQQIHHHHHH",
        *(3, 62, 1, 0, value["phoff"], value["shoff"], 0, 64, value["phentsize"], value["phnum"]),
        *(64, value["shnum"], 0xFFFF),
    )


def segment(kind: int, offset: int, size: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, 6, offset, offset, offset, size, size, 8)


ABSURD = {
    "phoff": elf(phoff=2**63 + 7),
    "phnum": elf(phnum=0xFFFF),
    "phentsize": elf(phentsize=1),
    "dynamic": elf() + segment(2, 2**40, 2**62),
    "negative": elf(phnum=2) + segment(2, 2**64 - 8, 2**64 - 1) + segment(1, 0, 2**64 - 1),
    "note": elf(phnum=2) + segment(4, 64, 2**63) + segment(2, 64, 2**32),
    "short": b"\x7fELF\2\1\1",
    "text": b"#!/bin/sh\nexec x\n",
    "empty": b"",
    "script": b"INPUT(libcudnn.so.9)\n",
    "strings": elf(phnum=2)
    + segment(1, 0, 4096)
    + segment(2, 184, 64)
    + struct.pack("<QQQQQQQQ", 5, 2**60, 10, 2**63, 1, 2**62, 14, 2**61),
}


def absurd_libraries(root: Path) -> None:
    for name, raw in ABSURD.items():
        put(root, f"opt/{name}/libcudnn.so.9", raw)
        put(root, f"opt/{name}/libopenblas.so.0", raw)


def hub_cycles(root: Path) -> None:
    hub = "root/.cache/huggingface/hub"
    revision = "a" * 40
    model = f"{hub}/models--acme--tiny"
    put(root, f"{model}/refs/main", revision)
    link(root, f"{model}/snapshots/{revision}/a.bin", "b.bin")
    link(root, f"{model}/snapshots/{revision}/b.bin", "a.bin")
    link(root, f"{model}/snapshots/{revision}/up", "../..")
    link(root, f"{model}/snapshots/{revision}/out.bin", "../../../../../../../../etc/passwd")
    link(root, f"{hub}/models--loop--loop", "models--loop--loop")
    link(root, f"{hub}/models--self--self/snapshots", "snapshots")
    put(root, "root/.cache/torch/hub/checkpoints/resnet.pth", b"weights")
    link(root, "root/.cache/torch/hub/checkpoints/cycle.pth", "cycle.pth")


def cyclic_database() -> bytes:
    """A database whose pages point at themselves and far away."""
    raw = bytearray(database([package(f"p{number}") for number in range(400)], page=512))
    for place in range(512, len(raw), 512):
        if raw[place] in (2, 5):  # interior pages
            raw[place + 8 : place + 12] = struct.pack(">I", place // 512 + 1)
    raw[28:32] = struct.pack(">I", 0xFFFFFFFF)
    return bytes(raw)


def pth_bomb(root: Path) -> None:
    """Directories that name each other, themselves, and a hundred thousand that are not there."""
    for number in range(20):
        rows = "".join(f"/opt/p/{other}\n" for other in range(20))
        put(root, f"opt/p/{number}/next.pth", rows)
    put(root, f"{SITE}/all.pth", "".join(f"/opt/p/{number}\n" for number in range(20)) + "/opt/n\n" * 10_000)
    put(root, f"{SITE}/self.pth", ".\n/usr/lib/python3/dist-packages\n..\n../../../../../..\n")
    put(root, f"{SITE}/large.pth", "import os; " + "x" * (2 << 20))
    put(root, f"{SITE}/binary.pth", bytes(range(256)) * 16)


def cache_of(count: int, rest: bytes = b"") -> bytes:
    return b"glibc-ld.so.cache1.1" + struct.pack("<IIB3xIII", count, 2**31, 2, 0, 0, 0) + rest


def no_release(root: Path) -> None:
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").mkdir()


def circles(root: Path) -> None:
    link(root, "opt/a", "b")
    link(root, "opt/b", "a")
    link(root, "usr/local", "local")


def circular_status(root: Path) -> None:
    (root / "var/lib/dpkg/status").unlink()
    link(root, "var/lib/dpkg/status", "status")


def deep(root: Path) -> None:
    place = root / "opt"
    for _ in range(200):
        place = place / "directory"
    place.mkdir(parents=True)
    put(place, "a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")


HUGE = "Metadata-Version: 2.1\nName: huge\nVersion: 1\n\n" + "x" * (3 << 20)
JSON_BOMB = '{"name": "x", "version": "1", "files": ' + "[" * 5_000

ROOTS: dict[str, tuple[Build, str]] = {
    # what is done to the good root, and where the one thing stands that could not be read ('' for none)
    "nothing bad": (lambda root: None, ""),
    "os-release is a pipe": (fifo("etc/os-release"), "/etc/os-release"),
    "os-release is a device": (device("etc/os-release"), "/etc/os-release"),
    "os-release is a directory": (no_release, "/etc/os-release"),
    "METADATA is a pipe": (fifo(f"{SITE}/p-1.dist-info/METADATA"), f"/{SITE}/p-1.dist-info"),
    "METADATA is a device": (device(f"{SITE}/p-1.dist-info/METADATA"), f"/{SITE}/p-1.dist-info"),
    "METADATA is huge": (written(f"{SITE}/huge-1.dist-info/METADATA", HUGE), f"/{SITE}/huge-1.dist-info"),
    "METADATA leads out": (linked(f"{SITE}/o-1.dist-info/METADATA", "/../../../etc/passwd"), ""),
    "a dist-info is a file": (written(f"{SITE}/f-1.dist-info", b""), ""),
    "status is a pipe": (fifo("var/lib/dpkg/status"), "/var/lib/dpkg/status"),
    "status leads in a circle": (circular_status, "/var/lib/dpkg/status"),
    "stanzas are corrupt": (corrupt_stanzas, "/var/lib/dpkg/status bytes 79-"),
    "a stanza of 4 MiB of lines": (
        written(
            "var/lib/dpkg/status", STANZA.format("good", "1.0-1") + "Package: big\n" + " x\n" * (1 << 20)
        ),
        "/var/lib/dpkg/status bytes",
    ),
    "names a terminal acts on": (evil_names, "/"),
    "absurd shared objects": (absurd_libraries, "/opt/"),
    "ld.so.cache of garbage": (written("etc/ld.so.cache", bytes(range(256)) * 9), "/etc/ld.so.cache"),
    "ld.so.cache of 2^32 rows": (written("etc/ld.so.cache", cache_of(2**32 - 1)), "/etc/ld.so.cache"),
    "ld.so.cache is a pipe": (fifo("etc/ld.so.cache"), "/etc/ld.so.cache"),
    "rpm database of garbage": (written("var/lib/rpm/rpmdb.sqlite", b"garbage" * 1000), "/var/lib/rpm/rpmdb"),
    "rpm database cut short": (
        written("var/lib/rpm/rpmdb.sqlite", database([package(f"p{n}") for n in range(400)])[:9000]),
        "/var/lib/rpm/rpmdb.sqlite",
    ),
    "rpm database with page cycles": (
        written("var/lib/rpm/rpmdb.sqlite", cyclic_database()),
        "/var/lib/rpm/rpmdb.sqlite",
    ),
    "apk database of garbage": (
        written("lib/apk/db/installed", bytes(range(256)) * 40),
        "/lib/apk/db/installed",
    ),
    "conda-meta of garbage": (
        written("opt/conda/conda-meta/x-1-0.json", JSON_BOMB),
        "/opt/conda/conda-meta/x",
    ),
    "a path file bomb": (pth_bomb, f"/{SITE}/"),
    "a model cache with cycles": (hub_cycles, ""),
    "links in circles": (circles, ""),
    "deep directories": (deep, ""),
    "names of other bytes": (written(f"{SITE}/od\udcff.pth", b"/opt/od\xff\n"), ""),
}


def as_directory(world: World, root: Path, place: Path) -> Done:
    del place
    return snapshot(world, f"rootfs:{root}")


def as_archive(world: World, root: Path, place: Path) -> Done:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(root, arcname="")
    return snapshot(world, docker_archive(place, out.getvalue()))


def as_probed(world: World, root: Path, place: Path) -> Done:
    command = [sys.executable, "-", "--root", str(root)]
    script = probe_script(probe_settings(DEFAULT)).encode()
    done = subprocess.run(command, input=script, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b""), done
    (place / "probe.json").write_bytes(done.stdout)
    return snapshot(world, f"probe:{place}/probe.json")


@pytest.mark.parametrize("kind", ROOTS)
def test_broken_roots_say_the_same_through_every_source(world: World, tmp_path: Path, kind: str) -> None:
    build, where = ROOTS[kind]
    root = tmp_path / "root"
    root.mkdir()
    debian(root)
    build(root)
    seen: dict[str, Any] = {}
    for way in (as_directory, as_archive, as_probed):
        done = way(world, root, tmp_path)
        done.quiet()
        manifest = document(world.cwd / "m.json")
        assert done.code == (4 if manifest["unknowns"] else 0), done
        seen[way.__name__] = manifest
        world.check("m.json")
        (world.cwd / "m.json").rename(tmp_path / "m.json")
    here, stored, probed = (
        {unknown["where"]: unknown["reason"] for unknown in one["unknowns"]} for one in seen.values()
    )
    names = {package["name"]: package["version"] for package in seen["as_directory"]["packages"]}
    assert names["fine"] == "2.10"
    assert "root:x:" not in json.dumps(seen)
    assert any(place.startswith(where) for place in here) if where else here == {}, here
    assert stored == here
    # Of a shared object the probe brings pieces only, so that the reason may be another.
    assert probed.keys() == here.keys()
    contents = {name: one["digests"]["content"] for name, one in seen.items()}
    assert len(set(contents.values())) == 1, contents


def test_hostile_names_reach_no_terminal(world: World, tmp_path: Path) -> None:
    """Names of packages, files, loader paths, wheels, models: kept in the manifest, never shown raw."""
    root = tmp_path / "root"
    root.mkdir()
    debian(root)
    put(tmp_path / "plain", "etc/os-release", "ID=debian\n")
    assert snapshot(world, f"rootfs:{tmp_path}/plain").code == 0
    (world.cwd / "m.json").rename(world.cwd / "plain.json")
    evil_names(root)
    assert as_directory(world, root, tmp_path).code == 4
    for words in (
        ("show", "m.json"),
        ("show", "--all", "m.json"),
        ("diff", "--all", "plain.json", "m.json"),
        ("diff", "--format", "json", "plain.json", "m.json"),
        ("graph", "--full", "m.json"),
        ("graph", "--full", "--format", "dot", "m.json"),
        ("graph", "--full", "--format", "mermaid", "m.json"),
        ("check", "m.json"),
        ("check", "--format", "json", "m.json"),
    ):
        shown = world.run(*words)
        shown.quiet()
        assert shown.code in (0, 1, 4), shown
        assert shown.out, words
    assert "owned" in json.dumps(document(world.cwd / "m.json")["unknowns"])
    world.check("m.json", "plain.json")


@pytest.mark.parametrize(
    ("path", "closed"),
    [
        ("var/lib/dpkg", "/var/lib/dpkg"),
        (SITE, f"/{SITE}"),
        ("etc", "/etc"),
        ("var/lib/dpkg/status", "/var/lib/dpkg/status"),
    ],
)
def test_what_another_user_may_not_read_is_unknown(
    world: World, tmp_path: Path, path: str, closed: str
) -> None:
    """A directory that cannot be listed could hold anything: never a shorter list of packages in silence."""
    root = tmp_path / "root"
    root.mkdir()
    debian(root)
    (root / path).chmod(0)
    command = ("snapshot", f"rootfs:{root}", "--no-syft", "--no-cache")
    try:
        done = world.run(*command, prefix=obeying_modes())
    finally:
        (root / path).chmod(0o755)
    done.quiet()
    assert done.code == 4, done
    unknowns = json.loads(done.out)["unknowns"]
    assert any(unknown["where"] == closed for unknown in unknowns), unknowns
    world.check()


def test_a_root_that_may_not_be_read_at_all_is_told(world: World, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir(mode=0)
    try:
        done = snapshot_obeying(world, root)
    finally:
        root.chmod(0o755)
    done.quiet()
    assert done.code in (2, 3, 4), done
    world.check()


def snapshot_obeying(world: World, root: Path) -> Done:
    return world.run("snapshot", f"rootfs:{root}", "--no-syft", "--no-cache", prefix=obeying_modes())


def test_a_database_of_another_directory_counts_no_more_than_its_limit(world: World, tmp_path: Path) -> None:
    """Above the limit of one file the database is unknown, and the words name the limit."""
    root = tmp_path / "root"
    root.mkdir()
    debian(root)
    put(root, "var/lib/dpkg/status", "".join(STANZA.format(f"p{n}", "1") for n in range(2_000)))
    for scale, code in (("0.001", 4), ("1", 0)):
        done = snapshot(world, f"rootfs:{root}", "--limit-scale", scale, "--force")
        assert done.code == code, done
        reasons = " ".join(unknown["reason"] for unknown in document(world.cwd / "m.json")["unknowns"])
        assert ("limit" in reasons) == (code == 4)


def test_a_database_that_is_a_dangling_link_is_unknown(world: World, tmp_path: Path) -> None:
    """An image could hide all of its packages so; that a tool would find none does not make it a fact."""
    for number, path in enumerate(("var/lib/dpkg", "var/lib/dpkg/status", "lib/apk/db/installed")):
        root = tmp_path / str(number)
        put(root, "etc/os-release", "ID=debian\n")
        link(root, path, "/gone")
        done = snapshot(world, f"rootfs:{root}", "--force")
        assert done.code == 4, done
        assert [u["where"] for u in document(world.cwd / "m.json")["unknowns"]] == [f"/{path}"]


def test_a_hard_link_to_what_nobody_wanted_is_never_lost_in_silence(world: World, tmp_path: Path) -> None:
    """A stream goes by once: at the link's first name nobody could know that a distribution is behind it."""
    root = tmp_path / "root"
    root.mkdir()
    debian(root)
    first = put(root, "aaa", "Metadata-Version: 2.1\nName: linked\nVersion: 1\n")
    (root / f"{SITE}/linked-1.dist-info").mkdir()
    os.link(first, root / f"{SITE}/linked-1.dist-info/METADATA")
    for way in (as_directory, as_archive, as_probed):
        done = way(world, root, tmp_path)
        manifest = document(world.cwd / "m.json")
        unread = [unknown["where"] for unknown in manifest["unknowns"]]
        names = [package["name"] for package in manifest["packages"]]
        assert done.code == (4 if unread else 0), done
        assert ("linked" in names) != (f"/{SITE}/linked-1.dist-info/METADATA" in unread), unread
        (world.cwd / "m.json").unlink()
