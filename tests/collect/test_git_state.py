"""What git prints is read as it stands."""

from __future__ import annotations

import pytest

from reprocheck.collect.git_state import (
    IndexEntry,
    is_lfs_pointer,
    parse_branch,
    parse_index,
    parse_object,
    parse_paths,
    parse_settings,
    remote_of,
)

A, B = "a" * 40, "b" * 40


def test_settings_may_hold_newlines_and_no_value() -> None:
    raw = b"core.bare\nfalse\0filter.x.y.clean\na\nb\0core.ignorecase\0"
    assert parse_settings(raw) == (
        ("core.bare", b"false"),
        ("filter.x.y.clean", b"a\nb"),
        ("core.ignorecase", b""),
    )


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ({"origin": "https://example.org/a.git"}, "https://example.org/a.git"),
        ({"origin": "https://u:p@example.org/a.git?x=1"}, "https://example.org/a.git"),
        ({"origin": "https://token@example.org/a.git"}, "https://example.org/a.git"),
        ({"origin": "git@example.org:a/b.git"}, "git@example.org:a/b.git"),
        ({"origin": "alice@example.org:a/b.git"}, "example.org:a/b.git"),
        ({"origin": "ssh://alice@example.org:2222/a"}, "ssh://example.org:2222/a"),
        ({"origin": "/home/alice/a.git"}, ""),
        ({"origin": "../a.git"}, ""),
        ({"origin": "file:///home/alice/a.git"}, ""),
        ({"origin": "ext::sh -c evil% https://x"}, ""),
        ({"origin": "https://example.org/\x1b[31m"}, ""),
        ({"upstream": "https://example.org/a"}, "https://example.org/a"),
        ({"a": "https://example.org/a", "b": "https://example.org/b"}, ""),
        ({"a": "https://example.org/a", "origin": "https://example.org/b"}, "https://example.org/b"),
        ({}, ""),
    ],
)
def test_a_remote_is_a_public_url_or_nothing(urls: dict[str, str], expected: str) -> None:
    assert remote_of(tuple((f"remote.{name}.url", url.encode()) for name, url in urls.items())) == expected


def test_the_first_of_several_urls_is_the_one_that_is_fetched() -> None:
    pairs = (("remote.origin.url", b"https://a.example/x"), ("remote.origin.url", b"https://b.example/x"))
    assert remote_of(pairs) == "https://a.example/x"


def test_head() -> None:
    assert parse_branch(b"refs/heads/feature/x\n") == "feature/x"
    assert parse_branch(None) == ""
    assert parse_object(f"{A}\n".encode()) == A
    assert parse_object(b"0" * 64) == "0" * 64
    assert parse_object(b"HEAD\n") == parse_object(None) == ""


def test_the_index_lists_each_path_once_and_marks_submodules() -> None:
    raw = (
        f"100644 {A} 1\tconflict\x00100644 {B} 2\tconflict\x00160000 {B} 0\tlib\0".encode()
        + f"120000 {A} 0\tdir/new\nline \udcff\0".encode("utf-8", "surrogateescape")
        + b"garbage\0"
    )
    assert parse_index(raw) == (
        IndexEntry(path="conflict", commit=""),
        IndexEntry(path="dir/new\nline \udcff", commit=""),
        IndexEntry(path="lib", commit=B),
    )


def test_paths_are_sorted_and_listed_once() -> None:
    assert parse_paths(b"b\0a\n\0b\0") == ("a\n", "b")


def test_a_pointer_is_told_from_a_text_about_pointers() -> None:
    line = b"version https://git-lfs.github.com/spec/v1\n"
    oid = b"oid sha256:" + b"0" * 64 + b"\n"
    assert is_lfs_pointer(line + oid + b"size 7\n")
    assert is_lfs_pointer(line + b"ext-0-x sha256:" + b"1" * 64 + b"\n" + oid + b"size 7\n")
    assert not is_lfs_pointer(line + b"size 7\n")
    assert not is_lfs_pointer(b"see " + line + oid)
    assert not is_lfs_pointer(line + oid + b" " * 1024)
