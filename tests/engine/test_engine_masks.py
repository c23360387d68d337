"""What a container engine puts into every container is left out of every source."""

from __future__ import annotations

import pytest

from reprocheck.engine.masks import image_tree, masked
from reprocheck.model.filetree import Entry


@pytest.mark.parametrize(
    "path",
    [
        "/.dockerenv",
        "/run/.containerenv",
        "/etc/hosts",
        "/etc/mtab",
        "/dev",
        "/dev/pts/0",
        "/proc",
        "/sys/kernel",
    ],
)
def test_the_engines_own_paths_are_masked(path: str) -> None:
    assert masked(path)


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/etc/hosts.allow", "/devices", "/opt/dev/x", "/processed", "/run"]
)
def test_paths_that_only_look_alike_are_not(path: str) -> None:
    assert not masked(path)


def test_a_directory_that_the_engine_made_for_its_files_goes_with_them() -> None:
    """An image without `/etc` (FROM scratch) has one in its export, and none in its layers."""
    made = {path: Entry(path=path, kind="directory") for path in ("/etc", "/run", "/srv")}
    made["/etc/hosts"] = Entry(path="/etc/hosts", kind="file")
    assert sorted(image_tree(made).entries) == ["/", "/srv"]
    made["/etc/passwd"] = Entry(path="/etc/passwd", kind="file")
    assert sorted(image_tree(made).entries) == ["/", "/etc", "/etc/passwd", "/srv"]
