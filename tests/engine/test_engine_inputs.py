"""Inputs are hashed whole, and what cannot be hashed is an error."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from reprocheck.artifacts.tree import TreeEntry, tree_digest
from reprocheck.engine import inputs
from reprocheck.engine.beneath import RefusedPath
from reprocheck.engine.inputs import hash_input, hash_listed, hash_with_listing
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import DEFAULT
from reprocheck.model.run import Input


def digest(path: Path, *exclude: str) -> str:
    found = hash_input(str(path), "/data", limits=DEFAULT, exclude=exclude).sha256
    assert found is not None
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "sub/empty").mkdir(parents=True)
    (root / "sub/a.csv").write_bytes(b"1,2\n")
    (root / "proc").mkdir()
    (root / "proc/b").write_bytes(b"bb")
    (root / "link").symlink_to("/etc/passwd")
    return root


def test_a_file_has_its_own_hash(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"print()\n")
    (tmp_path / "latest.py").symlink_to("train.py")
    expected = Input(
        path="/app/train.py", kind="file", files=1, bytes=8, sha256=hashlib.sha256(b"print()\n").hexdigest()
    )
    for name in ("train.py", "latest.py"):
        assert hash_input(str(tmp_path / name), "/app/train.py", limits=DEFAULT) == expected


def test_a_directory_counts_its_files(data: Path) -> None:
    found = hash_input(str(data), "/data", limits=DEFAULT)
    assert (found.kind, found.files, found.bytes, found.path) == ("directory", 2, 6, "/data")


def test_a_copy_has_the_same_digest_whatever_its_times_and_group_modes(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy/sub/a.csv").chmod(0o600)
    os.utime(tmp_path / "copy/proc/b", (1, 1))
    assert digest(data) == digest(tmp_path / "copy")


def test_every_change_changes_the_digest(data: Path) -> None:
    seen = {digest(data)}
    (data / "sub/a.csv").write_bytes(b"1,3\n")
    seen.add(digest(data))
    (data / "sub/a.csv").chmod(0o755)
    seen.add(digest(data))
    (data / "link").unlink()
    (data / "link").symlink_to("/etc/group")
    seen.add(digest(data))
    (data / "sub/empty").rmdir()
    seen.add(digest(data))
    (data / "sub/a.csv").rename(data / "sub/b.csv")
    seen.add(digest(data))
    assert len(seen) == 6


def test_declared_outputs_do_not_count(data: Path) -> None:
    """Outputs as the run knows them: directories, files and globs."""
    before = digest(data)
    (data / "out").mkdir()
    (data / "out/model.pt").write_bytes(b"x")
    (data / "sub/log").write_bytes(b"x")
    assert digest(data) != before
    assert digest(data, "/data/out", "/data/./sub/log") == before
    assert digest(data, "/data/o*", "/**/log") == before
    assert digest(data, "/out", "/other/out", "sub/log") not in (before, digest(data, "/data/out"))


def test_missing_and_special_inputs_are_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputFault) as caught:
        hash_input(str(tmp_path / "none"), "/data", limits=DEFAULT)
    assert caught.value.code == "E_INPUT_MISSING"
    os.mkfifo(data / "sub/pipe")
    with pytest.raises(InputFault, match="'/data/sub/pipe' is a FIFO") as caught:
        digest(data)
    assert caught.value.code == "E_INPUT_SPECIAL"
    with pytest.raises(InputFault, match="FIFO"):
        digest(data / "sub/pipe")
    (data / "sub/pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(data / "s"))
        with pytest.raises(InputFault, match="socket"):
            digest(data)


def test_the_host_path_is_not_in_the_message(data: Path, tmp_path: Path) -> None:
    os.mkfifo(data / "pipe")
    with pytest.raises(InputFault) as caught:
        digest(data)
    assert str(tmp_path) not in str(caught.value)


def test_an_unreadable_file_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_root: str, _relative: str) -> int:
        raise RefusedPath("cannot be opened: permission denied")

    monkeypatch.setattr(inputs, "open_beneath", refuse)
    with pytest.raises(InputFault, match="permission denied") as caught:
        digest(data)
    assert caught.value.code == "E_INPUT_UNREADABLE"


def test_a_file_that_changes_while_it_is_hashed_is_an_error(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hashlib.file_digest

    def digest_and_change(file: BytesIO, name: str) -> object:
        with (data / "sub/a.csv").open("ab") as other:
            other.write(b"more")
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", digest_and_change)
    with pytest.raises(CouldNotRun) as caught:
        digest(data)
    assert caught.value.code == "E_INPUT_CHANGED"


def test_large_files_are_hashed_the_same_by_threads(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(data)
    monkeypatch.setattr(inputs, "_LARGE", 1)
    assert digest(data) == before


def test_the_number_of_files_is_bounded(data: Path) -> None:
    with pytest.raises(CouldNotRun, match="inputs_files") as caught:
        hash_input(str(data), "/data", limits=replace(DEFAULT, inputs_files=2))
    assert caught.value.code == "E_LIMIT"


def test_each_file_is_listed_with_its_own_digest(data: Path) -> None:
    whole, files = hash_with_listing(str(data), "/data", limits=DEFAULT)
    assert whole == hash_input(str(data), "/data", limits=DEFAULT)
    assert [(file.path, file.size, file.sha256) for file in files] == [
        ("proc/b", 2, hashlib.sha256(b"bb").hexdigest()),
        ("sub/a.csv", 4, hashlib.sha256(b"1,2\n").hexdigest()),
    ]


def test_files_named_one_by_one_have_the_digest_of_a_tree_of_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_bytes(b"a")
    (tmp_path / "sub/unlisted").write_bytes(b"x")
    (tmp_path / "link").symlink_to("sub")
    expected = tree_digest(
        (
            TreeEntry(path="sub/a", kind="file", size=1, content=hashlib.sha256(b"a").hexdigest()),
            TreeEntry(path="link", kind="link", content="sub"),
        )
    )
    for paths in (("sub/a", "link"), ("link", "sub/a")):
        assert hash_listed(str(tmp_path), paths, "x", limits=DEFAULT, most=100) == expected


@pytest.mark.parametrize("path", ["missing", "sub", "link/a"])
def test_what_cannot_be_hashed_by_name_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_bytes(b"a")
    (tmp_path / "link").symlink_to("sub")
    with pytest.raises(InputFault):
        hash_listed(str(tmp_path), (path,), "x", limits=DEFAULT, most=100)


def test_files_named_one_by_one_have_two_budgets(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"xx")
    with pytest.raises(CouldNotRun, match="git_output"):
        hash_listed(str(tmp_path), ("a", "b"), "x", limits=DEFAULT, most=3)
    with pytest.raises(CouldNotRun, match="inputs_files"):
        hash_listed(str(tmp_path), ("a", "b"), "x", limits=replace(DEFAULT, inputs_files=1), most=100)
