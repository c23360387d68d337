"""OCI layouts: one image is found, verified and merged, or refused with a reason."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reprocheck.engine.oci_image import StoredImage
from reprocheck.engine.oci_layout import Choice, open_layout
from reprocheck.engine.oci_manifests import machine_platform
from reprocheck.engine.oci_store import DirectoryStore, open_archive
from reprocheck.errors import CouldNotRun, InputFault, ReprocheckError, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.image import Image, Source
from tests.engine.stored_images import (
    DOCKER,
    HERE,
    OCI,
    Layout,
    configuration,
    digest,
    directory,
    file,
    named,
    packed,
    read,
    rows,
    tar,
)

LOWER = tar(directory("etc"), file("etc/os-release", b"ID=debian\n"), file("gone", b"x"))
UPPER = tar(file(".wh.gone"), file("app", b"app"))
SOURCE = Source(kind="image", reader="layout", reference="what was typed")


def opened(
    layout: Layout, where: Path, *, name: str = "", by: str = "", limits: Limits = DEFAULT
) -> StoredImage:
    store = DirectoryStore(where="the layout", root=str(layout.directory(where)))
    return open_layout(store, Choice(name=name, digest=by), source=SOURCE, limits=limits)


def refused(layout: Layout, where: Path, *, name: str = "", by: str = "") -> ReprocheckError:
    """What opening and reading the image ends in."""
    with pytest.raises(ReprocheckError) as caught:
        read(opened(layout, where, name=name, by=by))
    assert caught.value.hint.endswith(".")
    return caught.value


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_an_image_is_the_same_however_its_layers_are_stored(compression: str, tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, UPPER, compression=compression))
    image = opened(layout, tmp_path / "layout")
    view = read(image)

    assert sorted(view.tree.entries) == ["/", "/app", "/etc", "/etc/os-release"]
    assert view.read("/etc/os-release", 100) == b"ID=debian\n"
    assert image.image == Image(
        diff_ids=(digest(LOWER), digest(UPPER)),
        os="linux",
        architecture="amd64",
        command=("python3",),
        working_dir="/work",
        user="1000",
    )
    assert image.environment == (("LANG", "C.UTF-8"), ("PATH", "/usr/bin"))
    for whole in ("", "gzip", "zstd"):
        archive = layout.tar(tmp_path / f"image.tar.{whole}", compression=whole)
        with open_archive(str(archive), where="the archive", limits=DEFAULT) as store:
            again = open_layout(store, Choice(), source=SOURCE, limits=DEFAULT)
            assert (again.image, again.source) == (image.image, image.source)
            assert rows(read(again)) == rows(view)


def test_the_source_says_how_the_image_is_stored(tmp_path: Path) -> None:
    layout = Layout()
    manifest = layout.image(LOWER)
    source = opened(layout.index(manifest), tmp_path).source

    assert source.reference == "what was typed"
    assert source.manifest_digest == manifest["digest"]
    assert source.config_digest == digest(configuration([LOWER]))
    (stored,) = source.layers
    assert stored.digest == digest(packed(LOWER, "gzip"))
    assert stored.media_type == f"{OCI}.layer.v1.tar+gzip"
    assert stored.size == len(packed(LOWER, "gzip"))


def test_compression_is_told_by_the_bytes_and_not_by_the_media_type(tmp_path: Path) -> None:
    layout = Layout()
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{DOCKER}.distribution.manifest.v2+json",
        "config": layout.blob(configuration([LOWER]), f"{DOCKER}.container.image.v1+json"),
        "layers": [layout.blob(packed(LOWER, "zstd"), f"{DOCKER}.image.rootfs.diff.tar.gzip")],
    }
    layout.index(layout.document(manifest))
    assert "/gone" in read(opened(layout, tmp_path)).tree.entries


# Choosing


def several() -> tuple[Layout, list[dict[str, object]]]:
    """One index for amd64, arm64/v8 and an attestation."""
    layout = Layout()
    images = [
        layout.image(LOWER, platform=HERE),
        layout.image(UPPER, platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
    ]
    attestation = layout.blob(
        b"{}",
        f"{OCI}.manifest.v1+json",
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={"vnd.docker.reference.type": "attestation-manifest"},
    )
    index = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.index.v1+json",
        "manifests": [*images, attestation],
    }
    return layout, [layout.document(index, **named("v1")), *images]


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", LOWER), ("aarch64", UPPER)])
def test_of_several_platforms_this_machines_is_taken(
    machine: str, expected: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    layout, (index, *_) = several()
    assert opened(layout.index(index), tmp_path).image.diff_ids == (digest(expected),)


def test_the_platform_is_asked_of_the_configuration_where_the_index_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    layout = Layout()
    other = configuration([UPPER], architecture="arm64", variant="v8")
    layout.index(layout.image(LOWER), layout.image(UPPER, config=other))
    assert opened(layout, tmp_path).image.variant == "v8"


def test_the_only_image_is_taken_whatever_its_platform(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, config=configuration([LOWER], architecture="s390x")))
    assert opened(layout, tmp_path).image.architecture == "s390x"


def test_no_image_for_this_machine_lists_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert machine_platform() == "linux/riscv64"
    layout, (index, first, second) = several()
    error = refused(layout.index(index), tmp_path)
    assert error.code == "E_IMAGE_CHOICE"
    assert "none for linux/riscv64" in error.message
    assert f"linux/amd64 @{first['digest']}" in error.message
    assert f"linux/arm64/v8 @{second['digest']}" in error.message
    assert opened(layout, tmp_path, by=str(second["digest"])).image.diff_ids == (digest(UPPER),)


def test_two_images_for_one_platform_are_ambiguous(tmp_path: Path) -> None:
    layout = Layout()
    here = {"os": "linux", "architecture": machine_platform().partition("/")[2]}
    first, second = layout.image(LOWER, platform=here), layout.image(UPPER, platform=here)
    error = refused(layout.index(first, second), tmp_path)
    assert isinstance(error, UsageFault)
    assert str(first["digest"]) in error.message
    assert str(second["digest"]) in error.message


def test_images_of_several_names_need_a_name_even_if_one_fits_the_machine(tmp_path: Path) -> None:
    layout = Layout()
    arm = configuration([UPPER], architecture="arm64")
    layout.index(layout.image(LOWER, name="v1"), layout.image(UPPER, config=arm, name="v2"))
    error = refused(layout, tmp_path)
    assert error.code == "E_IMAGE_CHOICE"
    assert "v1 @sha256:" in error.message
    assert opened(layout, tmp_path, name="v2").image.architecture == "arm64"
    assert "no image 'v3'" in refused(layout, tmp_path, name="v3").message


def test_two_names_of_one_image_are_no_question(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, name="v1"), layout.image(LOWER, name="latest"))
    assert opened(layout, tmp_path).image.diff_ids == (digest(LOWER),)


def test_names_as_containerd_writes_them(tmp_path: Path) -> None:
    layout = Layout()
    annotations = {
        "org.opencontainers.image.ref.name": "3.11",
        "io.containerd.image.name": "docker.io/library/python:3.11",
    }
    layout.index(layout.image(LOWER, annotations=annotations), layout.image(UPPER, name="other"))
    for name in ("3.11", "python:3.11", "docker.io/library/python:3.11"):
        assert opened(layout, tmp_path, name=name).image.diff_ids == (digest(LOWER),)


def test_a_digest_names_an_image_or_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    layout, (index, first, second) = several()
    layout.index(index, layout.image(LOWER, UPPER, name="both"))
    assert opened(layout, tmp_path, by=str(index["digest"])).source.manifest_digest == first["digest"]
    assert opened(layout, tmp_path, by=str(second["digest"])).source.manifest_digest == second["digest"]
    assert refused(layout, tmp_path, by=digest(b"nothing")).code == "E_IMAGE_CHOICE"


# Hostile and damaged


def with_manifest(**changes: object) -> Layout:
    """A layout whose manifest was changed and is still announced with its right digest."""
    layout = Layout()
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": layout.blob(configuration([LOWER]), f"{OCI}.config.v1+json"),
        "layers": [layout.blob(LOWER, f"{OCI}.layer.v1.tar")],
    }
    document.update(changes)
    kept = {key: value for key, value in document.items() if value is not None}
    return layout.index(layout.blob(json.dumps(kept).encode(), f"{OCI}.manifest.v1+json"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"manifests": []}, "ambiguous"),
        ({"Manifests": []}, "ambiguous"),
        ({"LAYERS": []}, "differ in case"),
        ({"fsLayers": []}, "ambiguous"),
        ({"mediaType": f"{OCI}.index.v1+json"}, "where a manifest must be"),
        ({"mediaType": f"{DOCKER}.distribution.manifest.v2+json"}, "was announced as"),
        ({"mediaType": 7}, "where a manifest must be"),
        ({"schemaVersion": 1}, "schema version"),
        ({"layers": None}, "no list 'layers'"),
        ({"layers": []}, "has 0 layers"),
        (
            {"layers": [{"mediaType": f"{OCI}.layer.v1.tar", "digest": "sha256:../../etc", "size": 1}]},
            "digest",
        ),
        ({"layers": [{"mediaType": f"{OCI}.layer.v1.tar", "digest": digest(LOWER), "size": -1}]}, "no size"),
        ({"layers": [{"mediaType": "text/plain", "digest": digest(LOWER), "size": 1}]}, "cannot be merged"),
        (
            {"layers": [{"mediaType": f"{OCI}.layer.v1.tar+encrypted", "digest": digest(LOWER), "size": 1}]},
            "cannot be merged",
        ),
        (
            {"config": {"mediaType": f"{OCI}.empty.v1+json", "digest": digest(b"{}"), "size": 2}},
            "no container image",
        ),
    ],
)
def test_manifests_that_are_wrong_or_can_be_read_in_two_ways_are_refused(
    changes: dict[str, object], words: str, tmp_path: Path
) -> None:
    error = refused(with_manifest(**changes), tmp_path)
    assert isinstance(error, InputFault)
    assert error.code == "E_IMAGE_DOCUMENT"
    assert words in error.message


def test_a_manifest_that_the_descriptor_calls_an_index_is_refused(tmp_path: Path) -> None:
    layout = Layout()
    descriptor = {**layout.image(LOWER), "mediaType": f"{OCI}.index.v1+json"}
    assert refused(layout.index(descriptor), tmp_path).code == "E_IMAGE_DOCUMENT"


@pytest.mark.parametrize(
    "config",
    [
        configuration([LOWER, UPPER]),
        configuration([LOWER], rootfs={"type": "layers", "diff_ids": ["sha256:00"]}),
        configuration([LOWER], rootfs={"type": "other", "diff_ids": [digest(LOWER)]}),
        configuration([LOWER], os=""),
        b"[]",
        b'{"os": "linux", "os": "windows"}',
        b"\xff",
    ],
)
def test_configurations_that_do_not_fit_are_refused(config: bytes, tmp_path: Path) -> None:
    layout = Layout()
    error = refused(layout.index(layout.image(LOWER, config=config)), tmp_path)
    assert error.code in ("E_IMAGE_DOCUMENT", "E_JSON")


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_a_changed_byte_in_any_blob_is_refused(compression: str, tmp_path: Path) -> None:
    """In the layer's own stream, or by its digest."""
    layout = Layout()
    layout.index(layout.image(LOWER, compression=compression))
    for number, name in enumerate(sorted(name for name in layout.files if name.startswith("blobs/"))):
        for place in (0, len(layout.files[name]) // 2, len(layout.files[name]) - 1):
            changed = bytearray(layout.files[name])
            changed[place] ^= 0x01
            other = Layout({**layout.files, name: bytes(changed)})
            error = refused(other, tmp_path / f"{number}-{place}")
            assert isinstance(error, InputFault)
            assert error.code.startswith(("E_BLOB", "E_TAR", "E_ARCHIVE", "E_COMPRESSION"))


def test_another_size_than_announced_is_refused_before_reading(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER))
    name = f"blobs/sha256/{digest(packed(LOWER, 'gzip'))[7:]}"
    layout.files[name] += bytes(7)
    error = refused(layout, tmp_path)
    assert (error.code, error.exit_code) == ("E_BLOB_DIGEST", 2)
    assert "instead of" in error.message


