"""Shared objects of Python distributions: libraries, symbol versions, NumPy's ABI."""

from __future__ import annotations

import pytest

from reprocheck.graph.native import find_native_conflicts
from reprocheck.model.base import replace
from reprocheck.model.conflict import Conflict
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import LinkNeed, Package
from tests.strategies import PYTHON, make_deb, make_manifest, make_pypi, make_python

SITE = "/usr/lib/python3.11/site-packages"
OWNER = "pkg:pypi/cv@4.0"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"


def manifest(need: LinkNeed, *packages: Package) -> Manifest:
    return make_manifest(
        packages=(make_pypi("cv", "4.0", purl=OWNER), *packages),
        pythons=(make_python(PYTHON, search_path=(SITE,), active=True),),
        linking=(need,),
    )


def only(need: LinkNeed, *packages: Package) -> Conflict:
    ((conflict,), unknowns) = find_native_conflicts(manifest(need, *packages))
    assert unknowns == ()
    return conflict


def need(soname: str = "libGL.so.1", consumer: str = f"{SITE}/cv/cv.abi3.so", **more: object) -> LinkNeed:
    fields: dict[str, object] = {"owner": OWNER, "imported": True} | more
    return LinkNeed(soname=soname, consumer=consumer, **fields)  # type: ignore[arg-type]


def test_a_library_that_an_import_needs_is_broken() -> None:
    found = only(need(), make_deb("libc6"))
    assert (found.code, found.kind, found.severity, found.broken) == (
        "DEP-432",
        "needed-library",
        "high",
        True,
    )
    assert (found.package, found.requirement, found.environment) == ("cv", "libGL.so.1", PYTHON)
    assert found.causes[0].chain == ("cv 4.0", f"{SITE}/cv/cv.abi3.so")
    assert found.fix == "apt-get install libgl1"


def test_without_debian_there_is_no_command_for_it() -> None:
    assert only(need()).fix == "Install the package that holds libGL.so.1."


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        (need(imported=False), "low"),
        (need(elsewhere="/opt/gl/libGL.so.1"), "medium"),
        (need("libmlx5.so.1"), "info"),
        (need("libtbb.so.12", f"{SITE}/numba/np/ufunc/tbbpool.cpython-311-x86_64-linux-gnu.so"), "info"),
        (need("libmpi.so.40", f"{SITE}/nvidia/nvshmem/lib/nvshmem_bootstrap_mpi.so.3"), "info"),
        (need("libpq.so.5", f"{SITE}/PyQt6/Qt6/plugins/sqldrivers/libqsqlpsql.so"), "info"),
    ],
)
def test_what_a_program_can_do_without_is_no_failure(row: LinkNeed, severity: str) -> None:
    found = only(row)
    assert (found.severity, found.broken) == (severity, False)


@pytest.mark.parametrize("soname", ["libcuda.so.1", "libnvidia-ml.so.1"])
def test_the_driver_s_libraries_come_with_the_host(soname: str) -> None:
    assert find_native_conflicts(manifest(need(soname))) == ((), ())


@pytest.mark.parametrize(
    ("wanted", "offered", "text"),
    [
        ("GLIBC_2.38", "GLIBC_2.36", "glibc 2.38 or newer"),
        ("GLIBCXX_3.4.32", "GLIBCXX_3.4.30", "newer libstdc++"),
        ("GLIBC_PRIVATE", "", "another release"),
        ("OPENSSL_3.0.0", "", "another release"),
    ],
)
def test_a_symbol_version_that_is_not_offered(wanted: str, offered: str, text: str) -> None:
    found = only(need("libc.so.6", wanted=wanted, provider=LIBC, offered=offered))
    assert (found.code, found.kind, found.broken) == ("DEP-433", "symbol-version", True)
    assert found.requirement == f"{wanted} of libc.so.6"
    assert found.found == (f"up to {offered} in {LIBC}" if offered else f"not in {LIBC}")
    assert text in found.fix


def test_a_plug_in_that_cannot_be_loaded_is_not_broken() -> None:
    found = only(need("libc.so.6", wanted="GLIBC_2.38", provider=LIBC, imported=False))
    assert (found.severity, found.broken) == ("medium", False)


def test_what_is_met_is_no_conflict() -> None:
    row = need("libc.so.6", wanted="GLIBC_2.34", provider=LIBC, offered="GLIBC_2.36", met=True)
    assert find_native_conflicts(manifest(row)) == ((), ())


@pytest.mark.parametrize(
    ("installed", "broken"), [("2.0.0", True), ("2.4.1", True), ("1.26.4", False), ("", False)]
)
def test_an_extension_of_numpy_1_beside_numpy_2(installed: str, broken: bool) -> None:
    others = (make_pypi("NumPy", installed),) if installed else ()
    conflicts, unknowns = find_native_conflicts(manifest(need("numpy", wanted="NUMPY_1"), *others))
    assert unknowns == ()
    assert [(c.code, c.kind, c.broken, c.requirement, c.found) for c in conflicts] == (
        [("DEP-403", "numpy-abi", True, "numpy<2", installed)] if broken else []
    )
    assert all(c.fix == "pip install 'numpy<2'" for c in conflicts)


def test_a_numpy_without_a_version_that_compares_is_an_unknown() -> None:
    row = need("numpy", wanted="NUMPY_1")
    conflicts, unknowns = find_native_conflicts(manifest(row, make_pypi("numpy", "unknown")))
    assert conflicts == ()
    assert [u.where for u in unknowns] == ["cv 4.0"]


def test_an_object_that_nobody_owns_is_named_by_its_file() -> None:
    found = only(need(owner="", consumer=f"{SITE}/x/x.abi3.so"))
    assert (found.package, found.causes[0].chain) == ("x.abi3.so", ("x.abi3.so", f"{SITE}/x/x.abi3.so"))


def test_what_one_package_can_do_without_is_one_remark() -> None:
    rows = tuple(need(f"libx{i:02}.so.1", imported=False) for i in range(20))
    base = manifest(rows[0])
    ((found,), _) = find_native_conflicts(replace(base, linking=rows))
    assert found.requirement.startswith("libx00.so.1, libx01.so.1, ")
    assert found.requirement.endswith("libx11.so.1 and 8 more")
    assert (len(found.causes), found.severity, found.broken) == (12, "low", False)
