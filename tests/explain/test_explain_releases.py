"""Another major version is marked, and the change log is at hand."""

from __future__ import annotations

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import Finding
from reprocheck.model.package import Package
from reprocheck.render import diff_text
from tests.strategies import make_deb, make_manifest, make_pypi

LOG = "https://example.org/changes"


def finding(before: Package, after: Package) -> Finding:
    a, b = make_manifest(packages=(before,)), make_manifest(packages=(after,))
    (found,) = rank(compare(a, b), a, b).findings
    return found


@pytest.mark.parametrize(
    ("before", "after", "major"),
    [
        ("1.26.4", "2.0.0", True),
        ("2.0.0", "1.26.4", True),
        ("1.26.4", "1.27", False),
        ("9", "10", True),
        ("1!1.0", "1!2.0", True),
        ("1!1.0", "2!1.0", False),
        ("v1.0", "v2.0", True),
        ("0.9", "1.0", False),
        ("0.1", "0.2", False),
        ("2.0+cu118", "2.0+cu126", False),
        ("a", "2", False),
        ("2025.1", "2026.2", False),
    ],
)
def test_the_first_number_of_a_release_decides(before: str, after: str, major: bool) -> None:
    assert finding(make_pypi("x", before), make_pypi("x", after)).major is major


def test_an_epoch_is_no_major_version() -> None:
    assert finding(make_deb("x", "1:2.0-1"), make_deb("x", "2:2.0-1")).major is False
    assert finding(make_deb("x", "1:2.0-1"), make_deb("x", "1:3.0-1")).major is True


def test_the_second_side_tells_where_its_changes_are_else_the_first() -> None:
    old, new = make_pypi("x", "1", changelog="https://old"), make_pypi("x", "2", changelog=LOG)
    assert finding(old, new).changes == LOG
    assert finding(new, make_pypi("x", "3")).changes == LOG
    assert finding(make_pypi("x", "1"), make_pypi("x", "3")).changes == ""


def test_an_equal_version_has_no_changes_to_read() -> None:
    old, new = (make_pypi("x", tags=(tag,), changelog=LOG) for tag in ("py3-none-any", "cp311-cp311-any"))
    assert finding(old, new).changes == ""


def test_the_text_names_both() -> None:
    a = make_manifest(packages=(make_pypi("numpy", "1.26.4"),))
    b = make_manifest(packages=(make_pypi("numpy", "2.0.0", changelog=LOG),))
    text = diff_text.render(rank(compare(a, b), a, b))
    assert "1.26.4 → 2.0.0 (major)" in text
    assert f" what changed: {LOG}\n" in text
