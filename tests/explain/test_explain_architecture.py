"""Another architecture is one finding: what is built for it stands behind it."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import Finding
from reprocheck.model.package import NativeLibrary, Package
from tests.strategies import (
    make_conda,
    make_cpu,
    make_deb,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_python,
    sha,
)

ARM_CPU = make_cpu(architecture="aarch64", vendor="ARM", model="Neoverse-N1", level="", features=("sve",))
ARM = {"image": make_image(architecture="arm64", variant="v8"), "host": make_host(cpu=ARM_CPU)}


def findings(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Finding]:
    a, b = make_manifest(**before), make_manifest(**after)
    report, back = rank(compare(a, b), a, b), rank(compare(b, a), b, a)
    assert [(f.name, f.folded) for f in report.findings] == [(f.name, f.folded) for f in back.findings]
    return {f.name: f for f in report.findings}


def debs(architecture: str) -> tuple[Package, ...]:
    return tuple(make_deb(f"lib{n}", architecture=architecture) for n in range(3))


def test_packages_fold_under_the_platform_of_the_image() -> None:
    found = findings({"packages": debs("amd64")}, {"packages": debs("arm64"), "image": ARM["image"]})
    assert {name: f.folded for name, f in found.items()} == {"platform": ("lib0", "lib1", "lib2")}


def test_packages_fold_under_the_processor_where_no_image_tells_it() -> None:
    """An rpm system in a directory has no image, and writes its machine as the kernel does."""
    before: dict[str, Any] = {"packages": debs("x86_64"), "image": None}
    found = findings(before, {"packages": debs("aarch64"), "image": None, "host": ARM["host"]})
    assert set(found) == {"cpu.architecture"}
    assert {"lib0", "lib1", "lib2"} < set(found["cpu.architecture"].folded)


def test_another_processor_of_another_architecture_is_one_finding() -> None:
    (finding,) = findings({}, {"host": ARM["host"]}).values()
    assert finding.name == "cpu.architecture"
    assert set(finding.folded) == {"cpu.features", "cpu.level", "cpu.model", "cpu.vendor"}


def test_wheels_conda_builds_interpreters_and_libraries_of_the_other_machine_fold_too() -> None:
    def side(machine: str, subdir: str, architecture: str) -> dict[str, Any]:
        deb = make_deb(
            "libgomp1", architecture=architecture, purl=f"pkg:deb/debian/libgomp1@1.0-1?arch={architecture}"
        )
        library = NativeLibrary(
            kind="openmp",
            name="libgomp.so.1",
            path=f"/usr/lib/{machine}-linux-gnu/libgomp.so.1",
            owner=deb.purl,
            sha256=sha("1" if machine == "x86_64" else "2"),
        )
        return {
            "packages": (
                deb,
                make_pypi("numpy", tags=(f"cp311-cp311-manylinux_2_17_{machine}",)),
                make_conda("zlib", subdir=subdir),
            ),
            "pythons": (make_python(platform=f"{machine}-linux-gnu"),),
            "libraries": (library,),
        }

    found = findings(side("x86_64", "linux-64", "amd64"), side("aarch64", "linux-aarch64", "arm64") | ARM)
    assert set(found) == {"platform", "cpu.architecture"}
    told = {label.partition(" ")[0] for label in found["platform"].folded}
    assert told == {"libgomp1", "numpy", "zlib", "/usr/bin/python3.11", "libgomp.so.1"}


UNEXPLAINED: dict[str, tuple[tuple[Package, ...], tuple[Package, ...]]] = {
    "a 32-bit package on a 64-bit system": (debs("i386"), debs("amd64")),
    "a package that is built for no machine": (debs("all"), debs("arm64")),
    "another series of Python": (
        (make_pypi("lib0", tags=("cp311-cp311-linux_x86_64",)),),
        (make_pypi("lib0", tags=("cp312-cp312-linux_aarch64",)),),
    ),
    "another C library": (
        (make_pypi("lib0", tags=("cp311-cp311-manylinux_2_17_x86_64",)),),
        (make_pypi("lib0", tags=("cp311-cp311-musllinux_1_2_aarch64",)),),
    ),
    "another version": ((make_deb("lib0", "1"),), (make_deb("lib0", "2", architecture="arm64"),)),
}


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_what_the_architecture_does_not_explain_stands_alone(name: str) -> None:
    before, after = UNEXPLAINED[name]
    found = findings({"packages": before}, {"packages": after} | ARM)
    assert "lib0" in found


def test_another_architecture_on_one_machine_says_what_it_means_and_is_put_right_by_its_name() -> None:
    found = findings({"packages": debs("amd64")}, {"packages": debs("i386")})
    finding = found["lib0"]
    assert (finding.code, finding.effect) == ("PKG-350", "result")
    assert "directory" not in finding.why
    assert finding.fix == "apt-get install lib0:amd64=1.0-1"


def test_a_package_whose_metadata_names_no_machine_is_only_described_otherwise() -> None:
    found = findings({"packages": debs("all")}, {"packages": debs("amd64")})
    assert {f.code for f in found.values()} == {"PKG-348"}
