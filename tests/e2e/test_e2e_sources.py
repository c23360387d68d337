"""One image through every source: the same content, the same identity, section by section and row by row.

The image is made awkward on purpose: files that a later layer removes, replaces by a directory or hides
behind an opaque one, links between layers, odd names, several environments, a pipe in the place of a file.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Desk, derived_image, docker
from tests.engine.real_podman import podman_service
from tests.faults.harness import SOCKET, relayed

pytestmark = pytest.mark.docker

SITE = "/usr/local/lib/python3.11/dist-packages"
VENV = "/opt/venv/lib/python3.11/site-packages"
UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin") if os.geteuid() == 0 else ()

CONTENT = ("os", "packages", "shadowed", "pythons", "libraries", "wheels", "remnants", "frameworks", "hub")
"""The sections of the content digest (codec/manifest.py)."""

FIRST = f"""
import os, pathlib, zipfile
def dist(site, name, version, more=""):
    info = pathlib.Path(site, f"{{name}}-{{version}}.dist-info")
    info.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\\nName: {{name}}\\nVersion: {{version}}\\n{{more}}"
    info.joinpath("METADATA").write_text(metadata)
    info.joinpath("INSTALLER").write_text("pip\\n")
    info.joinpath("WHEEL").write_text("Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    rows = [f"{{info.name}}/{{one}},,\\n" for one in ("METADATA", "INSTALLER", "WHEEL", "RECORD")]
    info.joinpath("RECORD").write_text("".join(rows))
for name in ("removed", "replaced", "kept", "hidden", "linked"):
    dist("{VENV}", name, "1.0")
dist("{VENV}", "numpy", "0.9")
dist("/opt/later", "fresh", "3")
dist("/opt/target", "targeted", "2.0", "Requires-Dist: numpy>=1\\n")
dist("/root/.local/lib/python3.11/site-packages", "mine", "1.1")
pathlib.Path("{SITE}/added.pth").write_text("/opt/target\\n")
pathlib.Path("{SITE}/~umpy").mkdir()
with zipfile.ZipFile("/opt/stray-4.2-py3-none-any.whl", "w") as wheel:
    wheel.writestr("stray-4.2.dist-info/METADATA", "Metadata-Version: 2.1\\nName: stray\\nVersion: 4.2\\n")
    wheel.writestr("stray-4.2.dist-info/RECORD", "stray-4.2.dist-info/RECORD,,\\n")
hub = pathlib.Path("/root/.cache/huggingface/hub/models--acme--tiny")
for name in ("refs", "blobs", "snapshots/" + "a" * 40):
    hub.joinpath(name).mkdir(parents=True)
hub.joinpath("refs/main").write_text("a" * 40)
hub.joinpath("blobs", "b" * 40).write_text("weights")
os.symlink("../../blobs/" + "b" * 40, hub / "snapshots" / ("a" * 40) / "model.bin")
os.mkfifo("{VENV}/pipe.pth")
open(b"{SITE}/od\\xffd.pth", "w").write("/opt/odd\\n")
os.symlink("loop", "/opt/loop")
os.symlink("/../../../../etc/passwd", "/opt/out")
"""
SECOND = f"""
import os, pathlib, shutil
venv = pathlib.Path("{VENV}")
shutil.rmtree(venv / "removed-1.0.dist-info")
shutil.rmtree(venv / "replaced-1.0.dist-info")
shutil.copytree("/opt/later/fresh-3.dist-info", venv / "replaced-1.0.dist-info")
shutil.rmtree(venv / "linked-1.0.dist-info")
os.symlink("/opt/later/fresh-3.dist-info", venv / "linked-1.0.dist-info")
(venv / "hidden-1.0.dist-info/METADATA").unlink()
(venv / "hidden-1.0.dist-info/METADATA").mkdir()
os.link(venv / "kept-1.0.dist-info/METADATA", "/opt/venv/link")
shutil.copy("/bin/true", "/opt/later/libgomp.so.1")
shutil.rmtree("{SITE}/~umpy")
"""


def python(program: str) -> str:
    """A Dockerfile line that runs the program; JSON is the form without a shell."""
    return f"RUN {json.dumps(['python3', '-c', program])}"


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The awkward image by a name, since `docker save` of a bare id leaves the name out."""
    lines = (
        "ENV LD_LIBRARY_PATH=/opt/later:/nowhere",
        "RUN python3 -m venv --without-pip /opt/venv",
        python(FIRST),
        python(SECOND),
        "USER nobody",
    )
    with derived_image(*lines) as identifier:
        name = f"reprocheck-e2e/sources-{os.getpid()}:1"  # each worker of xdist has its own
        docker("tag", identifier, name)
        try:
            yield name
        finally:
            docker("image", "rm", name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """For files of several hundred MB, which pytest would keep for three more runs."""
    directory = tmp_path_factory.mktemp("sources")
    yield directory
    subprocess.run(["rm", "-rf", str(directory)], check=True)


@pytest.fixture(scope="module")
def saved(image: str, place: Path) -> str:
    docker("save", "--output", f"{place}/saved.tar", image)
    return f"{place}/saved.tar"


@pytest.fixture(scope="module")
def container(image: str) -> Iterator[str]:
    """A container that was made and never started."""
    made = docker("create", image)
    yield made
    docker("rm", "--force", made)


@pytest.fixture(scope="module")
def unpacked(container: str, place: Path) -> str:
    """What `docker export` gives, unpacked by tar."""
    root = place / "rootfs"
    root.mkdir()
    with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
        subprocess.run(
            ["tar", "-x", "-C", str(root), "--exclude=dev/*"], stdin=export.stdout, check=True, timeout=120
        )
    return str(root)


def skopeo(*argv: str) -> None:
    done = subprocess.run(
        ["skopeo", "copy", "--quiet", *argv], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


class Sources:
    """Takes each snapshot once; `options` are those of the command, such as --integrity."""

    def __init__(self, desk: Desk, image: str, request: pytest.FixtureRequest) -> None:
        self.desk = desk
        self.image = image
        self.request = request
        self.place: Path = request.getfixturevalue("place")
        self.seen: dict[tuple[str, ...], Any] = {}

    def __call__(self, way: str, *options: str) -> Any:
        """Give the manifest of the image through one way. The odd files make it incomplete: exit 4."""
        if (way, *options) not in self.seen:
            self.seen[way, *options] = getattr(self, way.replace("-", "_"))(*options)
        return self.seen[way, *options]

    def snapshot(self, target: str, *options: str, under: tuple[str, ...] = ()) -> Any:
        return self.desk.snapshot(target, *options, expect=4, under=under)

    def fixture(self, name: str) -> str:
        return str(self.request.getfixturevalue(name))

    def engine(self, *options: str) -> Any:
        return self.snapshot(f"docker:{self.image}", *options)

    def export(self, *options: str) -> Any:
        return self.snapshot(f"docker:{self.image}", *options, under=UNPRIVILEGED)

    def remote(self, *options: str) -> Any:
        with relayed(SOCKET) as url:
            return self.snapshot(f"docker:{self.image}", "--docker-host", url, *options)

    def created(self, *options: str) -> Any:
        return self.snapshot(f"docker:container:{self.fixture('container')}", *options)

    def docker_archive(self, *options: str) -> Any:
        return self.snapshot(f"docker-archive:{self.fixture('saved')}", *options)

    def rootfs(self, *options: str) -> Any:
        return self.snapshot(f"rootfs:{self.fixture('unpacked')}", *options)

    def probe(self, *options: str) -> Any:
        """The script runs as root inside the container: a probe of another user sees what that one may."""
        script = self.desk.call("probe").stdout
        inside = ("run", "--rm", "-i", "--user", "root", "--network", "none", self.image)
        result = docker(*inside, "python3", "-", "--root", "/", given=script.encode())
        (self.place / "probe.json").write_text(result, encoding="utf-8")
        return self.snapshot(f"probe:{self.place}/probe.json", *options)

    def probe_of_rootfs(self, *options: str) -> Any:
        (self.place / "probe.py").write_text(self.desk.call("probe").stdout, encoding="utf-8")
        command = ["python3", str(self.place / "probe.py"), "--root", self.fixture("unpacked")]
        done = subprocess.run(command, capture_output=True, check=True, timeout=120)
        (self.place / "probe-rootfs.json").write_bytes(done.stdout)
        return self.snapshot(f"probe:{self.place}/probe-rootfs.json", *options)

    def oci(self, *options: str) -> Any:
        skopeo(f"docker-archive:{self.fixture('saved')}", f"oci:{self.place}/layout:one")
        return self.snapshot(f"oci:{self.place}/layout:one", *options)

    def oci_archive(self, *options: str) -> Any:
        """Layers of this one are compressed by zstd."""
        archive = f"{self.place}/oci.tar"
        compressed = ("--dest-compress-format", "zstd")
        skopeo(*compressed, f"docker-archive:{self.fixture('saved')}", f"oci-archive:{archive}:one")
        return self.snapshot(f"oci-archive:{archive}:one", *options)

    def docker_archive_of_skopeo(self, *options: str) -> Any:
        archive = f"{self.place}/skopeo.tar"
        skopeo(f"docker-archive:{self.fixture('saved')}", f"docker-archive:{archive}:one:latest")
        return self.snapshot(f"docker-archive:{archive}", *options)

    def podman(self, *options: str) -> Any:
        with podman_service() as service:
            service.load(self.image)
            return self.snapshot(self.image, "--docker-host", service.url, *options)


@pytest.fixture(scope="module")
def through(desk: Desk, image: str, request: pytest.FixtureRequest) -> Sources:
    return Sources(desk, image, request)


def differences(one: Any, other: Any) -> list[str]:
    """Name the first fields in which the contents of two manifests differ."""
    found = []
    for section in (*CONTENT, "integrity", "loading"):
        if one.get(section) != other.get(section):
            found += list(_differing(section, one.get(section), other.get(section)))
    return found[:20]


def _differing(where: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differing(f"{where}.{key}", one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from _differing(f"{where}[{place}]", *pair)
    elif isinstance(one, list) and isinstance(other, list):
        yield from (f"{where} lacks {item}" for item in one if item not in other)
        yield from (f"{where} has more {item}" for item in other if item not in one)
    elif one != other:
        yield f"{where}: {one!r} became {other!r}"


skopeo_only = pytest.mark.skopeo
podman_only = pytest.mark.podman
WAYS = (
    "export",
    "remote",
    "created",
    "docker-archive",
    pytest.param("docker-archive-of-skopeo", marks=skopeo_only),
    pytest.param("oci", marks=skopeo_only),
    pytest.param("oci-archive", marks=skopeo_only),
    pytest.param("podman", marks=podman_only),
    "rootfs",
    "probe",
    "probe-of-rootfs",
)
WITHOUT_IMAGE = frozenset({"rootfs", "probe", "probe-of-rootfs"})
READERS = {
    "engine": "overlay" if os.geteuid() == 0 else "export",
    "export": "export",
    "remote": "export",
    "docker-archive": "archive",
    "docker-archive-of-skopeo": "archive",
    "oci": "layout",
    "oci-archive": "archive",
    "rootfs": "directory",
    "probe": "probe",
    "probe-of-rootfs": "probe",
}


def test_the_awkward_image_is_seen_as_it_is(through: Sources) -> None:
    """What the layers removed is gone, what they replaced is new, and what cannot be read is named."""
    manifest = through("engine")
    names = {package["name"]: package["version"] for package in manifest["packages"]}
    assert "removed" not in names
    assert (names["kept"], names["targeted"], names["mine"]) == ("1.0", "2.0", "1.1")
    assert "fresh" in names
    assert {wheel["path"] for wheel in manifest["wheels"]} == {"/opt/stray-4.2-py3-none-any.whl"}
    assert [hub["repository"] for hub in manifest["hub"]] == ["acme/tiny"]
    unread = {unknown["where"] for unknown in manifest["unknowns"]}
    assert f"{VENV}/hidden-1.0.dist-info" in {where.removesuffix("/METADATA") for where in unread}
    assert f"{VENV}/pipe.pth" in unread


@pytest.mark.parametrize("way", WAYS)
def test_content_and_identity_are_the_same(through: Sources, way: str) -> None:
    expected, found = through("engine"), through(way)
    assert differences(expected, found) == []
    assert found["unknowns"] == expected["unknowns"]
    assert found["digests"]["content"] == expected["digests"]["content"]
    if way in WITHOUT_IMAGE:
        assert found["digests"].get("identity") is None
    else:
        assert found["image"] == expected["image"]
        assert found["digests"]["identity"] == expected["digests"]["identity"]
    if way in READERS:
        assert found["source"]["reader"] == READERS[way]


def test_what_has_no_configuration_says_so(through: Sources) -> None:
    for way in ("rootfs", "probe-of-rootfs"):
        assert through(way).get("image") is None
    assert through("probe-of-rootfs")["source"]["missing"] == ["image configuration"]


def test_facts_of_the_source_stand_apart(through: Sources, image: str) -> None:
    """docker's archive keeps the engine's config digest."""
    told = docker("image", "inspect", "--format", "{{.Id}}", image)
    assert through("docker-archive")["source"]["config_digest"] == told
    assert through("engine")["source"]["config_digest"] == told


@pytest.mark.skopeo
def test_a_layout_has_digests_of_its_own(through: Sources) -> None:
    """Measured: skopeo changes the config digest and keeps the diff ids."""
    saved, layout, archive = (through(way) for way in ("docker-archive", "oci", "oci-archive"))
    assert layout["source"]["config_digest"] != saved["source"]["config_digest"]
    assert layout["source"]["manifest_digest"] != archive["source"]["manifest_digest"]
    kinds = {layer["media_type"].rpartition("+")[2] for layer in archive["source"]["layers"]}
    assert kinds == {"zstd"}
    assert {layer["media_type"].rpartition("+")[2] for layer in layout["source"]["layers"]} == {"gzip"}
    assert saved["digests"]["identity"] == layout["digests"]["identity"] == archive["digests"]["identity"]


@pytest.mark.parametrize(
    "way", ["export", "docker-archive", "rootfs", pytest.param("oci-archive", marks=skopeo_only)]
)
def test_installed_files_are_judged_the_same(through: Sources, way: str) -> None:
    expected, found = through("engine", "--integrity"), through(way, "--integrity")
    assert expected["integrity"]
    assert differences(expected, found) == []
    assert found["unknowns"] == expected["unknowns"]


def test_the_packages_of_an_integrity_snapshot_are_those_of_a_plain_one(through: Sources) -> None:
    assert through("engine", "--integrity")["digests"]["content"] == through("engine")["digests"]["content"]
