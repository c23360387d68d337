"""The NVIDIA driver against the CUDA runtime."""

from __future__ import annotations

import pytest

from reprocheck.graph import analyse
from reprocheck.graph.driver import driver_minimums
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import GraphReport
from reprocheck.model.host import Driver
from reprocheck.model.package import NativeLibrary, Package
from tests.strategies import make_deb, make_host, make_manifest


def graph(cuda: tuple[str, ...], driver: str | None, *packages: Package) -> GraphReport:
    """The report of an image with these CUDA runtimes on a machine with this driver."""
    libraries = tuple(
        NativeLibrary(
            kind="cuda-runtime", name="libcudart.so", path=f"/usr/local/cuda-{v}/libcudart.so", version=v
        )
        for v in cuda
    )
    host = make_host(driver=None if driver is None else Driver(version=driver))
    return analyse(
        make_manifest(packages=packages, pythons=(), libraries=libraries, host=host), limits=DEFAULT
    )


@pytest.mark.parametrize(
    ("cuda", "driver", "needs"),
    [
        ("12.4.127", "535.104.05", ""),
        ("12.4.127", "525.60.13", ""),
        ("12.4.127", "525.60.12", "525.60.13"),
        ("12", "470.57.02", "525.60.13"),
        ("13.0.48", "575.57.08", "580.65.06"),
        ("13.1", "580.65.06", ""),
        ("11.8.89", "450.80.02", ""),
        ("11.8.89", "450.51.06", "450.80.02"),
        ("11.0.221", "450.51.06", ""),
        ("10.2.89", "418.39", "440.33"),
        ("10.1", "418.39", ""),
        ("9.2.148", "9", "396.26"),
    ],
)
def test_the_driver_against_the_minimum_of_its_cuda(cuda: str, driver: str, needs: str) -> None:
    """Any release of a major from 11 on runs on that major's first driver."""
    report = graph((cuda,), driver)
    assert [(c.code, c.kind, c.requirement, c.found) for c in report.conflicts] == (
        [("DRV-211", "driver-too-old", f"NVIDIA driver >= {needs}", driver)] if needs else []
    )
    assert all(c.broken for c in report.conflicts)


def test_two_runtimes_of_one_major_are_one_conflict_with_two_causes() -> None:
    """Sorted by version."""
    (conflict,) = [one for one in graph(("12.4", "12.1"), "470.57.02").conflicts if one.code == "DRV-211"]
    assert [c.parent for c in conflict.causes] == ["libcudart.so 12.1", "libcudart.so 12.4"]


def test_without_a_driver_there_is_nothing_to_say() -> None:
    """An absent GPU is a fact."""
    report = graph(("12.4",), None)
    assert (report.conflicts, report.unknowns) == ((), ())


@pytest.mark.parametrize(
    ("cuda", "driver"), [("", "535.1"), ("14.0", "535.1"), ("10", "535.1"), ("12.4", "x.y")]
)
def test_what_cannot_be_compared_is_unknown(cuda: str, driver: str) -> None:
    """A release without a row in the table, or a version that is no number."""
    report = graph((cuda,), driver)
    assert report.conflicts == ()
    assert len(report.unknowns) == 1


def test_the_compatibility_package_turns_it_into_a_remark() -> None:
    """cuda-compat lets data-centre GPUs run on an older driver."""
    (conflict,) = graph(("12.4.127",), "470.57.02", make_deb("cuda-compat-12-4")).conflicts
    assert (conflict.broken, conflict.severity) == (False, "low")


def test_every_row_has_a_source_and_a_date() -> None:
    """Data files state where a fact comes from."""
    rows = driver_minimums()
    assert len({row.cuda for row in rows}) == len(rows)
    assert all(row.source and row.date and row.driver for row in rows)
