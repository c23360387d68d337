"""GPU libraries: pins, copies in each other's way, kernels for the GPU; OpenMP runtimes; drivers."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.graph.accelerator import find_copy_conflicts, find_gpu_conflicts, find_pin_conflicts
from reprocheck.graph.driver import find_driver_conflicts
from reprocheck.graph.openmp import find_openmp_conflicts
from reprocheck.model.conflict import Conflict
from reprocheck.model.host import Driver
from reprocheck.model.loaded import Loaded, LoadedLibrary
from reprocheck.model.package import Framework, LoaderChoice, NativeLibrary, Package, VersionClaim
from tests.strategies import PYTHON, make_gpu, make_host, make_manifest, make_pypi, make_python

SITE = "/usr/lib/python3.11/site-packages"
ENVIRONMENT = make_python(PYTHON, search_path=(SITE,), active=True, prefix="/usr")
PINS = (
    "nvidia-cudnn-cu12==9.1.0.70; platform_system == 'Linux'",
    "nvidia-nccl-cu12==2.21.5; platform_system == 'Linux'",
    "nvidia-cublas-cu12==12.4.5.8; platform_system == 'Windows'",
    "triton==3.1.0",
)


def torch(**more: object) -> Framework:
    fields: dict[str, object] = {"version": "2.5.1", "location": SITE, "cuda": "12.4", "pins": PINS} | more
    return Framework(name="torch", **fields)  # type: ignore[arg-type]


def pins(framework: Framework, *packages: Package) -> tuple[Conflict, ...]:
    found, unknowns = find_pin_conflicts(
        make_manifest(packages=packages, pythons=(ENVIRONMENT,), frameworks=(framework,))
    )
    assert unknowns == ()
    return found


def test_pins_against_what_is_installed() -> None:
    """One row for all of them; markers are evaluated for the image's interpreter."""
    (found,) = pins(
        torch(), make_pypi("nvidia_cudnn_cu12", "9.5.0.50"), make_pypi("triton", "3.1.0"), make_pypi("x")
    )
    assert (found.code, found.broken, found.severity) == ("DRV-216", False, "high")
    assert found.requirement == "nvidia-cudnn-cu12==9.1.0.70, nvidia-nccl-cu12==2.21.5"
    assert found.found == "9.5.0.50, missing"
    assert found.fix == "pip install nvidia-cudnn-cu12==9.1.0.70 nvidia-nccl-cu12==2.21.5"


def test_pins_that_hold_are_no_conflict() -> None:
    packages = [make_pypi("nvidia-cudnn-cu12", "9.1.0.70"), make_pypi("nvidia-nccl-cu12", "2.21.5")]
    assert pins(torch(), *packages, make_pypi("triton", "3.1.0")) == ()
    assert pins(torch(location="/elsewhere")) == ()
    assert pins(torch(pins=("not a ((requirement",))) == ()


def library(path: str, kind: str = "cudnn", version: str = "9.1.0", **more: object) -> NativeLibrary:
    name = path.rpartition("/")[2]
    return NativeLibrary(kind=kind, name=name, path=path, version=version, **more)  # type: ignore[arg-type]


WHEEL, OTHER = f"{SITE}/nvidia/cudnn/lib", "/opt/cudnn/lib"


def choice(soname: str, path: str, rule: Any, *shadowed: str) -> LoaderChoice:
    consumer = f"{SITE}/torch/lib/libtorch_cuda.so"
    return LoaderChoice(soname=soname, consumer=consumer, path=path, rule=rule, shadowed=shadowed)


def copies(libraries: tuple[NativeLibrary, ...], *loading: LoaderChoice) -> list[tuple[str, str, bool]]:
    found, _ = find_copy_conflicts(
        make_manifest(libraries=libraries, loading=loading, pythons=(ENVIRONMENT,))
    )
    return [(one.code, one.severity, one.broken) for one in found]