def test_a_layer_that_is_not_the_one_of_the_configuration_is_refused(tmp_path: Path) -> None:
    """Its stored digest may be right: whoever made the manifest may have exchanged it."""
    layout = Layout()
    layout.index(layout.image(LOWER, config=configuration([UPPER])))
    error = refused(layout, tmp_path)
    assert (error.code, error.exit_code) == ("E_LAYER_DIGEST", 2)
    assert digest(UPPER) in error.message


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_layer_that_is_cut_short_is_refused(compression: str, tmp_path: Path) -> None:
    for number, raw in enumerate((LOWER[:512], LOWER[: len(LOWER) - 10_000], b"")):
        layout = Layout()
        layout.index(layout.image(raw, compression=compression))
        error = refused(layout, tmp_path / str(number))
        assert (error.code, error.exit_code) == ("E_ARCHIVE_DAMAGED", 2)


def test_missing_blobs_and_links_in_a_layout_are_refused(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER))
    name = f"blobs/sha256/{digest(packed(LOWER, 'gzip'))[7:]}"
    image = opened(layout, tmp_path / "a")
    (tmp_path / "a" / name).unlink()
    with pytest.raises(InputFault, match="is missing") as caught:
        read(image)
    assert caught.value.code == "E_BLOB_MISSING"

    image = opened(layout, tmp_path / "b")
    (tmp_path / "b" / name).rename(tmp_path / "outside")
    (tmp_path / "b" / name).symlink_to(tmp_path / "outside")
    with pytest.raises(InputFault, match="symbolic link"):
        read(image)

    layout.directory(tmp_path / "c")
    (tmp_path / "c/blobs").rename(tmp_path / "blobs")
    (tmp_path / "c/blobs").symlink_to(tmp_path / "blobs")
    store = DirectoryStore(where="the layout", root=str(tmp_path / "c"))
    with pytest.raises(InputFault, match="link"):
        open_layout(store, Choice(), source=SOURCE, limits=DEFAULT)


