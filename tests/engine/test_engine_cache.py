"""The cache: what is not sound counts as absent, and nothing that goes wrong with it is an error."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reprocheck.engine.cache import Cache, cache_directory
from reprocheck.errors import CouldNotRun

US, OTHERS = "a" * 64, "b" * 64
NEVER_NS = 0


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def cache_at(tmp_path: Path, *, maker: str = US, limit: int = 1 << 20) -> Cache:
    return Cache(str(tmp_path / "cache/reprocheck"), maker=maker, limit=limit)


def file_of(tmp_path: Path, name: str) -> Path:
    digits = key(name)
    return tmp_path / "cache/reprocheck/entries" / digits[:2] / digits[2:]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    assert cache.get(key("a")) is None
    assert cache.entries() == ()
    assert cache.put(key("a"), b"value\n")
    assert cache.put(key("empty"), b"")
    assert cache.get(key("a")) == b"value\n"
    assert cache.get(key("empty")) == b""
    assert {entry.key for entry in cache.entries()} == {key("a"), key("empty")}


def test_nobody_else_can_look_inside(tmp_path: Path) -> None:
    cache_at(tmp_path).put(key("a"), b"value")
    path = file_of(tmp_path, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    for directory in (path.parent, path.parent.parent, tmp_path / "cache/reprocheck"):
        assert directory.stat().st_mode & 0o777 == 0o700


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a changed byte": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"X"),
    "cut off": lambda path: os.truncate(path, path.stat().st_size - 1),
    "cut off in the header": lambda path: os.truncate(path, 40),
    "empty": lambda path: os.truncate(path, 0),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"X"),
    "another format": lambda path: path.write_bytes(path.read_bytes().replace(b"cache 1 ", b"cache 2 ")),
    "writable by others": lambda path: path.chmod(0o666),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_not_sound_is_removed_and_made_again(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"value")
    damage(file_of(tmp_path, "a"))
    assert cache.get(key("a")) is None
    assert not file_of(tmp_path, "a").exists()
    cache.put(key("a"), b"value")
    assert cache.get(key("a")) == b"value"


def test_an_entry_in_another_s_place_is_not_taken(tmp_path: Path) -> None:
    """Its own checksum is right, but it is bound to its name."""
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"of a")
    cache.put(key("b"), b"of b")
    file_of(tmp_path, "b").write_bytes(file_of(tmp_path, "a").read_bytes())
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) == b"of a"


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"value")
    elsewhere = tmp_path / "elsewhere"
    file_of(tmp_path, "a").rename(elsewhere)
    file_of(tmp_path, "a").symlink_to(elsewhere)
    assert cache.get(key("a")) is None
    assert elsewhere.exists()
    assert not file_of(tmp_path, "a").is_symlink()


def test_another_user_s_entry_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as a file among ours nor as a whole directory."""
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"value")
    real = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        fields = list(real(descriptor))
        fields[4] += 1
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", foreign)
    assert cache.get(key("a")) is None
    monkeypatch.undo()
    cache.put(key("a"), b"value")
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert cache.get(key("a")) is None
    assert not cache.put(key("b"), b"value")


def test_a_directory_that_others_can_write_to_is_left_alone(tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"value")
    (tmp_path / "cache/reprocheck").chmod(0o770)
    assert cache.get(key("a")) is None
    assert not cache.put(key("b"), b"value")


def test_a_place_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    cache = cache_at(tmp_path)
    assert cache.get(key("a")) is None
    assert not cache.put(key("a"), b"value")
    assert cache.get(key("a")) is None


def test_a_directory_in_the_place_of_an_entry_is_no_error(tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    file_of(tmp_path, "a").mkdir(parents=True, mode=0o700)
    assert cache.get(key("a")) is None
    cache.put(key("a"), b"value")
    assert cache.get(key("a")) is None


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    """What was read last is the last to go, whenever it was written."""
    cache = cache_at(tmp_path, limit=3_000)
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        cache.put(key(name), b"x" * 700)
        then = time.time() - age
        os.utime(file_of(tmp_path, name), (then, then))
    assert cache.get(key("a")) is not None
    cache.put(key("d"), b"x" * 700)
    assert {entry.key for entry in cache.entries()} == {key("c"), key("a"), key("d")}
    assert sum(entry.size for entry in cache.entries()) <= 3_000


def test_what_is_larger_than_the_whole_cache_is_not_kept(tmp_path: Path) -> None:
    cache = cache_at(tmp_path, limit=1_000)
    cache.put(key("a"), b"small")
    assert not cache.put(key("b"), b"x" * 1_000)
    assert cache.get(key("a")) == b"small"


def test_pruning_removes_what_is_of_no_use(tmp_path: Path) -> None:
    """Entries of another maker, the long unused, and what a killed process left half-written."""
    cache_at(tmp_path, maker=OTHERS).put(key("old version"), b"value")
    cache = cache_at(tmp_path)
    cache.put(key("unused"), b"value")
    os.utime(file_of(tmp_path, "unused"), (1_000, 1_000))
    cache.put(key("used"), b"value")
    half = file_of(tmp_path, "used").with_name(".reprocheck-0123456789abcdef.tmp")
    half.write_bytes(b"half")
    os.utime(half, (1_000, 1_000))

    removed, freed = cache.prune(everything=False, older_than_ns=2_000 * 10**9)

    assert (removed, freed > 0) == (2, True)
    assert [entry.key for entry in cache.entries()] == [key("used")]
    assert not half.exists()
    assert cache.prune(everything=True, older_than_ns=NEVER_NS)[0] == 1
    assert cache.entries() == ()


def test_a_damaged_entry_is_pruned_as_of_nobody(tmp_path: Path) -> None:
    cache = cache_at(tmp_path)
    cache.put(key("a"), b"value")
    os.truncate(file_of(tmp_path, "a"), 10)
    assert cache.prune(everything=False, older_than_ns=NEVER_NS)[0] == 1


def test_an_unreadable_cache_is_told_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "cache/reprocheck").mkdir(parents=True)
    (tmp_path / "cache/reprocheck/entries").write_bytes(b"a file")
    cache = cache_at(tmp_path)
    assert not cache.put(key("a"), b"value")
    with pytest.raises(CouldNotRun) as caught:
        cache.entries()
    assert caught.value.code == "E_CACHE_UNREADABLE"


def test_many_at_once_see_whole_values_or_none(tmp_path: Path) -> None:
    """Writers, readers and pruners of one small cache; each value is of its key."""
    names = [f"entry {number}" for number in range(8)]
    wrong: list[object] = []

    def work(first: int) -> None:
        cache = cache_at(tmp_path, limit=2_000)
        for turn in range(40):
            name = names[(first + turn) % len(names)]
            found = cache.get(key(name))
            if found not in (None, name.encode() * 40):
                wrong.append(found)
            cache.put(key(name), name.encode() * 40)
            if turn % 10 == first:
                cache.prune(everything=True, older_than_ns=NEVER_NS)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("bad", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_a_name_is_a_digest(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        cache_at(tmp_path).put(bad, b"value")


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_CACHE_HOME": "/c/", "HOME": "/h"}, "/c/reprocheck"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/reprocheck"),
        ({"HOME": "/h/"}, "/h/.cache/reprocheck"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_the_place_follows_the_xdg_specification(environ: dict[str, str], place: str | None) -> None:
    assert cache_directory(environ) == place
