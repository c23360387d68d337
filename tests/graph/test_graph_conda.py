"""Match specifications of conda packages."""

from __future__ import annotations

import pytest

from reprocheck.graph import analyse
from reprocheck.graph.conda import matches, read_spec
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import GraphReport
from reprocheck.model.host import Driver
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import Package
from tests.strategies import make_conda, make_host, make_manifest


def graph(*packages: Package, **overrides: object) -> GraphReport:
    """The report of a prefix with these packages."""
    return analyse(make_manifest(packages=packages, libraries=(), **overrides), limits=DEFAULT)


@pytest.mark.parametrize(
    ("spec", "version", "build", "met"),
    [
        ("numpy", "1.0", "x", True),
        ("numpy >=1.22.4,<2.0a0", "1.26.4", "x", True),
        ("numpy >=1.22.4,<2.0a0", "2.0", "x", False),
        ("numpy >=1.22.4, <2.0a0", "2.0", "x", False),
        ("numpy 1.26.*", "1.26.4", "x", True),
        ("numpy 1.2.*", "1.26.4", "x", False),
        ("numpy =1.26", "1.26.4", "x", True),
        ("numpy=1.26", "1.2", "x", False),
        ("numpy 1.26", "1.26.4", "x", False),
        ("numpy ==1.26.0", "1.26", "x", True),
        ("numpy !=1.26.*", "1.26.4", "x", False),
        ("numpy ~=1.26.2", "1.26.4", "x", True),
        ("numpy ~=1.26.2", "1.27", "x", False),
        ("numpy 1.25.*|>=1.26.3", "1.26.4", "x", True),
        ("openssl >=1.1.1a,<1.1.2a", "1.1.1w", "h1", True),
        ("python_abi 3.11.* *_cp311", "3.11", "5_cp311", True),
        ("python_abi 3.11.* *_cp311", "3.11", "5_cp310", False),
        ("blas 1.0 mkl", "1.0", "mkl", True),
        ("blas * openblas", "1.0", "mkl", False),
        ("conda-forge::numpy[version='>=1.2,<2']", "1.26", "x", True),
        ("numpy[build=*_cuda]", "1.0", "py_cuda", True),
        ("numpy >=1", "not!a!version", "x", None),
    ],
)
def test_a_specification_is_read_as_conda_reads_it(
    spec: str, version: str, build: str, met: bool | None
) -> None:
    """Name, version in conda's order, build."""
    assert matches(read_spec(spec), version, build) is met


@pytest.mark.parametrize("text", ["", "[x", ">=1", "a b c d", "a" * 5000, "a[what]"])
def test_a_malformed_dependency_is_an_unknown(text: str) -> None:
    """Of that package; the good one beside it is still looked at."""
    report = graph(make_conda("a", depends=(text, "gone >=1")))
    assert [c.requirement for c in report.conflicts] == ["gone >=1"]
    assert [u.where for u in report.unknowns] == ["a 1.0"]


def test_an_unmet_dependency_has_its_chain() -> None:
    """DEP-440, broken, in its prefix."""
    packages = (
        make_conda("app", depends=("numpy",)),
        make_conda("numpy", depends=("blas * openblas",)),
        make_conda("blas", build="mkl"),
        make_conda("blas", build="openblas", prefix="/other"),
    )
    (conflict,) = graph(*packages).conflicts
    assert (conflict.code, conflict.kind, conflict.broken) == ("DEP-440", "unsatisfied", True)
    assert (conflict.found, conflict.environment) == ("1.0 mkl", "/opt/conda")
    assert conflict.causes[0].chain == ("app 1.0", "numpy 1.0")


def test_what_the_machine_gives_counts_where_it_is_known() -> None:
    """An old C library and an old driver; `__unix` and the like are not looked at."""
    package = make_conda("torch", depends=("__glibc >=2.28,<3.0.a0", "__cuda >=12.0", "__unix"))
    system = OperatingSystem(id="centos", libc="glibc 2.17")
    old = make_host(driver=Driver(version="470.1", cuda_maximum="11.4"))
    assert [c.found for c in graph(package, os=system, host=old).conflicts] == ["11.4", "2.17"]
    assert graph(package, os=None, host=None).conflicts == ()
