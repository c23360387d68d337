"""Opening beneath a root: ordinary files only, never through a link, with and without openat2."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from reprocheck.engine import beneath
from reprocheck.engine.beneath import RefusedPath, open_beneath


@pytest.fixture(params=["openat2", "step by step"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(beneath._Support, "openat2", request.param == "openat2")
    (tmp_path / "outside").write_bytes(b"secret")
    inside = tmp_path / "root"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub/file").write_bytes(b"content")
    return inside


def reason(root: Path, relative: str, *, single_link: bool = False) -> str:
    with pytest.raises(RefusedPath) as caught:
        os.close(open_beneath(str(root), relative, single_link=single_link))
    return caught.value.reason


def test_an_ordinary_file_is_opened(root: Path) -> None:
    with os.fdopen(open_beneath(str(root), "sub/file"), "rb") as file:
        assert file.read() == b"content"
        assert not os.get_inheritable(file.fileno())


@pytest.mark.parametrize(
    "relative", ["", ".", "..", "../outside", "sub/../../outside", "/sub/file", "a\0b", "sub//file"]
)
def test_paths_that_are_not_plain_are_refused(root: Path, relative: str) -> None:
    assert reason(root, relative) == "is not a plain relative path"


def test_links_are_refused_wherever_they_stand(root: Path) -> None:
    (root / "link").symlink_to("../outside")
    (root / "inner").symlink_to("sub/file")
    (root / "up").symlink_to("..")
    (root / "magic").symlink_to("/proc/self/fd/0")
    assert "link" in reason(root, "link")
    assert "link" in reason(root, "inner")
    assert "link" in reason(root, "up/outside")
    assert "link" in reason(root, "magic")


def test_special_files_are_refused_at_once(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert reason(root, "pipe") == "is a FIFO"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "sock"))
        assert reason(root, "sock") == "is a socket"
    assert reason(root, "sub") == "is a directory"
    assert reason(root, "none") == "is missing"
    with pytest.raises(RefusedPath, match="character device"):
        open_beneath("/dev", "null")


def test_a_second_name_is_refused_on_demand(root: Path) -> None:
    (root / "twin").hardlink_to(root / "sub/file")
    os.close(open_beneath(str(root), "twin"))
    assert "2 hard links" in reason(root, "twin", single_link=True)


def test_swapping_a_directory_for_a_link_never_leads_outside(root: Path) -> None:
    """A thread swaps `sub` for a link to a decoy directory while the file is opened again and again."""
    decoy = root.parent / "decoy"
    decoy.mkdir()
    (decoy / "file").write_bytes(b"secret")
    (root / "link").symlink_to(decoy)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            (root / "sub").rename(root / "aside")
            (root / "link").rename(root / "sub")
            (root / "sub").rename(root / "link")
            (root / "aside").rename(root / "sub")

    thread = threading.Thread(target=swap)
    thread.start()
    read = set()
    try:
        for _ in range(1000):
            try:
                with os.fdopen(open_beneath(str(root), "sub/file"), "rb") as file:
                    read.add(file.read())
            except RefusedPath:
                continue
    finally:
        done.set()
        thread.join()
    assert read <= {b"content"}


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "link").symlink_to("sub/file")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for relative in ("link", "none", "sub", "../x", "sub/file/below"):
        reason(root, relative)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
