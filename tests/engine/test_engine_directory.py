"""A real directory as a view."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from reprocheck.engine.directory import open_directory
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT
from reprocheck.ports import Interest, ViewError


def fill(root: Path) -> Path:
    for name in ("usr/lib", "etc", "proc", "dev", "opt/venv/lib"):
        (root / name).mkdir(parents=True)
    (root / "usr/lib/os-release").write_bytes(b"ID=debian\n")
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "lib").symlink_to("/usr/lib")
    (root / "proc/1").write_bytes(b"")
    (root / "etc/hosts").write_bytes(b"")
    (root / "opt/venv/pyvenv.cfg").write_bytes(b"home = /usr\n")
    return root


def test_everything_is_listed_but_what_belongs_to_the_engine(tmp_path: Path) -> None:
    view = open_directory(str(fill(tmp_path)), limits=DEFAULT)
    assert sorted(view.tree.entries) == [
        "/",
        "/etc",
        "/etc/os-release",
        "/lib",
        "/opt",
        "/opt/venv",
        "/opt/venv/lib",
        "/opt/venv/pyvenv.cfg",
        "/usr",
        "/usr/lib",
        "/usr/lib/os-release",
    ]
    assert view.read("/etc/os-release", 100) == b"ID=debian\n"
    assert view.read("/lib/os-release", 100) == b"ID=debian\n"
    assert view.unreadable == ()


def test_only_bounds_the_walk(tmp_path: Path) -> None:
    fill(tmp_path)
    view = open_directory(str(tmp_path), only=("/opt/venv", "/etc/os-release", "/none"), limits=DEFAULT)
    assert "/opt/venv/pyvenv.cfg" in view.tree.entries
    assert "/usr/lib" in view.tree.entries
    assert "/etc/os-release" in view.tree.entries
    assert "/lib" not in view.tree.entries
    assert view.read("/etc/os-release", 100) == b"ID=debian\n"


def test_an_only_path_behind_an_absolute_link_stays_inside_the_root(tmp_path: Path) -> None:
    """`/lib -> /usr/lib` means the root's own directory, not this machine's."""
    view = open_directory(str(fill(tmp_path)), only=("/lib",), limits=DEFAULT)
    assert sorted(view.tree.entries) == ["/", "/lib", "/usr", "/usr/lib", "/usr/lib/os-release"]
    assert view.read("/lib/os-release", 100) == b"ID=debian\n"


def test_a_start_above_another_start_is_walked_whole(tmp_path: Path) -> None:
    fill(tmp_path)
    both = open_directory(str(tmp_path), only=("/opt/venv/lib", "/opt"), limits=DEFAULT)
    assert "/opt/venv/pyvenv.cfg" in both.tree.entries


def test_a_link_loop_in_an_only_path_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "/a" in open_directory(str(tmp_path), only=("/a/x",), limits=DEFAULT).tree.entries


def test_special_files_are_listed_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        view = open_directory(str(tmp_path), limits=DEFAULT)
    assert view.tree.entries["/pipe"].kind == "other"
    assert "/sock" not in view.tree.entries
    with pytest.raises(ViewError):
        view.read("/pipe", 10)


def test_undecodable_names_survive(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff"))).write_bytes(b"x")
    view = open_directory(str(tmp_path), limits=DEFAULT)
    assert view.read("/a\udcff", 10) == b"x"


def test_a_file_that_grew_or_was_swapped_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"s")
    view = open_directory(str(tmp_path), limits=DEFAULT)
    (tmp_path / "a").write_bytes(b"x" * 50)
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("secret")
    with pytest.raises(ViewError, match="limit of 10"):
        view.read("/a", 10)
    with pytest.raises(ViewError, match="symbolic link"):
        view.read("/b", 10)


def test_an_unreadable_directory_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").write_bytes(b"x")
    real = os.scandir

    def refuse(path: bytes) -> object:
        if path.endswith(b"/closed/"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    view = open_directory(str(tmp_path), limits=DEFAULT)
    assert view.unreadable == (("/closed", "permission denied"),)
    assert "/open" in view.tree.entries


def test_a_missing_root_is_unreadable_and_not_empty(tmp_path: Path) -> None:
    view = open_directory(str(tmp_path / "none"), limits=DEFAULT)
    assert view.unreadable == (("/", "no such file or directory"),)


def test_the_number_of_entries_is_bounded(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(CouldNotRun, match="tar_members") as caught:
        open_directory(str(tmp_path), limits=replace(DEFAULT, tar_members=3))
    assert caught.value.code == "E_LIMIT"


def test_of_installed_source_files_only_the_kind_is_asked(tmp_path: Path) -> None:
    """A call for each of tens of thousands; sizes of all others, and of all for --integrity, are there."""
    site = tmp_path / "lib/python3.11/site-packages/package"
    cache = tmp_path / "lib/python3.11/site-packages/models--org--name/snapshots/1"
    for place in (site, cache, tmp_path / "home"):
        place.mkdir(parents=True)
        (place / "code.py").write_text("pass\n")
        (place / "data.bin").write_text("12345\n")
    (site / "link.py").symlink_to("code.py")

    def sizes(*, digests: bool) -> dict[str, int]:
        interest = Interest(keep=lambda _: True, digests=digests)
        view = open_directory(str(tmp_path), interest=interest, limits=DEFAULT)
        return {
            path.removeprefix("/lib/python3.11/site-packages/"): entry.size
            for path, entry in view.tree.entries.items()
            if entry.kind == "file"
        }

    whole = {
        "package/code.py": 5,
        "package/data.bin": 6,
        "models--org--name/snapshots/1/code.py": 5,
        "models--org--name/snapshots/1/data.bin": 6,
        "/home/code.py": 5,
        "/home/data.bin": 6,
    }
    assert sizes(digests=True) == whole
    assert sizes(digests=False) == {**whole, "package/code.py": 0}
