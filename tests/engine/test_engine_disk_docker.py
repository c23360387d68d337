"""The disk side against a real engine: every source of one image or container gives the same tree."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reprocheck.engine.directory import open_directory
from reprocheck.engine.export import read_export
from reprocheck.engine.outputs import archive_outputs, layer_outputs
from reprocheck.engine.overlay import layers_readable, open_overlay
from reprocheck.engine.view import View
from reprocheck.engine.writing import write_atomic
from reprocheck.errors import CouldNotRun
from reprocheck.limits import DEFAULT
from reprocheck.ports import Interest, OutputFile, RefusedOutput

SIZES = Interest(keep=lambda _path: False, digests=True)
"""A directory tells sizes only to those who will ask for digests."""
pytestmark = pytest.mark.docker

IMAGE = "reprocheck-fixture/small-a"

CHANGES = """
rm -rf /usr/share/doc && mkdir -p /usr/share/doc/new && echo n > /usr/share/doc/new/n
rm /etc/debian_version && mkdir /etc/debian_version && echo d > /etc/debian_version/d
rm -rf /usr/share/locale && echo f > /usr/share/locale
mv /usr/share/zoneinfo /usr/share/moved; chmod 700 /usr/share/man; touch /etc/passwd
mkdir -p /out/sub && cd /out && echo '{}' > m.json && echo w > sub/w.pt && ln -s /etc/shadow link.pt
echo shared > first.pt && ln first.pt twin.pt && mkfifo pipe.pt
"""


@pytest.fixture
def api() -> Iterator[Any]:
    import docker

    client = docker.APIClient(base_url="unix:///var/run/docker.sock")
    yield client
    client.close()


@contextmanager
def container(api: Any, *command: str) -> Iterator[str]:
    made = api.create_container(IMAGE, command=list(command), entrypoint=[], use_config_proxy=False)["Id"]
    try:
        yield made
    finally:
        api.remove_container(made, force=True)


def reader(chunks: Iterator[bytes]) -> Callable[[int], bytes]:
    return lambda _size: next(chunks, b"")


def layers(document: Any) -> tuple[str, ...]:
    data = document["GraphDriver"]["Data"]
    below = [part for part in data.get("LowerDir", "").split(":") if part]
    return tuple(reversed([data["UpperDir"], *below]))


def rows(view: View) -> set[tuple[str, str, str, int, int]]:
    return {
        (entry.path, entry.kind, entry.target, entry.size, entry.mode) for entry in view.tree.entries.values()
    }


def test_layers_and_export_of_an_image_agree(api: Any) -> None:
    """Also in what they read: os-release through its link, the package database, a Python METADATA."""
    with container(api, "true") as made:
        exported = read_export(
            reader(iter(api.export(made))),
            interest=Interest(keep=lambda path: path.endswith(("/os-release", "/METADATA", "/dpkg/status"))),
            limits=DEFAULT,
            where="the export",
        )
    assert len(exported.tree.entries) > 5000
    metadata = next(path for path in sorted(exported.tree.entries) if path.endswith("/METADATA"))
    image = layers(api.inspect_image(IMAGE))
    assert layers_readable(image) == (os.geteuid() == 0)
    if not layers_readable(image):
        return
    overlay = open_overlay(image, limits=DEFAULT)
    assert rows(overlay) == rows(exported)
    for path in ("/etc/os-release", "/var/lib/dpkg/status", metadata):
        assert overlay.read(path, 1 << 26) == exported.read(path, 1 << 26)


def test_layers_export_and_merged_directory_of_a_changed_container_agree(api: Any, tmp_path: Path) -> None:
    """The container deletes, replaces and moves; its FIFO and links are outputs to refuse."""
    with container(api, "sh", "-ec", f"{CHANGES}\necho ready\nexec sleep 300") as made:
        api.start(made)
        wait_for_changes(api, made)
        exported = read_export(
            reader(iter(api.export(made))),
            interest=Interest(keep=lambda _path: False),
            limits=DEFAULT,
            where="the export",
        )
        document = api.inspect_container(made)
        below = layers(document)
        assert layers_readable(below) == (os.geteuid() == 0)
        if layers_readable(below):
            merged = open_directory(
                document["GraphDriver"]["Data"]["MergedDir"], interest=SIZES, limits=DEFAULT
            )
            assert rows(merged) == rows(exported)
            assert rows(open_overlay(below, limits=DEFAULT)) == rows(exported)
        api.kill(made)
        api.wait(made, timeout=60)
        chunks, _ = api.get_archive(made, "/out")
        check_outputs(
            archive_outputs(
                reader(chunks),
                ("/out",),
                scratch=str(tmp_path),
                base="/out",
                limits=DEFAULT,
                where="the outputs",
            )
        )
        if layers_readable(below):
            check_outputs(layer_outputs(below, ("/out",), limits=DEFAULT))


def wait_for_changes(api: Any, made: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert api.inspect_container(made)["State"]["Running"], api.logs(made)
        if b"ready" in api.logs(made):
            return
        time.sleep(0.2)
    pytest.fail("the container did not get ready")


def check_outputs(outputs: Iterable[OutputFile | RefusedOutput]) -> None:
    contents = {}
    refused = []
    for output in outputs:
        if isinstance(output, RefusedOutput):
            refused.append(output.name)
        else:
            with output.open() as file:
                contents[output.name] = file.read()
    assert contents == {"/out/m.json": b"{}\n", "/out/sub/w.pt": b"w\n"}
    assert refused == ["/out/first.pt", "/out/link.pt", "/out/pipe.pt", "/out/twin.pt"]


def test_a_cut_export_is_no_image(api: Any) -> None:
    """Half of a real export, then silence: the daemon went away."""

    def half(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            if number == 8:
                return
            yield chunk

    with container(api, "true") as made, pytest.raises(CouldNotRun) as caught:
        read_export(
            reader(half(iter(api.export(made)))),
            interest=Interest(keep=lambda _path: False),
            limits=DEFAULT,
            where="the export",
        )
    assert caught.value.code == "E_TAR_TRUNCATED"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A real file system of 64 KiB; only root can mount one, others meet it as RLIMIT_FSIZE elsewhere."""
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0:
        assert not os.path.ismount(small)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        write_atomic(str(small / "a"), b"old")
        with pytest.raises(CouldNotRun) as caught:
            write_atomic(str(small / "a"), b"x" * 200_000, force=True)
        assert caught.value.code == "E_DISK_FULL"
        assert (small / "a").read_bytes() == b"old"
        assert os.listdir(small) == ["a"]
    finally:
        subprocess.run(["umount", str(small)], check=True)
