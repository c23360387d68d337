"""Packages of real systems, held against what their own tools list: dpkg of three releases, pip, conda."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.collect.elf_files import shared_object
from tests.e2e.harness import ROOT, SMALL_A, SMALL_B, TRAIN, Desk, docker

RELEASES = {"bullseye": "11", "bookworm": "12", "trixie": "13"}
FORM = "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"
SEVERAL = """
import json, sys
from importlib.metadata import distributions
found = distributions(path=[path for path in sys.path if path.endswith("-packages")])
print(json.dumps(sorted({f"{one.metadata['Name']} {one.version}" for one in found})))
"""


def inside(image: str, *argv: str) -> str:
    return docker("run", "--rm", "--network", "none", image, *argv)


def listed(manifest: Any, kind: str) -> list[str]:
    return sorted(
        f"{package['name']} {package['version']} {package['architecture']}"
        for package in manifest["packages"]
        if package["type"] == kind
    )


def installed_by_dpkg(image: str) -> list[str]:
    rows = inside(image, "dpkg-query", "-W", "-f", FORM).splitlines()
    return sorted(row.removeprefix("installed ") for row in rows if row.startswith("installed "))


@pytest.mark.docker
@pytest.mark.parametrize("release", RELEASES)
def test_dpkg_of_every_release(desk: Desk, release: str) -> None:
    """Name, version with epoch and revision, and architecture of every package."""
    build = [sys.executable, str(ROOT / "scripts/fixture-images"), release]
    done = subprocess.run(build, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    image = f"reprocheck-fixture/{release}"
    manifest = desk.snapshot(image)
    assert (manifest["os"]["id"], manifest["os"]["version_id"]) == ("debian", RELEASES[release])
    expected = installed_by_dpkg(image)
    assert len(expected) > 70
    assert listed(manifest, "deb") == expected
    assert manifest["unknowns"] == []
    libc = inside(image, "sh", "-c", "ldd --version | head -n 1").split()[-1]
    assert manifest["os"]["libc"] == f"glibc {libc}"


@pytest.mark.docker
@pytest.mark.parametrize("image", [SMALL_A, SMALL_B, TRAIN])
def test_dpkg_and_pip_of_the_training_images(desk: Desk, image: str) -> None:
    manifest = desk.snapshot(image)
    assert listed(manifest, "deb") == installed_by_dpkg(image)
    pip = json.loads(inside(image, "pip", "list", "--format", "json", "--disable-pip-version-check"))
    assert named(manifest["packages"]) == sorted(f"{item['name']} {item['version']}" for item in pip)
    every = json.loads(inside(image, "python3", "-c", SEVERAL))
    assert sorted({*named(manifest["packages"]), *named(manifest.get("shadowed", []))}) == every
    assert manifest["unknowns"] == []


def named(packages: Iterable[Any]) -> list[str]:
    return sorted(
        f"{package['name']} {package['version']}" for package in packages if package["type"] == "pypi"
    )


# A conda prefix, made by rattler, the installer of pixi, from packages that are made here.


def conda_package(
    channel: Path, name: str, version: str, files: Mapping[str, bytes], *, build: str, python: bool = False
) -> None:
    """Write a `.tar.bz2` package; `python` makes it one for every platform and Python (noarch)."""
    subdir = "noarch" if python else "linux-64"
    rows = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(raw).hexdigest(),
            "size_in_bytes": len(raw),
        }
        for path, raw in files.items()
    ]
    platform = {"noarch": "python"} if python else {"arch": "x86_64", "platform": "linux"}
    index = {"name": name, "version": version, "build": build, "build_number": 0, "depends": [], **platform}
    members = {
        **files,
        "info/index.json": json.dumps({**index, "subdir": subdir}).encode(),
        "info/paths.json": json.dumps({"paths": rows, "paths_version": 1}).encode(),
    }
    if python:
        link = {"noarch": {"type": "python"}, "package_metadata_version": 1}
        members["info/link.json"] = json.dumps(link).encode()
    (channel / subdir).mkdir(parents=True, exist_ok=True)
    with tarfile.open(channel / subdir / f"{name}-{version}-{build}.tar.bz2", "w:bz2") as archive:
        for path, raw in members.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(raw), 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(member, io.BytesIO(raw))


def files_of(distribution: str, prefix: str) -> dict[str, bytes]:
    """What a distribution of this Python has installed, with `conda` as its installer."""
    found = metadata.distribution(distribution)
    files = {
        f"{prefix}/{file}": Path(str(file.locate())).read_bytes()
        for file in found.files or ()
        if not str(file).startswith("..") and file.suffix != ".pyc" and Path(str(file.locate())).is_file()
    }
    return {path: b"conda\n" if path.endswith("/INSTALLER") else raw for path, raw in files.items()}


async def install(channel: Path, prefix: Path, cache: Path) -> None:
    import rattler
    from rattler.index import index_fs

    await index_fs(channel)
    source = rattler.Channel(channel.as_uri())
    records = []
    for subdir in ("linux-64", "noarch"):
        data = rattler.RepoData.from_path(channel / subdir / "repodata.json")
        records += data.into_repo_data(source)
    await rattler.install(records, target_prefix=prefix, cache_dir=cache, show_progress=False)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python, a native library, a compiled and two pure distributions by conda, one more by pip."""
    place = tmp_path_factory.mktemp("conda")
    channel, prefix = place / "channel", place / "root/opt/conda"
    site = "lib/python3.11/site-packages"
    interpreter = {
        "bin/python3.11": Path(os.path.realpath(sys.executable)).read_bytes(),
        "lib/python3.11/os.py": b"",
        "include/python3.11/patchlevel.h": b'#define PY_VERSION "3.11.7"\n',
    }
    conda_package(channel, "python", "3.11.7", interpreter, build="h955ad1f_0")
    library = shared_object(soname="libopenblas.so.0")
    conda_package(channel, "libopenblas", "0.3.21", {"lib/libopenblas.so.0": library}, build="h043d6bf_0")
    version = metadata.version
    conda_package(channel, "msgspec", version("msgspec"), files_of("msgspec", site), build="py311_0")
    pure = functools.partial(conda_package, channel, build="pyhd8ed1ab_0", python=True)
    pure("packaging", version("packaging"), files_of("packaging", "site-packages"))
    # conda-forge's name is often not the project's own: `pytorch` holds torch, `msgpack-python` msgpack.
    pure("click-python", version("click"), files_of("click", "site-packages"))
    prefix.mkdir(parents=True)
    asyncio.run(install(channel, prefix, place / "cache"))
    by_pip = prefix / site / "networkx-3.1.dist-info"
    by_pip.mkdir()
    (by_pip / "METADATA").write_text("Metadata-Version: 2.1\nName: networkx\nVersion: 3.1\n")
    (by_pip / "INSTALLER").write_text("pip\n")
    (by_pip / "RECORD").write_text("networkx-3.1.dist-info/RECORD,,\n")
    return prefix