def test_a_fifo_for_a_blob_does_not_hang(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER))
    image = opened(layout, tmp_path)
    blob = tmp_path / f"blobs/sha256/{digest(packed(LOWER, 'gzip'))[7:]}"
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(InputFault, match="FIFO"):
        read(image)


def test_indexes_below_indexes_end(tmp_path: Path) -> None:
    layout = Layout()
    descriptor = layout.image(LOWER)
    for _ in range(6):
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [descriptor]}
        descriptor = layout.document(index)
    assert "more than 4 indexes" in refused(layout.index(descriptor), tmp_path).message


def test_a_layout_of_another_version_is_refused(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER))
    layout.files["oci-layout"] = b'{"imageLayoutVersion":"2.0.0"}'
    assert "only 1.0.0" in refused(layout, tmp_path).message


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_layer_that_unpacks_without_end_hits_the_limit(compression: str, tmp_path: Path) -> None:
    bomb = tar(file("zeros", bytes(1 << 24)))
    layout = Layout()
    layout.index(layout.image(bomb, compression=compression))
    assert sum(map(len, layout.files.values())) < 1 << 15
    image = opened(layout, tmp_path)
    with pytest.raises(CouldNotRun, match=r"image_stream.*") as caught:
        read(image, limits=replace(DEFAULT, image_stream=1 << 20))
    assert "--limit-scale" in caught.value.hint


