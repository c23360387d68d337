"""Snapshots of archives and layouts: the manifest, and what is said when the target is another thing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reprocheck.api.outside import Outside
from reprocheck.api.snapshot import SnapshotOptions, snapshot
from reprocheck.errors import UsageFault
from reprocheck.model.manifest import Manifest
from tests.engine.stored_images import Layout, configuration, digest, directory, file, saved, tar

STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
OLDER = STATUS.replace(b"2.36-9", b"2.36-1")
LOWER = tar(
    directory("etc"),
    file("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
    directory("var/lib/dpkg"),
    file("var/lib/dpkg/status", OLDER),
)
UPPER = tar(file("var/lib/dpkg/status", STATUS))
CONFIG = configuration([LOWER, UPPER])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the same image as a layout, an OCI archive and a `docker save` archive."""
    layout = Layout()
    layout.index(layout.image(LOWER, UPPER, config=CONFIG, name="v1"))
    layout.directory(tmp_path / "layout")
    layout.tar(tmp_path / "oci:1.tar")
    row = {"Config": "c.json", "RepoTags": ["image:v1"], "Layers": ["a/layer.tar", "b/layer.tar"]}
    parts = (file("a/layer.tar", LOWER), file("b/layer.tar", UPPER), file("c.json", CONFIG))
    saved(tmp_path / "saved.tar", *parts, manifest=[row])
    saved(tmp_path / "saved.tar.gz", *parts, manifest=[row], compression="gzip")
    (tmp_path / "rootfs/etc").mkdir(parents=True)
    (tmp_path / "rootfs/usr").mkdir()
    (tmp_path / "rootfs/bin").mkdir()
    (tmp_path / "export.tar").write_bytes(LOWER)
    return tmp_path


def taken(target: str, place: Path, options: SnapshotOptions | None = None) -> Manifest:
    outside = Outside(environ={}, home=str(place), directory=str(place))
    return snapshot(target, options or SnapshotOptions(with_syft=False), outside)


def refused(target: str, place: Path, options: SnapshotOptions | None = None) -> UsageFault:
    with pytest.raises(UsageFault) as caught:
        taken(target, place, options)
    assert caught.value.hint.endswith(".")
    return caught.value


TARGETS = [
    "oci:layout",
    "oci:layout:v1",
    "oci:./layout/",
    "oci-archive:oci:1.tar",
    "oci-archive:oci:1.tar:v1",
    "docker-archive:saved.tar",
    "docker-archive:saved.tar:image:v1",
    "docker-archive:saved.tar.gz",
]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_gives_the_same_identity_and_content(target: str, place: Path) -> None:
    manifest = taken(target, place)
    rootfs = place / "merged"
    for name, raw in (("etc/os-release", b"ID=debian\nVERSION_ID=12\n"), ("var/lib/dpkg/status", STATUS)):
        (rootfs / name).parent.mkdir(parents=True)
        (rootfs / name).write_bytes(raw)
    unpacked = taken("rootfs:merged", place)

    assert manifest.digests is not None
    assert unpacked.digests is not None
    assert manifest.digests.content == unpacked.digests.content
    assert manifest.digests.identity == taken(TARGETS[0], place).digests.identity  # type: ignore[union-attr]
    assert [(package.name, package.version) for package in manifest.packages] == [("libc6", "2.36-9")]
    assert manifest.image is not None
    assert manifest.image.diff_ids == (digest(LOWER), digest(UPPER))
    assert {(v.name, v.value, v.origin) for v in manifest.environment} == {
        ("LANG", "C.UTF-8", "image"),
        ("PATH", "/usr/bin", "image"),
    }
    source = manifest.source
    assert source is not None
    assert source.kind == "image"
    assert source.reference == target
    assert source.reader == ("layout" if target.startswith("oci:") else "archive")
    assert source.config_digest == digest(CONFIG)
    assert len(source.layers) == 2
    assert (source.manifest_digest is None) == target.startswith("docker-archive:")


def test_a_digest_behind_the_path_names_the_manifest(place: Path) -> None:
    source = taken("oci:layout", place).source
    assert source is not None
    by = source.manifest_digest
    again = taken(f"oci:layout@{by}", place).source
    assert again is not None
    assert again.manifest_digest == by
    assert refused(f"oci:layout@{digest(b'')}", place).code == "E_IMAGE_CHOICE"


def test_integrity_and_libraries_can_be_asked_of_an_archive(place: Path) -> None:
    options = SnapshotOptions(with_syft=False, integrity=True)
    manifest = taken("docker-archive:saved.tar", place, options)
    assert manifest.integrity == taken("oci:layout", place, options).integrity
    assert manifest.integrity is not None


def test_secrets_of_the_image_do_not_reach_the_manifest(tmp_path: Path) -> None:
    layout = Layout()
    env = ["PATH=/usr/bin", "API_TOKEN=ghp_0123456789abcdefghijklmnopqrstuvwxyz"]
    layout.index(layout.image(LOWER, config=configuration([LOWER], config={"Env": env})))
    layout.directory(tmp_path / "layout")
    assert "0123456789abcdef" not in repr(taken("oci:layout", tmp_path))


@pytest.mark.parametrize(
    ("target", "words", "hint"),
    [
        ("docker-archive:none.tar", "No such file", "Check the path"),
        ("oci:none", "No such file", "Check the path"),
        ("oci:none:v1", "No such file", "Check the path"),
        ("oci:a\0b", "cannot be read", "Check the path"),
        ("docker-archive:layout", "is a directory", "oci:"),
        ("oci-archive:rootfs", "is a directory", "rootfs:"),
        ("oci:saved.tar", "is a file", "docker-archive:"),
        ("rootfs:layout", "holds an OCI layout", "oci:layout"),
        ("oci:rootfs", "looks like a root file system", "rootfs:DIR"),
        ("oci-archive:saved.tar", "looks like what `docker save` writes", "docker-archive:"),
        ("docker-archive:oci:1.tar", "looks like an OCI layout", "oci-archive:"),
        ("docker-archive:export.tar", "no manifest.json", "docker save"),
    ],
)
def test_another_thing_than_the_scheme_says_is_told_with_the_right_scheme(
    target: str, words: str, hint: str, place: Path
) -> None:
    error = refused(target, place)
    assert error.code == "E_TARGET"
    assert words in error.message
    assert hint in error.hint


def test_an_image_has_no_outputs(place: Path) -> None:
    error = refused("oci:layout", place, SnapshotOptions(outputs=("/out",)))
    assert error.code == "E_OUTPUTS_NEED_CONTAINER"


def test_nothing_is_written_anywhere(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory, the home and the temporary directory hold what they held."""
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.chdir(place)
    before = sorted(os.walk(place))
    for target in TARGETS:
        taken(target, place)
    assert sorted(os.walk(place)) == before
