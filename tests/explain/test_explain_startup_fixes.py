"""The fix for what an interpreter reads at its start names files, and only those that differ."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.explain.sides import sides_of
from reprocheck.explain.startup_fixes import fix_started
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PathFile
from tests.strategies import PYTHON, make_deb, make_image, make_manifest, make_python

SAME = PathFile(path="/s/distutils-precedence.pth", executes=True)
OTHER = PathFile(path="/l/my paths.pth", executes=True)


def python(*files: PathFile, **overrides: Any) -> Manifest:
    return make_manifest(pythons=(make_python(path_files=files, **overrides),))


def fix(a: Manifest, b: Manifest) -> str:
    (finding,) = rank(compare(a, b), a, b).findings
    assert finding.code == "PKG-344"
    return finding.fix


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (python(SAME), python(SAME, OTHER), "remove '/l/my paths.pth'"),
        (python(SAME, OTHER), python(SAME), "put '/l/my paths.pth' there as on the first side"),
        (
            python(SAME),
            python(OTHER),
            "remove '/l/my paths.pth', and put /s/distutils-precedence.pth there as on the first side",
        ),
        (
            python(PathFile(path="/s/a.pth", adds=("/x",))),
            python(PathFile(path="/s/a.pth", adds=("/x",), executes=True)),
            "restore /s/a.pth as on the first side",
        ),
        (
            python(PathFile(path="/s/a.pth", missing=("/x",))),
            python(PathFile(path="/s/a.pth", missing=("/y",))),
            "restore /s/a.pth as on the first side",
        ),
        (python(SAME, OTHER), python(OTHER, SAME), f"start {PYTHON} with the first side's search order"),
        (python(), python(customizations=("/x/sitecustomize.py",)), "remove /x/sitecustomize.py"),
        (
            python(customizations=("/x/a.py", "/x/b.py")),
            python(customizations=("/x/b.py",)),
            "put /x/a.py there as on the first side",
        ),
    ],
)
def test_only_what_differs_is_named(before: Manifest, after: Manifest, expected: str) -> None:
    assert fix(before, after) == expected


def test_many_files_are_counted() -> None:
    files = [PathFile(path=f"/s/{n}.pth", executes=True) for n in range(8)]
    assert fix(python(), python(*files)) == "remove /s/0.pth /s/1.pth /s/2.pth /s/3.pth /s/4.pth and 3 more"


def test_of_an_interpreter_that_neither_side_has_nothing_is_said() -> None:
    d = Difference(
        section="pythons", kind="changed", name="/gone", attribute="path_files", before="a", after="b"
    )
    assert fix_started(d, sides_of(make_manifest(), make_manifest())) == ""


def architecture_fix(type_: str, **other: Any) -> str:
    a = make_manifest(packages=(make_deb("x", "1-1", type=type_),))
    b = make_manifest(packages=(make_deb("x", "1-1", type=type_, architecture="arm64"),), **other)
    found = [f.fix for f in rank(compare(a, b), a, b).findings if f.attribute == "architecture"]
    return found[0]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("deb", "apt-get install x:amd64=1-1"),
        ("rpm", "dnf install x-1-1.amd64"),
        ("apk", "install the build of x for amd64"),
    ],
)
def test_a_package_of_another_architecture_is_installed_for_the_first_sides(
    type_: str, expected: str
) -> None:
    assert architecture_fix(type_) == expected


def test_no_package_command_turns_an_image_into_one_of_another_architecture() -> None:
    packages = [make_deb("x", architecture=name) for name in ("amd64", "arm64")]
    a, b = (
        make_manifest(packages=(package,), image=make_image(architecture=package.architecture))
        for package in packages
    )
    fixes = {f.fix for f in rank(compare(a, b), a, b).findings if f.section == "packages"}
    assert fixes <= {"start from the first side's image for amd64"}