def test_a_second_cudnn_before_the_bundled_one() -> None:
    both = (
        library(f"{WHEEL}/libcudnn.so.9"),
        library(f"{WHEEL}/libcudnn_graph.so.9"),
        library(f"{OTHER}/libcudnn.so.9", version="9.12.0"),
    )
    taken = choice("libcudnn.so.9", f"{OTHER}/libcudnn.so.9", "LD_LIBRARY_PATH", f"{WHEEL}/libcudnn.so.9")
    assert copies(both, taken) == [("DRV-214", "high", False)]
    graph = choice("libcudnn_graph.so.9", f"{WHEEL}/libcudnn_graph.so.9", "runpath")
    assert copies(both, taken, graph) == [("DRV-214", "high", False), ("GPU-207", "high", False)]


def test_the_same_release_twice_is_no_conflict() -> None:
    both = (library(f"{WHEEL}/libcudnn.so.9"), library(f"{OTHER}/libcudnn.so.9"))
    taken = choice("libcudnn.so.9", f"{OTHER}/libcudnn.so.9", "cache", f"{WHEEL}/libcudnn.so.9")
    assert copies(both, taken) == []


def test_the_bundled_copy_that_wins_is_no_conflict() -> None:
    both = (library(f"{WHEEL}/libcudnn.so.9"), library(f"{OTHER}/libcudnn.so.9", version="9.12.0"))
    assert (
        copies(both, choice("libcudnn.so.9", f"{WHEEL}/libcudnn.so.9", "runpath", f"{OTHER}/libcudnn.so.9"))
        == []
    )


def test_several_cuda_runtimes_are_a_remark() -> None:
    one = library(f"{SITE}/nvidia/cuda_runtime/lib/libcudart.so.12", "cuda-runtime", "12.4.127")
    assert copies((one, library("/usr/local/cuda/lib64/libcudart.so.12", "cuda-runtime", "12.4.99"))) == []
    two = library("/usr/local/cuda/lib64/libcudart.so.11.0", "cuda-runtime", "11.8.89")
    assert copies((one, two)) == [("DRV-215", "low", False)]


ARCHITECTURES = ("sm_50", "sm_80", "sm_86", "sm_90")


@pytest.mark.parametrize(
    ("architectures", "capability", "answer"),
    [
        (ARCHITECTURES, "9.0", ""),
        (ARCHITECTURES, "8.9", ""),
        (ARCHITECTURES, "7.5", "broken"),
        (ARCHITECTURES, "12.0", "broken"),
        ((*ARCHITECTURES, "compute_90"), "12.0", "info"),
        (("sm_90a",), "9.0", ""),
        (("sm_100a",), "10.3", "broken"),
        (("sm_100f",), "10.3", ""),
        (("compute_90a",), "10.0", "broken"),
        (("sm_86",), "8.0", "broken"),
        (("odd",), "8.0", "broken"),
        (ARCHITECTURES, "odd", ""),
    ],
)
def test_kernels_for_the_gpu(architectures: tuple[str, ...], capability: str, answer: str) -> None:
    """Machine code runs within its major version from its minor on; PTX on everything newer."""
    host = make_host(gpus=(make_gpu(compute_capability=capability),))
    found, unknowns = find_gpu_conflicts(
        make_manifest(host=host, pythons=(ENVIRONMENT,), frameworks=(torch(architectures=architectures),))
    )
    assert unknowns == ()
    assert [("broken" if one.broken else one.severity) for one in found] == ([answer] if answer else [])
    assert all(one.code == "GPU-211" and one.kind == "gpu-architecture" for one in found)


def test_a_build_that_names_no_gpus_is_unknown_only_where_there_is_one() -> None:
    silent = (torch(), torch(cuda=""))
    found, unknowns = find_gpu_conflicts(make_manifest(host=make_host(gpus=()), frameworks=silent))
    assert (found, unknowns) == ((), ())
    host = make_host(gpus=(make_gpu(compute_capability="9.0"),))
    found, unknowns = find_gpu_conflicts(make_manifest(host=host, frameworks=silent))
    assert found == ()
    assert [u.where for u in unknowns] == ["torch 2.5.1"]


GOMP = f"{SITE}/torch/lib/libgomp.so.1"
BUNDLED = f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0"
IOMP = "/usr/lib/libiomp5.so"


