"""Which directories a declared output may not hide."""

from __future__ import annotations

import pytest

from reprocheck.model.places import can_hold, is_kernel_place, is_system_place


@pytest.mark.parametrize(
    "path",
    [
        *("/", "//", "/proc", "/sys/x", "/dev/shm", "/etc", "/etc/x", "/bin", "/lib", "/lib64/x", "/libx32"),
        *("/usr", "/usr/bin", "/usr/lib/python3", "/usr/local", "/usr/local/lib/x", "/usr/./lib"),
        *("/var", "/var/lib"),
    ],
)
def test_a_part_of_the_system_is_never_hidden(path: str) -> None:
    assert is_system_place(path)


@pytest.mark.parametrize(
    "path", ["/out", "/usr/src/app/out", "/usr/app", "/var/lib/x", "/library", "/etcetera", "/root", "/tmp/o"]
)
def test_ordinary_places_are_open(path: str) -> None:
    assert not is_system_place(path)


def test_the_kernels_places_are_those_at_the_top() -> None:
    assert is_kernel_place("/proc/self/fd/7")
    assert not is_kernel_place("/srv/proc")
    assert not is_kernel_place("/")


@pytest.mark.parametrize(
    ("directory", "pattern", "expected"),
    [
        ("/out", "/out", True),
        ("/out", "/out/", True),
        ("/out", "/out/a/*.pt", True),
        ("/out/a", "/out", True),
        ("/out", "/**/*.pt", True),
        ("/out/a", "/out/*/m.json", True),
        ("out", "out/", True),
        ("/out2", "/out", False),
        ("/data", "/out/*", False),
    ],
)
def test_a_directory_is_for_declared_outputs(directory: str, pattern: str, expected: bool) -> None:
    assert can_hold(directory, (pattern,)) is expected
    assert not can_hold(directory, ())
