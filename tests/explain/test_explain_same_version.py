"""The same version with other content is a finding of its own, and never hidden behind an equal number."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import Finding
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.package import DirectUrl, NativeLibrary
from reprocheck.model.run import Change
from tests.strategies import make_conda, make_deb, make_manifest, make_pypi, make_run, sha

Side = dict[str, Any]


def packages(*found: Any) -> Side:
    return {"packages": found}


def library(**fields: Any) -> Side:
    base = {
        "kind": "openblas",
        "name": "libopenblas.so.0",
        "path": "/l/libopenblas.so.0",
        "version": "0.3.27",
    }
    return {"libraries": (NativeLibrary(**base | {"sha256": sha("1"), "build_id": "01"} | fields),)}


def integrity(*faults: FileFault) -> Side:
    return {"integrity": Integrity(checked=1, without_digest=0, faults=faults)}


def git(commit: str) -> DirectUrl:
    return DirectUrl(url="https://example.org/x", vcs="git", commit=commit * 40)


CASES: list[tuple[str, str, Side, Side]] = [
    (
        "wheel-build",
        "PKG-316",
        packages(make_pypi("torch", build="1")),
        packages(make_pypi("torch", build="2")),
    ),
    (
        "tags",
        "PKG-316",
        packages(make_pypi("torch", tags=("cp311-cp311-manylinux_2_17_x86_64",))),
        packages(make_pypi("torch", tags=("cp311-cp311-manylinux_2_28_x86_64",))),
    ),
    ("files", "PKG-316", packages(make_pypi("torch")), packages(make_pypi("torch", files_sha256=sha("f")))),
    (
        "channel",
        "PKG-316",
        packages(make_conda("numpy")),
        packages(make_conda("numpy", channel="defaults")),
    ),
    ("build", "PKG-316", packages(make_conda("numpy")), packages(make_conda("numpy", build="h1_1"))),
    (
        "subdir",
        "PKG-316",
        packages(make_conda("numpy", subdir="linux-64")),
        packages(make_conda("numpy", subdir="linux-aarch64")),
    ),
    (
        "direct_url",
        "PKG-316",
        packages(make_pypi("torch", direct_url=git("a"))),
        packages(make_pypi("torch", direct_url=git("b"))),
    ),
    (
        "version",
        "PKG-330",
        packages(make_pypi("torch", "2.1.0+cu118")),
        packages(make_pypi("torch", "2.1.0+cu121")),
    ),
    (
        "version",
        "PKG-330",
        packages(make_pypi("torch", "2.1.0")),
        packages(make_pypi("torch", "2.1.0+cu126")),
    ),
    ("version", "PKG-330", packages(make_pypi("torch", "2.1.0")), packages(make_pypi("torch", "1!2.1.0"))),
    ("version", "CPU-110", packages(make_deb("libc6", "2.36-9")), packages(make_deb("libc6", "2.36-10"))),
    ("version", "CPU-110", packages(make_deb("libc6", "2.36-9")), packages(make_deb("libc6", "1:2.36-9"))),
    (
        "architecture",
        "PKG-350",
        packages(make_deb("libc6")),
        packages(make_deb("libc6", architecture="arm64")),
    ),
    ("sha256", "CPU-103", library(), library(sha256=sha("2"))),
    ("build_id", "CPU-103", library(sha256=""), library(sha256="", build_id="02")),
    (
        "changed",
        "PKG-343",
        integrity(),
        integrity(FileFault(kind="changed", path="/s/numpy/core.py", actual="sha256:2")),
    ),
    (
        "written",
        "IMG-512",
        {"run": make_run()},
        {"run": make_run(changes=(Change(path="/s/numpy/core.py", kind="modified"),))},
    ),
]


def findings(before: Side, after: Side) -> tuple[Finding, ...]:
    a, b = make_manifest(**before), make_manifest(**after)
    return rank(compare(a, b), a, b).findings


@pytest.mark.parametrize(("attribute", "code", "before", "after"), CASES)
def test_it_is_told_alone_both_ways(attribute: str, code: str, before: Side, after: Side) -> None:
    for one, other in ((before, after), (after, before)):
        (finding,) = findings(one, other)
        assert (finding.attribute, finding.code) == (attribute, code)
        assert finding.before != finding.after


def test_another_path_does_not_hide_that_a_library_of_one_version_is_other_bytes() -> None:
    found = findings(library(), library(path="/m/libopenblas.so.0", sha256=sha("2")))
    assert {f.attribute for f in found} == {"path", "sha256"}


def test_a_library_hashed_on_one_side_only_is_unknown_and_not_different() -> None:
    a, b = make_manifest(**library(build_id="")), make_manifest(**library(sha256="", build_id="01"))
    delta = compare(a, b)
    assert delta.differences == ()
    assert [u.section for u in delta.unknowns] == ["libraries"]
    agreed = make_manifest(**library()), make_manifest(**library(sha256=""))
    assert compare(*agreed).differences == () == compare(*agreed).unknowns


def test_another_build_of_a_numeric_package_stands_before_another_version_of_a_harmless_one() -> None:
    before = packages(make_conda("numpy", "1.26", "a_0"), make_pypi("mine", "1"))
    after = packages(make_conda("numpy", "1.26", "b_0"), make_pypi("mine", "2"))
    assert [f.name for f in findings(before, after)] == ["numpy", "mine"]