@pytest.mark.parametrize(
    ("paths", "chosen", "found"),
    [
        ((GOMP,), (), []),
        ((GOMP, BUNDLED), (), [("two-copies", "info")]),
        ((GOMP, IOMP), (), []),
        ((GOMP, IOMP), (IOMP,), [("two-runtimes", "medium")]),
        ((GOMP, f"{SITE}/x/libomp.so"), (), [("two-runtimes", "medium")]),
    ],
)
def test_openmp_runtimes(
    paths: tuple[str, ...], chosen: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    """Two bundled copies of libgomp are ordinary; two different runtimes are not."""
    manifest = make_manifest(
        libraries=tuple(library(path, "openmp", "") for path in paths),
        loading=tuple(choice("lib", path, "cache") for path in chosen),
        pythons=(ENVIRONMENT,),
    )
    conflicts, unknowns = find_openmp_conflicts(manifest)
    assert unknowns == ()
    assert [(one.kind, one.severity) for one in conflicts] == found
    assert all(one.code == "CPU-107" and not one.broken for one in conflicts)


def test_with_an_observed_run_only_what_it_loaded_counts() -> None:
    libraries = (library(GOMP, "openmp", ""), library(f"{SITE}/x/libomp.so", "openmp", ""))
    loaded = Loaded(observer="/proc maps", processes=(), libraries=(LoadedLibrary(path=GOMP, kind="openmp"),))
    manifest = make_manifest(libraries=libraries, pythons=(ENVIRONMENT,), loaded=loaded)
    assert find_openmp_conflicts(manifest) == ((), ())


def driver(
    *, have: str, maximum: str = "", libraries: tuple[NativeLibrary, ...] = (), **more: object
) -> list[str]:
    host = make_host(driver=Driver(version=have, cuda_maximum=maximum))
    found, unknowns = find_driver_conflicts(make_manifest(host=host, libraries=libraries, **more))
    return [f"{one.severity} {one.broken} {one.requirement}" for one in found] + [u.reason for u in unknowns]


def cudart(version: str, *others: str) -> NativeLibrary:
    claims = tuple(VersionClaim(version=one, source="version.json") for one in others)
    return library("/x/libcudart.so", "cuda-runtime", version, others=claims)


def test_a_runtime_newer_than_the_driver_s_cuda_is_a_remark() -> None:
    """Minor-version compatibility runs it, without PTX."""
    row = (cudart("12.8.90"),)
    assert driver(have="535.104.05", maximum="12.2", libraries=row) == [
        "info False NVIDIA driver with CUDA 12.8"
    ]
    assert driver(have="570.86.10", maximum="12.8", libraries=row) == []


def test_a_user_mode_driver_in_the_image_is_forward_compatibility() -> None:
    compat = library("/usr/local/cuda/compat/libcuda.so.580.65.06", "cuda-compat", "580.65.06")
    assert driver(have="535.104.05", libraries=(cudart("13.0.48"), compat)) == [
        "low False NVIDIA driver >= 580.65.06"
    ]
    old = library("/usr/local/cuda/compat/libcuda.so.550.54.14", "cuda-compat", "550.54.14")
    assert driver(have="535.104.05", libraries=(cudart("13.0.48"), old)) == [
        "high True NVIDIA driver >= 580.65.06"
    ]


def test_a_framework_with_its_cuda_inside_counts() -> None:
    inside = (torch(cuda="13.0", pins=()),)
    assert driver(have="535.104.05", frameworks=inside) == ["high True NVIDIA driver >= 580.65.06"]
    assert driver(have="535.104.05", libraries=(cudart("12.4"),), frameworks=(torch(cuda="12.1"),)) == []


def test_two_tellings_of_one_version_that_matter_are_an_unknown() -> None:
    (reason,) = driver(have="535.104.05", libraries=(cudart("12.4", "13.0"),))
    assert "12.4 and 13.0" in reason
    assert driver(have="580.65.06", libraries=(cudart("12.4", "13.0"),)) == []