def by_rattler(prefix: Path) -> list[str]:
    """The installer's own reading of its records."""
    import rattler

    records = [rattler.PrefixRecord.from_path(path) for path in (prefix / "conda-meta").glob("*.json")]
    return sorted(f"{one.name.source} {one.version} {one.build}" for one in records)


@pytest.mark.parametrize("way", ["rootfs", "env"])
def test_conda_packages_are_those_of_its_records(desk: Desk, prefix: Path, way: str) -> None:
    """Each once, merged with its own dist-info; what pip added beside them is a package of PyPI."""
    target = f"rootfs:{prefix.parents[1]}" if way == "rootfs" else f"env:{prefix}"
    manifest = desk.snapshot(target)
    conda = [package for package in manifest["packages"] if package["type"] == "conda"]
    assert sorted(f"{p['name']} {p['version']} {p['conda']['build']}" for p in conda) == by_rattler(prefix)
    assert named(manifest["packages"]) == ["networkx 3.1"]
    merged = sorted(
        f"{p['python']['metadata'].partition('-')[0]} {p['version']}" for p in conda if p.get("python")
    )
    site = prefix / "lib/python3.11/site-packages"
    own = sorted(f"{d.metadata['Name']} {d.version}" for d in metadata.distributions(path=[str(site)]))
    assert sorted([*merged, "networkx 3.1"]) == own
    assert [python["version"] for python in manifest["pythons"]] == ["3.11.7"]


def test_conda_packages_say_where_they_came_from(desk: Desk, prefix: Path) -> None:
    manifest = desk.snapshot(f"rootfs:{prefix.parents[1]}")
    known = {package["name"]: package for package in manifest["packages"]}
    record = json.loads(next((prefix / "conda-meta").glob("msgspec-*.json")).read_text())
    conda = known["msgspec"]["conda"]
    assert conda["build"] == record["build"] == "py311_0"
    assert record["sha256"] in json.dumps(known["msgspec"])
    assert "channel" in json.dumps(conda)
    assert known["click-python"]["python"]["metadata"].startswith("click-")
