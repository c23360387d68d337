"""The user's content-addressed store."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from reprocheck.engine.store import Store, state_directory
from reprocheck.errors import CouldNotRun

A, B = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()
MANIFEST = "sha256:" + "1" * 64


def keep(store: Store, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    store.keep(io.BytesIO(data), digest)
    return digest


def fetched(store: Store, digest: str) -> bytes | None:
    found = store.fetch(digest)
    if found is None:
        return None
    with found as file:
        return file.read()


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "state/reprocheck"))
    assert fetched(store, A) is None
    assert store.entries() == ()
    assert keep(store, b"a") == A
    keep(store, b"a")
    keep(store, b"bb")
    assert fetched(store, A) == b"a"
    assert [(item.sha256, item.size) for item in store.entries()] == sorted(
        [(A, 1), (hashlib.sha256(b"bb").hexdigest(), 2)]
    )


def test_everything_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(str(tmp_path / "state/reprocheck"))
        keep(store, b"a")
    finally:
        os.umask(before)
    for path in (tmp_path / "state").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o400)


def test_a_digest_that_does_not_match_is_not_kept(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    with pytest.raises(CouldNotRun) as caught:
        store.keep(io.BytesIO(b"other"), A)
    assert caught.value.code == "E_STORE_DIGEST"
    assert store.entries() == ()
    assert os.listdir(tmp_path / "s/objects" / A[:2]) == []


def test_a_damaged_file_is_removed_and_absent(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    keep(store, b"a")
    path = tmp_path / "s/objects" / A[:2] / A[2:]
    path.chmod(0o600)
    path.write_bytes(b"x")
    assert fetched(store, A) is None
    assert not path.exists()
    keep(store, b"a")
    assert fetched(store, A) == b"a"


def test_a_link_in_the_store_is_not_followed(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    (tmp_path / "a").write_bytes(b"a")
    place = tmp_path / "s/objects" / A[:2]
    place.mkdir(parents=True)
    (place / A[2:]).symlink_to(tmp_path / "a")
    assert fetched(store, A) is None


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "sha256:" + "1" * 64])
def test_only_digests_name_files(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Store(str(tmp_path)).fetch(digest)


def test_pruning_spares_what_is_named_or_young(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    keep(store, b"a")
    keep(store, b"b")
    os.utime(tmp_path / "s/objects" / A[:2] / A[2:], ns=(1000, 1000))
    assert store.prune(older_than_ns=1000) == (0, 0)
    assert store.prune(older_than_ns=1001) == (1, 1)
    assert store.prune(keep=frozenset({B}), older_than_ns=None) == (0, 0)
    assert store.prune(older_than_ns=None) == (1, 1)
    assert store.prune(older_than_ns=None) == (0, 0)


def test_keeping_again_makes_young_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    keep(store, b"a")
    os.utime(tmp_path / "s/objects" / A[:2] / A[2:], ns=(1000, 1000))
    keep(store, b"a")
    assert store.prune(older_than_ns=2000) == (0, 0)


def test_pruning_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    keep(store, b"a")
    place = tmp_path / "s/objects" / A[:2]
    (place / ".reprocheck-old.tmp").write_bytes(b"")
    os.utime(place / ".reprocheck-old.tmp", (1000, 1000))
    (place / ".reprocheck-new.tmp").write_bytes(b"")
    store.prune(keep=frozenset({A}), older_than_ns=None)
    assert sorted(os.listdir(place)) == sorted([".reprocheck-new.tmp", A[2:]])


def test_own_manifests_are_remembered(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    assert not store.wrote(MANIFEST)
    store.remember(MANIFEST, (B, A))
    store.remember(MANIFEST, (A,))
    assert store.wrote(MANIFEST)
    assert not store.wrote("sha256:" + "2" * 64)
    assert (tmp_path / "s/manifests" / ("1" * 64)).read_text() == "".join(f"{d}\n" for d in sorted((A, B)))


def test_a_state_directory_that_others_can_write_to_proves_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s"))
    store.remember(MANIFEST, ())
    (tmp_path / "s").chmod(0o777)
    assert not store.wrote(MANIFEST)
    with pytest.raises(CouldNotRun) as caught:
        keep(store, b"a")
    assert caught.value.code == "E_STATE_UNSAFE"


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CouldNotRun) as caught:
        keep(Store(str(tmp_path / "file/state")), b"a")
    assert caught.value.code == "E_NOT_WRITABLE"


def test_many_processes_keep_the_same_file(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                keep(Store(str(tmp_path / "s")), b"a" * 10000)
        except BaseException as error:  # noqa: BLE001  # reported below, from the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(Store(str(tmp_path / "s")).entries()) == 1
    assert len([path for path in (tmp_path / "s").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"REPROCHECK_STATE": "/r/s", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/r/s"),
        ({"XDG_STATE_HOME": "/x/", "HOME": "/h"}, "/x/reprocheck"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/reprocheck"),
        ({"HOME": "/h/"}, "/h/.local/state/reprocheck"),
    ],
)
def test_where_the_state_lies(environ: dict[str, str], expected: str) -> None:
    assert state_directory(environ) == expected


def test_without_a_home_the_user_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_directory({}).endswith("/.local/state/reprocheck")

    def unknown(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(CouldNotRun) as caught:
        state_directory({})
    assert caught.value.code == "E_NO_HOME"


def test_where_inputs_lay_is_remembered_newest_first_and_only_for_ourselves(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "state"))
    assert store.inputs_of(MANIFEST) == ()
    store.place_inputs(MANIFEST, (("/data", "/old"),))
    store.place_inputs(MANIFEST, (("/data", "/home/me/dä ta\udcff"), ("/code", "/src\nx")))
    assert store.inputs_of(MANIFEST) == (("/data", "/home/me/dä ta\udcff"), ("/code", "/src\nx"))
    (tmp_path / "state").chmod(0o777)
    assert store.inputs_of(MANIFEST) == ()
