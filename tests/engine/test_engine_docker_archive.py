"""`docker save` archives of every age, and what is wrong with some."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.docker_archive import open_saved
from reprocheck.engine.oci_image import StoredImage
from reprocheck.engine.oci_layout import Choice
from reprocheck.engine.oci_store import open_archive
from reprocheck.errors import CouldNotRun, InputFault, ReprocheckError, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.image import Source, StoredLayer
from tests.engine.stored_images import (
    HARD,
    LINK,
    Part,
    configuration,
    digest,
    directory,
    file,
    packed,
    read,
    rows,
    saved,
    tar,
)

LOWER = tar(directory("etc"), file("etc/os-release", b"ID=debian\n"), file("gone", b"x"))
UPPER = tar(file(".wh.gone"), file("app", b"app"))
CONFIG = configuration([LOWER, UPPER])
ID = digest(CONFIG)[7:]
SOURCE = Source(kind="image", reader="archive", reference="what was typed")

OLD = (
    directory("0a"),
    file("0a/VERSION", b"1.0"),
    file("0a/layer.tar", LOWER),
    file("0b/layer.tar", UPPER),
    file(f"{ID}.json", CONFIG),
)
OLD_ROW = {"Config": f"{ID}.json", "RepoTags": ["python:3.11"], "Layers": ["0a/layer.tar", "0b/layer.tar"]}


@contextmanager
def opened(path: Path, name: str = "", *, limits: Limits = DEFAULT) -> Iterator[StoredImage]:
    with open_archive(str(path), where="the archive", limits=limits) as store:
        yield open_saved(store, Choice(name=name), source=SOURCE, limits=limits)


def refused(path: Path, name: str = "", *, limits: Limits = DEFAULT) -> ReprocheckError:
    """What opening and reading the image ends in."""
    with pytest.raises(ReprocheckError) as caught, opened(path, name, limits=limits) as image:
        read(image, limits=limits)
    assert caught.value.hint.endswith(".")
    return caught.value


def blob(raw: bytes) -> str:
    return f"blobs/sha256/{digest(raw)[7:]}"


def modern(compression: str = "") -> tuple[list[Part], dict[str, object]]:
    """As Docker 25 and later write it."""
    stored = [packed(layer, compression) for layer in (LOWER, UPPER)]
    row: dict[str, object] = {
        "Config": blob(CONFIG),
        "RepoTags": ["python:3.11"],
        "Layers": [blob(raw) for raw in stored],
        "LayerSources": {
            digest(layer): {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(raw)}
            for layer, raw in zip((LOWER, UPPER), stored, strict=True)
        },
    }
    return [file(blob(raw), raw) for raw in (CONFIG, *stored)], row


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
@pytest.mark.parametrize("form", ["old", "modern", "modern gzip", "links", "hard links"])
def test_every_form_gives_the_same_image(form: str, compression: str, tmp_path: Path) -> None:
    parts: tuple[Part, ...] = OLD
    row: dict[str, object] = dict(OLD_ROW)
    if form.startswith("modern"):
        listed, row = modern(form.partition(" ")[2])
        parts = tuple(listed)
    elif "links" in form:  # podman and skopeo: the files at the top, a link in each directory
        tops = tuple(file(f"{digest(layer)[7:]}.tar", layer) for layer in (LOWER, UPPER))
        kind, up = (LINK, "../") if form == "links" else (HARD, "")
        links = tuple((f"0{n}/layer.tar", kind, f"{up}{tops[i][0]}") for i, n in enumerate("ab"))
        parts = (*tops, *links, OLD[-1])
    path = saved(tmp_path / "saved.tar", *parts, manifest=[row], compression=compression)

    with opened(path) as image:
        view = read(image)
        assert sorted(view.tree.entries) == ["/", "/app", "/etc", "/etc/os-release"]
        assert view.read("/app", 10) == b"app"
        assert rows(view) == rows(read(image))
        assert image.image.diff_ids == (digest(LOWER), digest(UPPER))
        assert image.environment == (("LANG", "C.UTF-8"), ("PATH", "/usr/bin"))
        assert image.source.config_digest == digest(CONFIG)
        assert image.source.manifest_digest is None


def test_the_manifest_may_come_first_and_layers_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "saved.tar"
    path.write_bytes(tar(file("manifest.json", json.dumps([OLD_ROW]).encode()), *reversed(OLD)))
    with opened(path) as image:
        assert "/app" in read(image).tree.entries


def test_layers_are_described_as_they_are_stored(tmp_path: Path) -> None:
    with opened(saved(tmp_path / "old.tar", *OLD, manifest=[OLD_ROW])) as image:
        assert image.source.layers == tuple(StoredLayer(digest="", size=len(raw)) for raw in (LOWER, UPPER))
    parts, row = modern()
    with opened(saved(tmp_path / "new.tar", *parts, manifest=[row])) as image:
        media_type = "application/vnd.oci.image.layer.v1.tar"
        assert image.source.layers[1] == StoredLayer(
            digest=digest(UPPER), size=len(UPPER), media_type=media_type
        )


# Choosing


def two(where: Path) -> Path:
    other = configuration([UPPER])
    row = {"Config": f"{digest(other)[7:]}.json", "RepoTags": ["b:1", "b:latest"], "Layers": ["0b/layer.tar"]}
    return saved(where / "two.tar", *OLD, file(str(row["Config"]), other), manifest=[OLD_ROW, row])


def test_of_several_images_one_must_be_named(tmp_path: Path) -> None:
    path = two(tmp_path)
    error = refused(path)
    assert isinstance(error, UsageFault)
    assert error.code == "E_IMAGE_CHOICE"
    assert "python:3.11" in error.message
    assert "b:1, b:latest" in error.message
    for name, layers in (
        ("python:3.11", 2),
        ("b:1", 1),
        ("b", 1),
        (ID, 2),
        (ID[:12], 2),
        (f"sha256:{ID}", 2),
    ):
        with opened(path, name) as image:
            assert len(image.layers) == layers
    for name in ("c", ID[:11], "python", "b:2", "\x1b[31m"):
        error = refused(path, name)
        assert error.code == "E_IMAGE_CHOICE"
        assert "no image" in error.message
        assert "\x1b" not in error.message


def test_an_image_without_a_tag_is_listed_by_its_id(tmp_path: Path) -> None:
    rows_ = [{**OLD_ROW, "RepoTags": None}, {**OLD_ROW, "RepoTags": ["a:1"]}]
    assert f"sha256:{ID}" in refused(saved(tmp_path / "saved.tar", *OLD, manifest=rows_)).message


# Hostile and damaged


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({}, "E_IMAGE_DOCUMENT"),
        ([], "E_IMAGE_DOCUMENT"),
        ([7], "E_IMAGE_DOCUMENT"),
        ([{**OLD_ROW, "Config": ""}], "E_IMAGE_DOCUMENT"),
        ([{**OLD_ROW, "Layers": ["0a/layer.tar", 7]}], "E_IMAGE_DOCUMENT"),
        ([{**OLD_ROW, "Layers": ["0a/layer.tar"]}], "E_IMAGE_DOCUMENT"),
        ([{**OLD_ROW, "Layers": None}], "E_IMAGE_DOCUMENT"),
        ([{**OLD_ROW, "Config": "none.json"}], "E_BLOB_MISSING"),
        ([{**OLD_ROW, "Layers": ["0a/layer.tar", "../../etc/passwd"]}], "E_BLOB_MISSING"),
        ([{**OLD_ROW, "Layers": ["0a/layer.tar", "/etc/passwd"]}], "E_BLOB_MISSING"),
        ([{**OLD_ROW, "Layers": ["0b/layer.tar", "0a/layer.tar"]}], "E_LAYER_DIGEST"),
    ],
)
def test_manifests_that_do_not_fit_are_refused(manifest: object, code: str, tmp_path: Path) -> None:
    error = refused(saved(tmp_path / "saved.tar", *OLD, manifest=manifest))
    assert isinstance(error, InputFault)
    assert error.code == code


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("../../../etc/passwd", "leads out"),
        ("/etc/passwd", "leads out"),
        ("..", "leads out"),
        ("../0b/layer.tar", "in a circle"),
        ("../none", "is missing"),
    ],
)
def test_links_are_followed_inside_the_archive_only(target: str, words: str, tmp_path: Path) -> None:
    parts = (OLD[2], ("0b/layer.tar", LINK, target), OLD[4])
    error = refused(saved(tmp_path / "saved.tar", *parts, manifest=[OLD_ROW]))
    assert error.code == "E_BLOB_MISSING"
    assert words in error.message


def test_a_configuration_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    other = configuration([LOWER, UPPER], config={"Env": ["PATH=/evil"]})
    path = saved(tmp_path / "saved.tar", *OLD[:-1], file(f"{ID}.json", other), manifest=[OLD_ROW])
    assert refused(path).code == "E_BLOB_DIGEST"


def test_a_stored_layer_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    """Packed anew its plain bytes are right, and yet it is another blob."""
    parts, row = modern("gzip")
    name = parts[1][0]
    parts[1] = file(name, packed(LOWER, "zstd"))
    error = refused(saved(tmp_path / "saved.tar", *parts, manifest=[row]))
    assert error.code == "E_BLOB_DIGEST"


WHOLE = tar(*OLD, file("manifest.json", json.dumps([OLD_ROW]).encode()))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=50)
def test_changed_bytes_give_the_same_image_or_one_of_our_errors(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(WHOLE)
    for place, value in changes:
        changed[place] = value
    with NamedTemporaryFile() as copy:
        copy.write(changed)
        copy.flush()
        try:
            with opened(Path(copy.name)) as image:
                found = sorted(read(image).tree.entries)
        except ReprocheckError as error:
            assert error.exit_code in (2, 3)  # noqa: PT017
        else:
            assert found == ["/", "/app", "/etc", "/etc/os-release"]


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "saved.tar", *OLD, file("0a/layer.tar", UPPER), manifest=[OLD_ROW])
    error = refused(path)
    assert error.code == "E_TAR_HOSTILE"
    assert "twice" in error.message


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_archives_that_are_cut_short_are_refused(compression: str, tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.tar", *OLD, manifest=[OLD_ROW], compression=compression).read_bytes()
    cut = tmp_path / "cut.tar"
    content = len(whole.rstrip(b"\0"))  # a plain one ends in more zeros than it needs
    for end in range(600 if not compression else 30, content, content // 7):
        cut.write_bytes(whole[:end])
        error = refused(cut)
        assert isinstance(error, InputFault)
        assert error.code in ("E_ARCHIVE_DAMAGED", "E_COMPRESSION", "E_NOT_AN_ARCHIVE")


@pytest.mark.parametrize("raw", [b"", b"x", b"PK\x03\x04" + bytes(600), bytes(range(256)) * 40])
def test_what_is_no_archive_is_said_so(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    error = refused(path)
    assert (error.code, error.exit_code) == ("E_NOT_AN_ARCHIVE", 2)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").code == "E_NOT_AN_ARCHIVE"


def test_a_file_that_shrinks_meanwhile_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "saved.tar", *OLD, manifest=[OLD_ROW])
    with opened(path) as image:
        os.truncate(path, 2_000)
        with pytest.raises(InputFault) as caught:
            read(image)
    assert caught.value.code == "E_ARCHIVE_DAMAGED"


def test_members_and_bytes_have_limits(tmp_path: Path) -> None:
    path = saved(tmp_path / "saved.tar", *OLD, manifest=[OLD_ROW])
    assert "tar_members" in refused(path, limits=replace(DEFAULT, tar_members=3)).message
    assert "image_stream" in refused(path, limits=replace(DEFAULT, image_stream=10_000)).message
    bomb = tmp_path / "bomb.tar"
    bomb.write_bytes(packed(tar(file("manifest.json", bytes(1 << 24))), "gzip"))
    error = refused(bomb, limits=replace(DEFAULT, image_stream=1 << 20))
    assert isinstance(error, CouldNotRun)
    assert error.code == "E_LIMIT"


def test_a_compressed_archive_is_not_gone_back_through_for_ever(tmp_path: Path) -> None:
    """A thousand layers of which each lies before the last one would mean a thousand passes."""
    layers = tuple(tar(file(f"f{number}", bytes([number]) * 600_000)) for number in range(3))
    config = configuration(reversed(layers))
    parts = (file("c.json", config), *(file(f"{n}.tar", layer) for n, layer in enumerate(layers)))
    row = {"Config": "c.json", "RepoTags": None, "Layers": ["2.tar", "1.tar", "0.tar"]}
    path = saved(tmp_path / "saved.tar", *parts, manifest=[row], compression="gzip")
    with opened(path) as image:
        assert len(read(image).tree.entries) == 4
    late = refused(path, limits=replace(DEFAULT, snapshot_seconds=0))
    assert (late.code, "snapshot_seconds" in late.message) == ("E_LIMIT", True)


def test_more_layers_than_any_engine_makes_are_refused(tmp_path: Path) -> None:
    """Each may name the same bytes."""
    config = configuration([LOWER] * 1_001)
    row = {"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"] * 1_001}
    path = saved(tmp_path / "saved.tar", file("c.json", config), file("l.tar", LOWER), manifest=[row])
    assert "1001 layers" in refused(path).message


def test_a_plain_archive_is_found_through_without_reading_its_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tar(file("zeros", bytes(1 << 24)))
    config = configuration([large])
    row = {"Config": "c.json", "RepoTags": [], "Layers": ["a/layer.tar"]}
    path = saved(tmp_path / "saved.tar", file("a/layer.tar", large), file("c.json", config), manifest=[row])
    count = 0
    genuine = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        nonlocal count
        piece = genuine(descriptor, size, offset)
        count += len(piece)
        return piece

    monkeypatch.setattr(os, "pread", counted)
    with opened(path) as image:
        assert count < 1 << 21
        assert image.image.diff_ids == (digest(large),)
