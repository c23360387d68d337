"""Layer directories are merged as the kernel merges them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reprocheck.engine import overlay
from reprocheck.engine.overlay import layers_readable, open_overlay
from reprocheck.engine.view import View
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT

Content = str | None
"""Text of a file, `-> target` for a link, None for a whiteout; a path that ends in `/` is a directory."""


def build(place: Path, content: Mapping[str, Content]) -> str:
    place.mkdir()
    for name, text in content.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif text is None:
            os.mknod(path, stat.S_IFCHR, 0)  # the kernel lets everybody make a whiteout
        elif text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)
    return str(place)


def merged(place: Path, *layers: Mapping[str, Content]) -> View:
    paths = tuple(build(place / f"layer{number}", content) for number, content in enumerate(layers))
    return open_overlay(paths, limits=DEFAULT)


def mark(monkeypatch: pytest.MonkeyPatch, marks: Mapping[str, tuple[str, bytes]]) -> None:
    """Pretend that paths carry attributes: setting trusted ones needs root."""
    plain = {os.fsencode(path).rstrip(b"/"): value for path, value in marks.items()}

    def attributes(place: bytes) -> list[tuple[str, bytes]]:
        found = plain.get(place.rstrip(b"/"))
        return [found] if found else []

    monkeypatch.setattr(overlay, "_attributes", attributes)


def files(view: View) -> list[str]:
    return sorted(path for path, entry in view.tree.entries.items() if entry.kind != "directory")


def test_the_topmost_file_counts(tmp_path: Path) -> None:
    view = merged(tmp_path, {"a/x": "low", "a/y": "low"}, {"a/x": "middle"}, {"a/z": "top"})
    assert files(view) == ["/a/x", "/a/y", "/a/z"]
    assert view.read("/a/x", 10) == b"middle"
    assert view.read("/a/y", 10) == b"low"


def test_whiteouts_remove_files_and_whole_directories(tmp_path: Path) -> None:
    view = merged(tmp_path, {"a/x": "1", "a/y": "1", "b/c/d": "1"}, {"a/x": None, "b": None})
    assert sorted(view.tree.entries) == ["/", "/a", "/a/y"]


def test_what_comes_back_above_a_whiteout_does_not_bring_old_files(tmp_path: Path) -> None:
    view = merged(tmp_path, {"b/old": "1"}, {"b": None}, {"b/new": "2"})
    assert files(view) == ["/b/new"]


def test_a_file_replaces_a_directory_and_the_reverse(tmp_path: Path) -> None:
    view = merged(tmp_path, {"a/x": "1", "b": "file"}, {"a": "now a file", "b/x": "1"})
    assert files(view) == ["/a", "/b/x"]
    assert view.tree.entries["/b"].kind == "directory"


def test_a_link_hides_a_directory(tmp_path: Path) -> None:
    view = merged(tmp_path, {"lib/x": "1", "usr/lib/": ""}, {"lib": "-> usr/lib", "usr/lib/x": "2"})
    assert view.read("/lib/x", 10) == b"2"


def test_a_directory_above_a_file_above_a_directory(tmp_path: Path) -> None:
    view = merged(tmp_path, {"a/low": "1"}, {"a": "file"}, {"a/top": "1"})
    assert files(view) == ["/a/top"]


def test_an_opaque_directory_hides_what_lies_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(monkeypatch, {str(tmp_path / "layer1/a"): ("opaque", b"y")})
    view = merged(tmp_path, {"a/x": "1", "a/sub/y": "1"}, {"a/z": "1"}, {"a/t": "1"})
    assert files(view) == ["/a/t", "/a/z"]


@pytest.mark.parametrize(
    ("path", "attribute"),
    [("layer1/a", ("redirect", b"/b")), ("layer1/a", ("opaque", b"x")), ("layer1/only", ("redirect", b"/b"))],
)
def test_features_that_are_not_merged_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, attribute: tuple[str, bytes]
) -> None:
    mark(monkeypatch, {str(tmp_path / path): attribute})
    with pytest.raises(CouldNotRun) as caught:
        merged(tmp_path, {"a/x": "1", "b/x": "1"}, {"a/z": "1", "only/z": "1"})
    assert caught.value.code == "E_OVERLAY_REDIRECT"


def test_a_file_whose_bytes_lie_in_another_layer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = build(tmp_path / "layer0", {})
    with (tmp_path / "layer0/sparse").open("wb") as file:
        file.truncate(4096)
    mark(monkeypatch, {f"{top}/sparse": ("metacopy", b"")})
    with pytest.raises(CouldNotRun) as caught:
        open_overlay((top,), limits=DEFAULT)
    assert caught.value.code == "E_OVERLAY_REDIRECT"


def test_a_layer_that_vanished_is_an_error_and_not_an_empty_image(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun) as caught:
        open_overlay((str(tmp_path / "none"),), limits=DEFAULT)
    assert caught.value.code == "E_OVERLAY_READ"


def test_masked_paths_are_left_out(tmp_path: Path) -> None:
    view = merged(tmp_path, {"app": "1"}, {"etc/hosts": "", "dev/console": "", ".dockerenv": ""})
    assert sorted(view.tree.entries) == ["/", "/app"]


def test_the_number_of_entries_is_bounded(tmp_path: Path) -> None:
    layer = build(tmp_path / "layer", {"a": "", "b": "", "c": ""})
    with pytest.raises(CouldNotRun, match="tar_members"):
        open_overlay((layer,), limits=replace(DEFAULT, tar_members=2))


def test_layers_are_readable_for_the_administrator_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody else would see a tree without opaque marks and take it for the image."""
    layer = str(tmp_path)
    monkeypatch.setattr(overlay, "_administrator", lambda: True)
    assert layers_readable((layer,))
    assert not layers_readable(())
    assert not layers_readable((layer, f"{layer}/none"))
    monkeypatch.setattr(overlay, "_administrator", lambda: False)
    assert not layers_readable((layer,))
