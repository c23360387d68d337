"""What lies in an environment that only one side has, and a card that only one has: one finding."""

from __future__ import annotations

from typing import Any

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import Finding
from reprocheck.model.package import NativeLibrary
from tests.strategies import (
    make_conda,
    make_deb,
    make_gpu,
    make_host,
    make_manifest,
    make_pypi,
    make_python,
)

VENV = make_python("/opt/v/bin/python3.11", prefix="/opt/v", kind="venv", active=False)
CONDA = make_python("/opt/c/bin/python3.12", prefix="/opt/c", kind="conda", active=False, version="3.12.1")


def findings(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Finding]:
    a, b = make_manifest(**before), make_manifest(**after)
    report, back = rank(compare(a, b), a, b), rank(compare(b, a), b, a)
    assert [(f.name, f.folded) for f in report.findings] == [(f.name, f.folded) for f in back.findings]
    return {f.name: f for f in report.findings}


def test_the_packages_of_a_virtual_environment_that_came_fold_under_it() -> None:
    system = (make_deb("libc6"), make_pypi("numpy"))
    own = tuple(
        make_pypi(name, environment=VENV.executable, location="/opt/v/lib/python3.11/site-packages")
        for name in ("numpy", "torch", "mine")
    )
    after = {"packages": (*system, *own), "pythons": (make_python(), VENV)}
    (finding,) = findings({"packages": system}, after).values()
    assert (finding.section, finding.name) == ("pythons", VENV.executable)
    assert sorted(finding.folded) == ["mine", "numpy", "torch"]
    assert (finding.effect, finding.severity) == ("result", "medium")


def test_copies_of_one_name_in_it_fold_by_their_directory() -> None:
    own = tuple(
        make_pypi("x", environment=VENV.executable, location=f"/opt/v/{place}", version=version)
        for place, version in (("one", "1"), ("two", "2"))
    )
    after = {"packages": own, "pythons": (make_python(), VENV)}
    (finding,) = findings({"packages": ()}, after).values()
    assert finding.folded == ("x", "x")


def test_a_conda_prefix_that_came_takes_its_packages_and_libraries_along() -> None:
    library = NativeLibrary(kind="openblas", name="libopenblas.so.0", path="/opt/c/lib/libopenblas.so.0")
    after = {
        "packages": (
            *(make_conda(name, prefix="/opt/c") for name in ("python", "libopenblas")),
            make_pypi("numpy", environment=CONDA.executable, location="/opt/c/lib/python3.12/site-packages"),
        ),
        "pythons": (make_python(), CONDA),
        "libraries": (library,),
    }
    (finding,) = findings({"packages": (), "libraries": ()}, after).values()
    assert finding.name == CONDA.executable
    assert sorted(finding.folded) == ["libopenblas", "libopenblas.so.0", "numpy", "python"]


def test_what_lies_elsewhere_stands_alone() -> None:
    library = NativeLibrary(kind="openblas", name="libopenblas.so.0", path="/usr/lib/libopenblas.so.0")
    after = {
        "packages": (make_deb("curl"), make_pypi("mine"), make_conda("zlib", prefix="/opt/other")),
        "pythons": (make_python(), VENV),
        "libraries": (library,),
    }
    found = findings({"packages": (), "libraries": ()}, after)
    assert set(found) == {VENV.executable, "curl", "mine", "zlib", library.name}


def test_a_renamed_environment_takes_nothing_along() -> None:
    def side(python: str, *names: str) -> dict[str, Any]:
        return {
            "packages": tuple(make_pypi(name, environment=python) for name in names),
            "pythons": (make_python(python),),
        }

    found = findings(side("/a/bin/python", "x"), side("/b/bin/python", "x", "y"))
    assert found["y"].folded == ()


def test_a_card_more_is_said_once_with_the_way_back() -> None:
    after = {"host": make_host(gpus=(make_gpu(),))}
    (finding,) = findings({}, after).values()
    assert (finding.name, finding.folded) == ("gpus", ("gpus[0]",))
    assert finding.fix == "docker run without --gpus"


def test_another_card_among_more_of_them_is_told_beside_their_number() -> None:
    before = {"host": make_host(gpus=(make_gpu(),))}
    after = {"host": make_host(gpus=(make_gpu(name="NVIDIA H100"), make_gpu(index=1)))}
    found = findings(before, after)
    assert {name: f.folded for name, f in found.items()} == {"gpus": ("gpus[1]",), "gpus[0].name": ()}


def test_how_names_are_spelled_changes_no_order_of_findings() -> None:
    """An environment ranks as what lies in it, and between equals the name decides, however it is written."""
    own = make_pypi("M", environment=VENV.executable, location="/opt/v")
    b = make_manifest(packages=(own,), pythons=(make_python(), VENV))
    orders = [
        [f.code for f in rank(compare(a, b), a, b).findings]
        for a in (make_manifest(packages=(make_pypi(name),)) for name in ("libc6", "LIBC6"))
    ]
    assert orders[0] == orders[1]
