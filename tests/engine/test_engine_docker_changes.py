"""Changes of a writable layer: what is one, what is noise, and what is folded."""

from __future__ import annotations

from typing import Literal

import pytest

from reprocheck.engine.docker_changes import MOST_CHANGES, VOLATILE, fold, is_volatile, select_changes
from reprocheck.model.run import Change

Kind = Literal["added", "modified", "deleted"]


def paths(changes: tuple[Change, ...]) -> list[str]:
    return [change.path for change in changes]


def test_a_directory_that_changed_through_its_children_is_left_out() -> None:
    changed: dict[str, Kind] = {"/etc": "modified", "/etc/x": "modified", "/etc/x/y": "added"}
    assert select_changes(changed, outputs=(), mounts=()) == (Change(path="/etc/x/y", kind="added"),)


def test_a_directory_that_changed_alone_stays() -> None:
    assert paths(select_changes({"/etc/x": "modified"}, outputs=(), mounts=())) == ["/etc/x"]


def test_outputs_and_what_only_leads_to_them_are_left_out() -> None:
    changed: dict[str, Kind] = {
        "/out": "added",
        "/out/run": "added",
        "/out/run/model.pt": "added",
        "/out/run/notes.txt": "added",
    }
    assert paths(select_changes(changed, outputs=("/out",), mounts=())) == []
    kept = select_changes(changed, outputs=("/out/run/*.pt",), mounts=())
    assert paths(kept) == ["/out", "/out/run", "/out/run/notes.txt"]


def test_a_mount_point_and_the_directories_made_for_it_are_left_out() -> None:
    changed: dict[str, Kind] = {"/srv": "modified", "/srv/a": "added", "/srv/a/data": "added"}
    assert select_changes(changed, outputs=(), mounts=("/srv/a/data",)) == ()


def test_a_name_that_only_begins_like_a_mount_stays() -> None:
    assert paths(select_changes({"/data2": "added"}, outputs=(), mounts=("/data",))) == ["/data2"]


def test_a_package_that_was_removed_is_seen() -> None:
    changed: dict[str, Kind] = {"/usr": "modified", "/usr/lib": "modified", "/usr/lib/numpy": "deleted"}
    assert select_changes(changed, outputs=(), mounts=()) == (Change(path="/usr/lib/numpy", kind="deleted"),)


@pytest.mark.parametrize(
    "path",
    [
        "/app/__pycache__",
        "/app/__pycache__/m.cpython-311.pyc",
        "/app/__pycache__/m.cpython-311.pyc.140213",
        "/tmp",
        "/tmp/tmpab_1x9zq/part.bin",
        "/tmp/torchinductor_root/ab/x.so",
        "/tmp/pymp-x1/y",
        "/var/tmp/pip-build/x",
        "/tmp/.X11-unix",
        "/run/lock",
        "/run/sshd.pid",
        "/root/.cache",
        "/root/.cache/torch",
        "/root/.cache/torch/kernels/x",
        "/root/.cache/matplotlib/fontlist-v390.json",
        "/opt/.cache/pip",
        "/var/cache/fontconfig/x",
        "/var/log/dpkg.log",
        "/etc/hosts",
        "/dev/shm",
        "/root/.nv/ComputeCache/1",
        "/root/.triton/cache/x",
        "/usr/sbin/docker-init",
    ],
)
def test_places_that_no_result_comes_from_are_volatile(path: str) -> None:
    assert is_volatile(path)


@pytest.mark.parametrize(
    "path",
    [
        "/app/train.py",
        "/etc/hosts.allow",
        "/tmpfoo",
        "/usr/lib/python3/core",
        "/var/lib/x",
        "/root/cache/x",
        "/a.pyc",
        "/app/__pycache__/data.npy",
        "/app/__pycache__/deep/m.pyc",
        "/tmp/x",
        "/tmp/tmpdata",
        "/tmp/weights/m.pt",
        "/var/tmp/x",
        "/run/state/x",
        "/root/.cache/huggingface/hub/x",
        "/root/.cache/torch/hub/checkpoints/resnet.pth",
        "/root/.cache/pipeline",
        "/root/.config/matplotlib/matplotlibrc",
        "/var/cache/models/x",
    ],
)
def test_other_places_are_not(path: str) -> None:
    assert not is_volatile(path)


@pytest.mark.parametrize("path", ["/root/.cache", "/root/.cache/torch", "/tmp", "/var/cache"])
def test_a_shared_directory_that_is_gone_took_other_things_with_it(path: str) -> None:
    (gone,) = select_changes({path: "deleted"}, outputs=(), mounts=())
    assert not gone.volatile
    (new,) = select_changes({path: "added"}, outputs=(), mounts=())
    assert new.volatile


def test_every_volatile_place_has_a_reason() -> None:
    assert all(reason for _, reason in VOLATILE)


def test_too_many_changes_are_folded_by_directory_and_say_so() -> None:
    changes = tuple(
        Change(path=f"/usr/lib/pkg{n % 100:02}/f{n:06}", kind="added") for n in range(MOST_CHANGES + 1)
    )
    folded = fold(tuple(sorted(changes, key=lambda change: change.path)))
    assert paths(folded) == [f"/usr/lib/pkg{n:02}/**" for n in range(100)]
    assert {change.kind for change in folded} == {"added"}


def test_folding_never_hides_a_change_behind_a_volatile_one() -> None:
    changes = (
        Change(path="/a/b", kind="added", volatile=True),
        Change(path="/a/c", kind="deleted"),
        Change(path="/a/d", kind="added"),
    )
    assert fold(changes, most=2) == (
        Change(path="/a/**", kind="modified"),
        Change(path="/a/**", kind="added", volatile=True),
    )


def test_a_path_of_many_parts_is_judged_quickly() -> None:
    assert not is_volatile("/" + "a/" * 20_000 + "b")