def test_layers_count_together_against_the_limit(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(*(tar(file("zeros", bytes([n]) * (1 << 20))) for n in range(4))))
    image = opened(layout, tmp_path)
    with pytest.raises(CouldNotRun, match="image_stream"):
        read(image, limits=replace(DEFAULT, image_stream=3 << 20))


def test_a_document_above_the_limit_is_not_read(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, config=configuration([LOWER], note="x" * 2_000)))
    with pytest.raises(InputFault) as caught:
        opened(layout, tmp_path, limits=replace(DEFAULT, manifest_bytes=1_500))
    assert caught.value.code == "E_TOO_LARGE"


def test_names_in_messages_are_escaped(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, name="\x1b[31mred"), layout.image(UPPER, name="v2"))
    assert "\x1b" not in refused(layout, tmp_path).message


def test_reading_leaves_no_descriptor_open(tmp_path: Path) -> None:
    layout = Layout()
    layout.index(layout.image(LOWER, UPPER))
    with closing(os.scandir("/proc/self/fd")) as before:
        count = len(list(before))
    for number in range(3):
        read(opened(layout, tmp_path / str(number)))
        refused(with_manifest(layers=[]), tmp_path / f"wrong{number}")
    with closing(os.scandir("/proc/self/fd")) as after:
        assert len(list(after)) == count
