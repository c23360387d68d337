"""Whether a version is what a lock asks for."""

from __future__ import annotations

import pytest

from reprocheck.compare.specifiers import exact_version, satisfies, shown


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        ("", "anything", True),
        ("==1.0", "1.0.0", True),
        ("==1.0", "1.0+cu126", True),
        ("===1.0", "1.0+cu126", False),
        ("===1.0", "1.0.0", True),
        ("===2.0.0rc1", "2.0.0.RC1", True),
        (">=1,<2", "2.0", False),
        (">=1,<2", "1.5rc1", True),
        ("==1.*", "1.9", True),
        (">=1", "not a version", None),
        ("nonsense", "1.0", None),
        ("===" + "9" * 5000, "1.0", None),
        ("===weird", "weird", True),
    ],
)
def test_pep_440(specifier: str, version: str, expected: bool | None) -> None:
    assert satisfies("pypi", specifier, version) is expected


@pytest.mark.parametrize(
    ("specifier", "version", "expected"),
    [
        ("3.11.*", "3.11", True),
        ("3.11.*", "3.11.10", True),
        ("3.11.*", "3.110", False),
        ("===1.26.4", "1.26.4", True),
        ("===1.26.4", "1.26.4.1", False),
        (">=1.10,<2", "1.9", False),
        (">=1.10,<2", "1.10.1", True),
        ("1.2|1.4", "1.4", True),
        ("1.2|>=2", "1.3", False),
        ("!=1.5.*", "1.5.1", False),
        ("!=1.5.*", "1.6", True),
        ("~=1.4.2", "1.4.9", True),
        ("~=1.4.2", "1.5", False),
        ("=1.2", "1.2.9", True),
        (">1.0", "1.0.1", True),
        ("<=1!2", "3", True),
        ("*", "1", True),
        ("1.*.2", "1.0.2", None),
        (">=", "1", None),
        (">=1", "not/ordered", None),
        (",".join([">=1"] * 100), "1", None),
    ],
)
def test_match_specifications_of_conda(specifier: str, version: str, expected: bool | None) -> None:
    assert satisfies("conda", specifier, version) is expected


def test_a_locked_version_is_shown_alone() -> None:
    assert (shown("===1.0"), shown("==1.0"), shown(">=1")) == ("1.0", "==1.0", ">=1")
    assert (exact_version("===1.0"), exact_version("==1.0"), exact_version("==1.*")) == ("1.0", "1.0", "")
    assert exact_version(">=1,<2") == ""


def test_other_ecosystems_have_no_specifiers_here() -> None:
    assert satisfies("deb", ">= 1", "1") is None
