"""Archives that real tools write of a real image: the same files as through its layers and its export.

The image removes, replaces and moves what its base has, so that its layers hold whiteouts and opaque marks.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.snapshot import SnapshotOptions, snapshot
from reprocheck.engine.docker_archive import open_saved
from reprocheck.engine.export import read_export
from reprocheck.engine.oci_layout import Choice, open_layout
from reprocheck.engine.oci_store import DirectoryStore, open_archive
from reprocheck.engine.overlay import layers_readable, open_overlay
from reprocheck.engine.view import View
from reprocheck.limits import DEFAULT
from reprocheck.model.image import Source
from reprocheck.model.manifest import Manifest
from reprocheck.ports import Interest
from tests.engine.stored_images import rows
from tests.engine.test_engine_disk_docker import CHANGES, layers, reader

pytestmark = pytest.mark.docker

BASE = "reprocheck-fixture/bookworm"
MADE = f"reprocheck-test/stored-{os.getpid()}"
SOURCE = Source(kind="image")
INTEREST = Interest(keep=lambda path: path.endswith(("/os-release", "/dpkg/status")), digests=True)
AGAIN = """
rm -rf /usr/share/doc/new && mkdir -p /usr/share/doc/new/deep && echo o > /usr/share/doc/new/deep/o
rm /usr/share/locale && mkdir /usr/share/locale && echo l > /usr/share/locale/l
ln /etc/passwd /etc/passwd.twin; rm -rf /out; touch /usr/share/moved/new
"""
TARGETS = ("docker-archive:saved.tar", "oci:layout:v1", "oci:zstd", "oci-archive:oci.tar")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with one image of three layers as docker and skopeo store it."""
    import docker

    place = tmp_path_factory.mktemp("stored")
    api: Any = docker.APIClient(base_url="unix:///var/run/docker.sock")
    try:
        for base, script in ((BASE, CHANGES), (MADE, AGAIN)):
            settings = {"command": ["sh", "-ec", script], "entrypoint": [], "user": "0"}
            made = api.create_container(base, **settings, use_config_proxy=False)["Id"]
            try:
                api.start(made)
                assert api.wait(made, timeout=60)["StatusCode"] == 0, api.logs(made)
                changes = ['ENTRYPOINT ["python3"]', "USER 7", "ENV A=b", "WORKDIR /usr/share"]
                api.commit(made, MADE, "latest", changes=changes)
            finally:
                api.remove_container(made, force=True)
        command_line("docker", "save", "-o", str(place / "saved.tar"), MADE)
        for target, more in (
            (f"oci:{place}/layout:v1", ()),
            (f"oci:{place}/zstd:v1", ("--dest-compress-format", "zstd")),
            (f"oci-archive:{place}/oci.tar:v1", ()),
        ):
            source = f"docker-archive:{place}/saved.tar"
            command_line("skopeo", "--insecure-policy", "copy", "-q", *more, source, target)
        yield place
    finally:
        api.remove_image(MADE, force=True)
        api.close()


def command_line(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=300)


def engine_views() -> tuple[dict[str, View], Any]:
    """The image's files through its export and, where they can be read, its layers."""
    import docker

    api: Any = docker.APIClient(base_url="unix:///var/run/docker.sock")
    made = api.create_container(MADE, command=["true"], entrypoint=[], use_config_proxy=False)["Id"]
    try:
        chunks = iter(api.export(made))
        views = {"export": read_export(reader(chunks), interest=INTEREST, limits=DEFAULT, where="the export")}
    finally:
        api.remove_container(made, force=True)
    document = api.inspect_image(MADE)
    api.close()
    if layers_readable(layers(document)):
        views["overlay"] = open_overlay(layers(document), limits=DEFAULT)
    return views, document


def test_every_way_to_store_an_image_gives_its_files(stored: Path) -> None:
    views, document = engine_views()
    with open_archive(str(stored / "saved.tar"), where="saved.tar", limits=DEFAULT) as store:
        image = open_saved(store, Choice(), source=SOURCE, limits=DEFAULT)
        views["docker-archive"] = image.read(interest=INTEREST, limits=DEFAULT)
    with open_archive(str(stored / "oci.tar"), where="oci.tar", limits=DEFAULT) as store:
        image = open_layout(store, Choice(name="v1"), source=SOURCE, limits=DEFAULT)
        views["oci-archive"] = image.read(interest=INTEREST, limits=DEFAULT)
    for name in ("layout", "zstd"):
        layout = DirectoryStore(where=name, root=str(stored / name))
        image = open_layout(layout, Choice(), source=SOURCE, limits=DEFAULT)
        views[name] = image.read(interest=INTEREST, limits=DEFAULT)

    assert list(image.image.diff_ids) == document["RootFS"]["Layers"]
    assert ("overlay" in views) == (os.geteuid() == 0)
    expected = views.pop("export")
    files = [(e.path, "sha256") for e in expected.tree.entries.values() if e.kind == "file"]
    digests = [str(item) for item in expected.digests(files)]  # type: ignore[arg-type]
    assert len(files) > 3_000
    for name, view in views.items():
        assert rows(view) == rows(expected), name
        assert [str(item) for item in view.digests(files)] == digests, name  # type: ignore[arg-type]
        for path in ("/etc/os-release", "/var/lib/dpkg/status"):
            assert view.read(path, 1 << 26) == expected.read(path, 1 << 26), name
    entries = expected.tree.entries
    assert "/usr/share/doc/new/deep/o" in entries
    assert "/usr/share/doc/new/n" not in entries
    assert "/out" not in entries


def test_manifests_have_the_digests_that_the_engine_gives(stored: Path) -> None:
    """Of content and of identity, configuration included; and so they have with every file hashed."""
    for integrity in (False, True):
        engine = taken(f"docker:image:{MADE}", stored, integrity=integrity)
        for target in TARGETS:
            manifest = taken(target, stored, integrity=integrity)
            assert manifest.digests == engine.digests, target
            assert manifest.image == engine.image, target
            assert manifest.environment == engine.environment, target


def taken(target: str, place: Path, *, integrity: bool) -> Manifest:
    outside = Outside(environ={}, home=str(place), directory=str(place))
    return snapshot(target, SnapshotOptions(with_syft=False, integrity=integrity), outside)
