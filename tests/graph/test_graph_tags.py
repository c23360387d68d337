"""Wheel tags against a described interpreter, held against what `packaging` lists."""

from __future__ import annotations

import pytest
from packaging.tags import compatible_tags, cpython_tags

from reprocheck.graph.tags import Platform, judge

GLIBC = [f"manylinux_2_{n}_x86_64" for n in range(36, 4, -1)]
PLACES = ["linux_x86_64", *GLIBC, "manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
SUPPORTED = {
    str(tag)
    for tag in (
        *cpython_tags((3, 11), abis=["cp311"], platforms=PLACES),
        *compatible_tags((3, 11), interpreter="cp311", platforms=PLACES),
    )
}
CANDIDATES = [
    f"{python}-{abi}-{place}"
    for python in ("py2", "py3", "py311", "py312", "cp3", "cp32", "cp310", "cp311", "cp312", "pp310", "x")
    for abi in ("none", "abi3", "cp311", "cp311d", "cp311t", "abi3t", "cp310")
    for place in ("any", *PLACES, "manylinux_2_37_x86_64", "manylinux_2_4_x86_64", "musllinux_1_2_x86_64")
] + [
    "py3-none-win_amd64",
    "cp311-cp311-macosx_11_0_arm64",
    "py3-none-linux_aarch64",
    "py3-none",
    "",
    "a-b-c-d",
]


def platform(**fields: object) -> Platform:
    """CPython 3.11 on Debian 12."""
    known: dict[str, object] = {
        "implementation": "cp",
        "series": (3, 11),
        "abi": "cp311",
        "machine": "x86_64",
        "libc": "glibc",
        "version": (2, 36),
        "linux": True,
    }
    return Platform(**known | fields)  # type: ignore[arg-type]


def test_every_tag_is_judged_as_packaging_lists_it() -> None:
    """Thousands of tags, good and bad; a wheel fits when one of its tags does."""
    wrong = [tag for tag in CANDIDATES if (judge((tag,), platform()) == "") != (tag in SUPPORTED)]
    assert wrong == []
    assert judge(("py2-none-any", "cp311-cp311.abi3-win_amd64.linux_x86_64"), platform()) == ""


@pytest.mark.parametrize(
    ("tag", "fields", "fits"),
    [
        ("py3-none-musllinux_1_1_x86_64", {"libc": "musl", "version": (1, 2)}, True),
        ("py3-none-musllinux_1_3_x86_64", {"libc": "musl", "version": (1, 2)}, False),
        ("py3-none-manylinux2014_x86_64", {"libc": "musl", "version": (1, 2)}, False),
        ("cp313-cp313t-linux_x86_64", {"series": (3, 13), "abi": "cp313t"}, True),
        ("cp313-abi3-linux_x86_64", {"series": (3, 13), "abi": "cp313t"}, False),
        ("cp311-cp311-linux_x86_64", {"abi": "cp311d"}, True),
        (
            "pp310-pypy310_pp73-linux_x86_64",
            {"implementation": "pp", "series": (3, 10), "abi": "pypy310_pp73"},
            True,
        ),
        ("pp3-none-any", {"implementation": "pp", "series": (3, 10), "abi": "pypy310_pp73"}, True),
        ("py3-none-linux_armv7l", {"machine": "armv8l"}, True),
        ("cp311-cp311-manylinux2014_x86_64", {"libc": "", "version": None}, None),
        ("cp311-cp311-manylinux2014_x86_64", {"series": None}, None),
        ("py3-none-any", {"series": None, "machine": "", "libc": ""}, True),
        ("cp311-cp311-win_amd64", {"linux": False}, None),
    ],
)
def test_other_platforms(tag: str, fields: dict[str, object], fits: bool | None) -> None:
    """musl, free-threaded, debug, PyPy, 32-bit; None where the manifest does not tell."""
    answer = judge((tag,), platform(**fields))
    assert (None if answer is None else not answer) is fits
