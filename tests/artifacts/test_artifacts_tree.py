"""The tree digest is a function of content alone."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.artifacts.tree import TreeEntry, tree_digest

SHA = hashlib.sha256(b"x").hexdigest()
FILE = TreeEntry(path="a/f", kind="file", executable=True, size=1, content=SHA)
ENTRIES = (
    FILE,
    TreeEntry(path="a", kind="directory"),
    TreeEntry(path="a\udcff", kind="link", content="../x"),
)


def test_the_format_is_the_documented_one() -> None:
    """Anybody can compute it: this test does, with nothing but hashlib."""
    raw = (
        b"reprocheck-tree-v1\0"
        b"directory\0-\0000\0\0a\0"
        b"file\0x\0001\0" + SHA.encode() + b"\0a/f\0"
        b"link\0-\0000\0../x\0a\xff\0"
    )
    assert tree_digest(ENTRIES) == hashlib.sha256(raw).hexdigest()


@settings(deadline=None, max_examples=50)
@given(st.permutations(ENTRIES))
def test_order_does_not_matter(entries: list[TreeEntry]) -> None:
    assert tree_digest(entries) == tree_digest(ENTRIES)


def test_every_field_matters() -> None:
    variants = [
        FILE,
        TreeEntry(path="a/g", kind="file", executable=True, size=1, content=SHA),
        TreeEntry(path="a/f", kind="file", executable=False, size=1, content=SHA),
        TreeEntry(path="a/f", kind="file", executable=True, size=2, content=SHA),
        TreeEntry(path="a/f", kind="file", executable=True, size=1, content=SHA[::-1]),
        TreeEntry(path="a/f", kind="link", executable=True, size=1, content=SHA),
    ]
    assert len({tree_digest((variant,)) for variant in variants}) == len(variants)
    assert tree_digest(()) not in {tree_digest((variant,)) for variant in variants}


def test_no_two_trees_share_an_encoding() -> None:
    one = (TreeEntry(path="a\nlink", kind="link", content="b"),)
    two = (TreeEntry(path="a", kind="link", content="link\nb"),)
    assert tree_digest(one) != tree_digest(two)


@pytest.mark.parametrize(
    "entries",
    [
        (FILE, FILE),
        (TreeEntry(path="é", kind="directory"), TreeEntry(path="\udcc3\udca9", kind="directory")),
        (TreeEntry(path="a\0b", kind="directory"),),
        (TreeEntry(path="a", kind="link", content="x\0y"),),
    ],
)
def test_ambiguous_trees_are_refused(entries: tuple[TreeEntry, ...]) -> None:
    with pytest.raises(ValueError, match=r"twice|NUL"):
        tree_digest(entries)
