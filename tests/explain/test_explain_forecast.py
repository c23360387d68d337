"""Whether equal bits may be expected: one test per kind of statement, and the laws of the whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings

from reprocheck.explain.forecast import forecast
from reprocheck.explain.forecast_dispatch import ATEN, ONEDNN, tier
from reprocheck.explain.forecast_table import cases
from reprocheck.model.base import replace
from reprocheck.model.context import Job
from reprocheck.model.forecast import Forecast, Statement
from reprocheck.model.host import Driver
from reprocheck.model.image import Coverage, OperatingSystem, Source
from reprocheck.model.loaded import ImportedModule, Loaded, LoadedLibrary, StateFlag
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, NativeLibrary
from tests.strategies import (
    make_conda,
    make_cpu,
    make_gpu,
    make_host,
    make_image,
    make_manifest,
    make_pypi,
    make_variable,
    manifests,
    sha,
)

FAST = settings(deadline=None, max_examples=50)
SKX = ("avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl")
INTEL = make_cpu(features=("avx", "avx2", "fma", "sse4_1", *SKX))
OLDER = make_cpu(
    model="Intel(R) Xeon(R) E5-2680 v4", level="x86-64-v3", features=("avx", "avx2", "fma", "sse4_1")
)
AMD = make_cpu(
    vendor="AuthenticAMD", model="AMD EPYC 7763", level="x86-64-v3", features=("avx", "avx2", "fma", "sse4_1")
)
TORCH = make_pypi("torch", "2.6.0")
FRAMEWORK = Framework(name="torch", version="2.6.0", location="/site")
CUDA = Framework(name="torch", version="2.6.0+cu126", location="/site", cuda="12.6")
OPENBLAS = NativeLibrary(
    kind="openblas", name="libopenblas.so.0", path="/o", version="0.3.27", sha256=sha("1")
)
MKL = NativeLibrary(kind="mkl", name="libmkl_rt.so.2", path="/m", version="2024.0", sha256=sha("2"))
FULL_CAP = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}


def side(cpu: Any = INTEL, variables: dict[str, str] | None = None, **overrides: Any) -> Manifest:
    """One side that tells its machine and its variables."""
    told = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"} | (variables or {})
    fields: dict[str, Any] = {
        "host": make_host(cpu=cpu) if cpu is not None else None,
        "environment": tuple(make_variable(name, value) for name, value in told.items()),
    }
    return make_manifest(**fields | overrides)


def on_gpu(*gpus: Any, variables: dict[str, str] | None = None, **overrides: Any) -> Manifest:
    driver = Driver(version="560.35")
    return side(
        variables=variables,
        **{"host": make_host(cpu=INTEL, gpus=gpus, driver=driver), "frameworks": (CUDA,)} | overrides,
    )


def observed(manifest: Manifest, flags: dict[str, str], **overrides: Any) -> Manifest:
    """The same with an observed process that said so of its settings."""
    loaded: dict[str, Any] = {
        "observer": "hook",
        "processes": (),
        "libraries": (),
        "modules": (ImportedModule(name="torch", distribution="torch", version="2.6.0"),),
        "state": tuple(StateFlag(name=name, value=value) for name, value in sorted(flags.items())),
    }
    return replace(manifest, loaded=Loaded(**loaded | overrides))


def said(a: Manifest, b: Manifest, subject: str) -> Statement | None:
    found = [s for s in forecast(a, b).statements if s.subject == subject]
    assert len(found) <= 1
    return found[0] if found else None


def case(a: Manifest, b: Manifest, subject: str) -> str:
    """Which row of the table the statement is, told by its words; '' when there is none."""
    statement = said(a, b, subject)
    if statement is None:
        return ""
    found = [key[1] for key, row in cases().items() if key[0] == subject and row.why == statement.why]
    assert len(found) == 1, (subject, statement)
    return found[0]


def test_equal_environments_that_tell_everything_are_expected_to_agree() -> None:
    told = forecast(side(), side())
    assert told.expectation == "identical"
    assert {s.expectation for s in told.statements} == {"identical"}
    assert "cpu.level" in {s.subject for s in told.statements}


def test_every_row_has_its_own_words_a_source_and_a_day() -> None:
    rows = cases()
    assert len({(subject, row.why) for (subject, _), row in rows.items()}) == len(rows)
    for row in rows.values():
        assert row.why
        assert row.why[-1] != "."
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", row.date)
        assert re.search(r"#\d+|guide|[:@]", row.source), row.source
        assert "/work" not in row.source


ARM = make_cpu(architecture="aarch64", vendor="ARM", model="Neoverse-N1", level="", features=("asimd",))
SVE = make_cpu(architecture="aarch64", vendor="ARM", model="Neoverse-V1", level="", features=("asimd", "sve"))
NUMPY: dict[str, Any] = {"packages": (make_pypi("numpy", "1.26.4"),)}
WITH_TORCH: dict[str, Any] = {"packages": (TORCH,), "frameworks": (FRAMEWORK,)}
WITH_OPENBLAS: dict[str, Any] = {"libraries": (OPENBLAS,)}
WITH_MKL: dict[str, Any] = {"libraries": (MKL,)}
NO_SEED: dict[str, Any] = {"environment": (make_variable("OMP_NUM_THREADS", "1"),)}
HIDDEN: dict[str, Any] = {
    "environment": (make_variable("PYTHONHASHSEED", None), make_variable("OMP_NUM_THREADS", None))
}


def libc(name: str) -> dict[str, Any]:
    return {"os": OperatingSystem(id="debian", libc=name)}


def libm(letter: str) -> dict[str, Any]:
    return {"libraries": (NativeLibrary(kind="libm", name="libm.so.6", path="/lib/m", sha256=sha(letter)),)}


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("cpu.architecture", "same", side(), side()),
        ("cpu.architecture", "differs", side(), side(ARM)),
        ("cpu.architecture", "differs", side(None), side(None, image=make_image(architecture="arm64"))),
        ("cpu.architecture", "same", side(None), side()),
        ("cpu.architecture", "untold", side(None, image=None), side()),
        ("cpu.level", "same", side(), side()),
        ("cpu.level", "untold", side(None), side()),
        ("cpu.level", "differs", side(**NUMPY), side(OLDER, **NUMPY)),
        ("cpu.level", "open", side(packages=()), side(OLDER, packages=())),
        ("cpu.level", "capped", side(variables=FULL_CAP, **WITH_TORCH), side(AMD, FULL_CAP, **WITH_TORCH)),
        ("cpu.model", "same", side(), side()),
        ("cpu.model", "open", side(OLDER, **WITH_OPENBLAS), side(AMD, **WITH_OPENBLAS)),
        ("cpu.model", "settled", side(variables=FULL_CAP, **WITH_TORCH), side(AMD, FULL_CAP, **WITH_TORCH)),
        ("cpu.model", "untold", side(make_cpu(model="")), side()),
        ("libc", "same", side(), side()),
        ("libc", "differs", side(), side(**libc("glibc 2.41"))),
        ("libc", "differs", side(), side(**libc("musl 1.2.4"))),
        ("libc", "untold", side(), side(os=None)),
        ("libc", "rebuilt", side(**libm("1")), side(**libm("2"))),
        ("libm.dispatch", "same", side(), side(AMD)),
        ("libm.dispatch", "differs", side(), side(make_cpu(features=("avx",)))),
        ("libm.dispatch", "open", side(), side(variables={"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"})),
        ("libm.dispatch", "", side(**libc("musl 1.2.4")), side(**libc("musl 1.2.4"))),
        ("hash.seed", "same", side(), side()),
        ("hash.seed", "differs", side(), side(variables={"PYTHONHASHSEED": "1"})),
        ("hash.seed", "random", side(), side(**NO_SEED)),
        ("hash.seed", "random", side(), side(variables={"PYTHONHASHSEED": "random"})),
        ("hash.seed", "untold", side(), side(**HIDDEN)),
    ],
)
def test_the_processor_and_the_c_library(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


def aten(value: str) -> dict[str, str]:
    return {"ATEN_CPU_CAPABILITY": value}


CORE = {"OPENBLAS_CORETYPE": "Haswell"}
NO_512 = {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512_SKX"}


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("aten.dispatch", "same", side(**WITH_TORCH), side(**WITH_TORCH)),
        ("aten.dispatch", "same", side(OLDER, **WITH_TORCH), side(AMD, **WITH_TORCH)),
        ("aten.dispatch", "differs", side(**WITH_TORCH), side(AMD, **WITH_TORCH)),
        (
            "aten.dispatch",
            "capped",
            side(INTEL, aten("avx2"), **WITH_TORCH),
            side(AMD, aten("avx2"), **WITH_TORCH),
        ),
        # A cap that only one CPU needs is enough for this library alone.
        ("aten.dispatch", "capped", side(INTEL, aten("avx2"), **WITH_TORCH), side(AMD, **WITH_TORCH)),
        ("aten.dispatch", "differs", side(INTEL, aten("default"), **WITH_TORCH), side(**WITH_TORCH)),
        ("aten.dispatch", "open", side(ARM, **WITH_TORCH), side(SVE, **WITH_TORCH)),
        ("aten.dispatch", "", side(), side(AMD)),
        ("onednn.dispatch", "same", side(**WITH_TORCH), side(**WITH_TORCH)),
        ("onednn.dispatch", "differs", side(**WITH_TORCH), side(AMD, **WITH_TORCH)),
        # The same instruction set without a cap: block sizes follow the caches.
        ("onednn.dispatch", "open", side(OLDER, **WITH_TORCH), side(AMD, **WITH_TORCH)),
        ("onednn.dispatch", "capped", side(INTEL, FULL_CAP, **WITH_TORCH), side(AMD, FULL_CAP, **WITH_TORCH)),
        ("onednn.dispatch", "differs", side(INTEL, FULL_CAP, **WITH_TORCH), side(**WITH_TORCH)),
        ("numpy.dispatch", "same", side(OLDER, **NUMPY), side(AMD, **NUMPY)),
        ("numpy.dispatch", "differs", side(**NUMPY), side(AMD, **NUMPY)),
        ("numpy.dispatch", "capped", side(INTEL, NO_512, **NUMPY), side(AMD, **NUMPY)),
        (
            "numpy.dispatch",
            "capped",
            side(INTEL, {"NPY_DISABLE_CPU_FEATURES": "X86_V4"}, **NUMPY),
            side(AMD, **NUMPY),
        ),
        ("openblas.dispatch", "same", side(**WITH_OPENBLAS), side(**WITH_OPENBLAS)),
        ("openblas.dispatch", "differs", side(**WITH_OPENBLAS), side(AMD, **WITH_OPENBLAS)),
        ("openblas.dispatch", "open", side(OLDER, **WITH_OPENBLAS), side(AMD, **WITH_OPENBLAS)),
        ("openblas.dispatch", "capped", side(INTEL, CORE, **WITH_OPENBLAS), side(AMD, CORE, **WITH_OPENBLAS)),
        ("openblas.dispatch", "differs", side(INTEL, CORE, **WITH_OPENBLAS), side(**WITH_OPENBLAS)),
        # The other one may choose the same core by itself.
        ("openblas.dispatch", "open", side(OLDER, CORE, **WITH_OPENBLAS), side(OLDER, **WITH_OPENBLAS)),
        (
            "openblas.dispatch",
            "open",
            side(INTEL, {"OPENBLAS_CORETYPE": "new"}, **WITH_OPENBLAS),
            side(**WITH_OPENBLAS),
        ),
        (
            "openblas.dispatch",
            "differs",
            side(INTEL, CORE, **WITH_OPENBLAS),
            side(INTEL, {"OPENBLAS_CORETYPE": "Zen"}, **WITH_OPENBLAS),
        ),
        ("mkl.dispatch", "free", side(**WITH_MKL), side(**WITH_MKL)),
        (
            "mkl.dispatch",
            "same",
            side(INTEL, {"MKL_CBWR": "AUTO"}, **WITH_MKL),
            side(INTEL, {"MKL_CBWR": "AUTO"}, **WITH_MKL),
        ),
        ("mkl.dispatch", "differs", side(**WITH_MKL), side(AMD, **WITH_MKL)),
        ("mkl.dispatch", "capped", side(INTEL, FULL_CAP, **WITH_MKL), side(AMD, FULL_CAP, **WITH_MKL)),
        (
            "mkl.dispatch",
            "capped",
            side(INTEL, {"MKL_CBWR": "BRANCH=AVX2,STRICT"}, **WITH_MKL),
            side(OLDER, {"MKL_CBWR": "AVX2"}, **WITH_MKL),
        ),
        # Another vendor's CPU takes no Intel branch: only COMPATIBLE is the same everywhere.
        (
            "mkl.dispatch",
            "open",
            side(INTEL, {"MKL_CBWR": "AVX2"}, **WITH_MKL),
            side(AMD, {"MKL_CBWR": "AVX2"}, **WITH_MKL),
        ),
        ("mkl.dispatch", "differs", side(INTEL, FULL_CAP, **WITH_MKL), side(**WITH_MKL)),
        # PyTorch's wheels hold MKL inside; it decides only where the CPUs differ.
        ("mkl.dispatch", "", side(**WITH_TORCH), side(**WITH_TORCH)),
        ("mkl.dispatch", "differs", side(**WITH_TORCH), side(AMD, **WITH_TORCH)),
    ],
)
def test_libraries_that_choose_kernels(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


@pytest.mark.parametrize(
    ("subject", "name", "extra"),
    [
        ("aten.dispatch", "ATEN_CPU_CAPABILITY", WITH_TORCH),
        ("onednn.dispatch", "ONEDNN_MAX_CPU_ISA", WITH_TORCH),
        ("numpy.dispatch", "NPY_DISABLE_CPU_FEATURES", NUMPY),
        ("openblas.dispatch", "OPENBLAS_CORETYPE", WITH_OPENBLAS),
        ("mkl.dispatch", "MKL_CBWR", WITH_MKL),
        ("libm.dispatch", "GLIBC_TUNABLES", {}),
    ],
)
def test_a_cap_without_its_value_leaves_the_choice_unknown(subject: str, name: str, extra: Any) -> None:
    hidden: dict[str, Any] = {**extra, "environment": (make_variable(name, None),)}
    assert case(side(**extra), side(**hidden), subject) == "untold"


def test_all_three_caps_make_two_vendors_equal_and_two_of_them_do_not() -> None:
    """Deep-MI/FastSurfer#892: one knob is not enough."""
    whole = (side(INTEL, FULL_CAP, **WITH_TORCH), side(AMD, FULL_CAP, **WITH_TORCH))
    assert forecast(*whole).expectation == "identical"
    for name in FULL_CAP:
        part = {key: value for key, value in FULL_CAP.items() if key != name}
        told = forecast(side(INTEL, part, **WITH_TORCH), side(AMD, part, **WITH_TORCH))
        assert told.expectation == "differs", name


def test_tiers_stop_at_the_cap_and_at_the_cpu() -> None:
    features = frozenset(INTEL.features)
    assert tier(features, ATEN) == "avx512"
    assert tier(features, ATEN, "avx2") == "avx2"
    assert tier(frozenset({"avx2", "fma"}), ATEN, "avx512") == "avx2"
    assert tier(features, ONEDNN, "AVX2") == "AVX2"
    assert tier(features, ONEDNN, "ALL") == "AVX512_CORE"
    assert tier(frozenset(), ONEDNN) == "SSE41"


QUOTA = make_cpu(features=INTEL.features, quota_millicpus=2000)
EIGHT = make_cpu(features=INTEL.features, logical=8, allowed=8)
FREE: dict[str, Any] = {"environment": (make_variable("PYTHONHASHSEED", "0"),)}


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("threads.openmp", "pinned", side(), side(EIGHT)),
        ("threads.openmp", "differs", side(), side(variables={"OMP_NUM_THREADS": "2"})),
        ("threads.openmp", "cpus", side(**FREE), side(**FREE)),
        ("threads.openmp", "differs", side(**FREE), side(EIGHT, **FREE)),
        ("threads.openmp", "differs", side(**FREE), side(QUOTA, **FREE)),
        ("threads.openmp", "untold", side(None, **FREE), side(**FREE)),
        ("threads.openmp", "untold", side(), side(**HIDDEN)),
        ("threads", "pinned", side(libraries=()), side(libraries=())),
        ("threads.openmp", "", side(libraries=()), side(libraries=())),
        ("threads.openblas", "pinned", side(**WITH_OPENBLAS), side(**WITH_OPENBLAS)),
        # ElmerCSC/elmerfem#901: a build with its own threads heeds no OMP_NUM_THREADS.
        ("threads.openblas", "open", side(**WITH_OPENBLAS), side(EIGHT, **WITH_OPENBLAS)),
        (
            "threads.openblas",
            "pinned",
            side(variables={"OPENBLAS_NUM_THREADS": "4"}, **WITH_OPENBLAS),
            side(EIGHT, {"OPENBLAS_NUM_THREADS": "4"}, **WITH_OPENBLAS),
        ),
        ("threads.mkl", "differs", side(**WITH_MKL), side(variables={"MKL_NUM_THREADS": "4"}, **WITH_MKL)),
    ],
)
def test_threads(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


A100, H100, T4 = (
    make_gpu(),
    make_gpu(name="H100", compute_capability="9.0"),
    make_gpu(name="T4", compute_capability="7.5"),
)
A30 = make_gpu(name="A30")
NCCL = NativeLibrary(kind="nccl", name="libnccl.so.2", path="/n", version="2.21.5")
PINNED_NCCL = {"NCCL_ALGO": "Ring", "NCCL_PROTO": "Simple"}
OFF = {"NVIDIA_TF32_OVERRIDE": "0"}


def library(kind: str, version: str, letter: str = "1") -> dict[str, Any]:
    return {
        "libraries": (
            NativeLibrary(kind=kind, name=f"lib{kind}.so", path="/l", version=version, sha256=sha(letter)),
        )
    }


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("gpu.architecture", "same", on_gpu(A100), on_gpu(A100)),
        ("gpu.architecture", "differs", on_gpu(A100), on_gpu(H100)),
        ("gpu.architecture", "unseen", side(frameworks=(CUDA,)), side(frameworks=(CUDA,))),
        ("gpu.architecture", "untold", side(None, frameworks=(CUDA,)), on_gpu(A100)),
        ("gpu.architecture", "untold", on_gpu(make_gpu(compute_capability="")), on_gpu(A100)),
        ("gpu.architecture", "", side(), side()),
        ("gpu.model", "same", on_gpu(A100), on_gpu(A100)),
        ("gpu.model", "open", on_gpu(A100), on_gpu(A30)),
        ("gpu.use", "differs", on_gpu(A100), on_gpu()),
        ("gpu.use", "differs", on_gpu(A100), on_gpu(A100, variables={"CUDA_VISIBLE_DEVICES": ""})),
        ("gpu.use", "differs", on_gpu(A100), on_gpu(A100, variables={"CUDA_VISIBLE_DEVICES": "-1"})),
        ("gpu.count", "same", on_gpu(A100, A100), on_gpu(A100, A100)),
        ("gpu.count", "differs", on_gpu(A100), on_gpu(A100, A100)),
        ("gpu.count", "same", on_gpu(A100), on_gpu(A100, A100, variables={"CUDA_VISIBLE_DEVICES": "1"})),
        ("driver", "same", on_gpu(A100), on_gpu(A100)),
        (
            "driver",
            "open",
            on_gpu(A100),
            on_gpu(host=make_host(gpus=(A100,), driver=Driver(version="535.1"))),
        ),
        ("driver", "untold", on_gpu(A100), on_gpu(host=make_host(gpus=(A100,)))),
        ("tf32", "absent", on_gpu(T4), on_gpu(T4)),
        ("tf32", "same", on_gpu(A100), on_gpu(A100)),
        ("tf32", "differs", on_gpu(A100), on_gpu(T4)),
        ("tf32", "off", on_gpu(A100, variables=OFF), on_gpu(T4, variables=OFF)),
        ("tf32", "differs", on_gpu(A100, variables=OFF), on_gpu(A100)),
        ("tf32", "open", on_gpu(A100), on_gpu(A100, frameworks=(replace(CUDA, version="1.9"),))),
        ("tf32", "untold", on_gpu(make_gpu(compute_capability="x")), on_gpu(A100)),
        ("cublas.workspace", "unset", on_gpu(A100), on_gpu(A100)),
        (
            "cublas.workspace",
            "differs",
            on_gpu(A100),
            on_gpu(A100, variables={"CUBLAS_WORKSPACE_CONFIG": ":16:8"}),
        ),
        ("cudnn.benchmark", "untold", on_gpu(A100), on_gpu(A100)),
        ("gpu.determinism", "untold", on_gpu(A100), on_gpu(A100)),
        ("nccl", "", on_gpu(A100), on_gpu(A100)),
        ("nccl", "free", on_gpu(A100, A100), on_gpu(A100, A100)),
        (
            "nccl",
            "same",
            on_gpu(A100, A100, variables=PINNED_NCCL),
            on_gpu(A100, A100, variables=PINNED_NCCL),
        ),
        ("nccl", "differs", on_gpu(A100, A100, variables=PINNED_NCCL), on_gpu(A100, A100)),
        ("nccl", "differs", on_gpu(A100, A100), on_gpu(A100, A100, libraries=(NCCL,))),
        (
            "cudnn.version",
            "same",
            on_gpu(A100, **library("cudnn", "9.1")),
            on_gpu(A100, **library("cudnn", "9.1")),
        ),
        (
            "cudnn.version",
            "differs",
            on_gpu(A100, **library("cudnn", "9.1")),
            on_gpu(A100, **library("cudnn", "9.2")),
        ),
        (
            "cudnn.version",
            "rebuilt",
            on_gpu(A100, **library("cudnn", "9.1")),
            on_gpu(A100, **library("cudnn", "9.1", "2")),
        ),
        (
            "cublas.version",
            "differs",
            on_gpu(A100, **library("cublas", "12.1")),
            on_gpu(A100, **library("cublas", "12.6")),
        ),
    ],
)
def test_accelerators(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


def flagged(**flags: str) -> Manifest:
    names = {
        "benchmark": "torch.backends.cudnn.benchmark",
        "deterministic": "torch.are_deterministic_algorithms_enabled",
        "tf32": "torch.backends.cuda.matmul.allow_tf32",
        "threads": "torch.get_num_threads",
        "capability": "torch.backends.cpu.get_cpu_capability",
        "started": "torch.cuda.is_initialized",
    }
    told = {names[key]: value for key, value in flags.items()}
    return observed(on_gpu(A100, packages=(TORCH,)), told)


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("cudnn.benchmark", "off", flagged(benchmark="False"), flagged(benchmark="False")),
        ("cudnn.benchmark", "on", flagged(benchmark="True"), flagged(benchmark="True")),
        ("cudnn.benchmark", "differs", flagged(benchmark="True"), flagged(benchmark="False")),
        ("gpu.determinism", "on", flagged(deterministic="True"), flagged(deterministic="True")),
        ("gpu.determinism", "off", flagged(deterministic="False"), flagged(deterministic="False")),
        ("gpu.determinism", "differs", flagged(deterministic="True"), flagged(deterministic="False")),
        ("tf32", "same", flagged(tf32="True"), flagged(tf32="True")),
        ("tf32", "differs", flagged(tf32="True"), flagged(tf32="False")),
        ("threads.openmp", "observed", flagged(threads="2"), flagged(threads="2")),
        ("threads.openmp", "differs", flagged(threads="2"), flagged(threads="4")),
        ("aten.dispatch", "observed", flagged(capability="AVX2"), flagged(capability="AVX2")),
        ("aten.dispatch", "observed-differs", flagged(capability="AVX2"), flagged(capability="AVX512")),
        ("gpu.use", "idle", flagged(started="False"), flagged(started="False")),
        ("gpu.architecture", "", flagged(started="False"), flagged(started="False")),
    ],
)
def test_what_processes_reported_decides(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


def test_a_fully_observed_pair_on_one_kind_of_gpu_may_be_equal() -> None:
    variables = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    flags = {
        "torch.backends.cudnn.benchmark": "False",
        "torch.are_deterministic_algorithms_enabled": "True",
        "torch.cuda.is_initialized": "True",
        "torch.get_num_threads": "1",
    }
    run = observed(on_gpu(A100, variables=variables, packages=(TORCH,)), flags)
    assert forecast(run, run).expectation == "identical"


@pytest.mark.parametrize(
    ("subject", "expected", "a", "b"),
    [
        ("framework.version", "same", side(frameworks=(FRAMEWORK,)), side(frameworks=(FRAMEWORK,))),
        ("framework.version", "differs", side(frameworks=(FRAMEWORK,)), side(frameworks=(CUDA,))),
        ("framework.version", "", side(), side()),
        ("packages.numeric", "same", side(), side()),
        ("packages.numeric", "differs", side(), side(packages=(make_pypi("numpy", "2.0"),))),
        ("packages.numeric", "differs", side(), side(packages=())),
        (
            "packages.numeric",
            "rebuilt",
            side(**NUMPY),
            side(packages=(make_pypi("numpy", "1.26.4", files_sha256=sha("7")),)),
        ),
        (
            "packages.numeric",
            "rebuilt",
            side(packages=(make_conda("numpy", "1.26.4", "a_0"),)),
            side(packages=(make_conda("numpy", "1.26.4", "b_0"),)),
        ),
        (
            "packages.numeric",
            "",
            side(packages=(make_pypi("idna"),)),
            side(packages=(make_pypi("idna", "2"),)),
        ),
        ("blas.implementation", "same", side(**WITH_OPENBLAS), side(**WITH_OPENBLAS)),
        ("blas.implementation", "differs", side(**WITH_OPENBLAS), side(**WITH_MKL)),
        (
            "blas.implementation",
            "rebuilt",
            side(**WITH_OPENBLAS),
            side(libraries=(replace(OPENBLAS, sha256=sha("9")),)),
        ),
        ("world.size", "", side(), side()),
        (
            "world.size",
            "same",
            side(variables={"WORLD_SIZE": "8"}),
            side(job=Job(scheduler="slurm", world_size="8")),
        ),
        ("world.size", "differs", side(variables={"WORLD_SIZE": "8"}), side(variables={"WORLD_SIZE": "4"})),
        ("world.size", "untold", side(variables={"WORLD_SIZE": "8"}), side()),
    ],
)
def test_software(subject: str, expected: str, a: Manifest, b: Manifest) -> None:
    assert case(a, b, subject) == expected
    assert case(b, a, subject) == expected


def test_a_document_of_another_tool_leaves_open_what_it_cannot_tell() -> None:
    covers = Coverage(format="a pip freeze list", scope="environment", types=("pypi",))
    document = make_manifest(
        image=None,
        os=None,
        host=None,
        run=None,
        libraries=(),
        environment=(),
        source=Source(kind="document", covers=covers),
    )
    told = {s.subject: s.expectation for s in forecast(side(**NUMPY), document).statements}
    assert (
        told["cpu.architecture"] == told["libc"] == told["hash.seed"] == told["threads.openmp"] == "unknown"
    )
    assert told["packages.numeric"] == "identical"
    some = replace(document, source=Source(kind="document", covers=replace(covers, selected=True)))
    assert case(side(**NUMPY), some, "packages.numeric") == "untold"


def test_what_no_process_loaded_does_not_count_when_both_sides_were_observed() -> None:
    """numpy and OpenBLAS differ and lie there; neither run had them."""
    a = observed(side(packages=(TORCH, make_pypi("numpy", "1")), **WITH_OPENBLAS), {})
    b = observed(side(packages=(TORCH, make_pypi("numpy", "2")), libraries=()), {})
    assert forecast(a, b).expectation == "identical"
    had = LoadedLibrary(path=OPENBLAS.path, kind="openblas")
    loading = observed(a, {}, libraries=(had,))
    assert case(loading, b, "blas.implementation") == "differs"


def test_the_statements_that_decide_come_first_and_subjects_are_told_once() -> None:
    told = forecast(on_gpu(A100), on_gpu(H100)).statements
    order = ["differs", "unknown", "identical"]
    keys = [(order.index(s.expectation), s.subject) for s in told]
    assert keys == sorted(keys)
    assert len({s.subject for s in told}) == len(told)


def test_a_hostile_value_is_cut() -> None:
    long = "x" * 10_000
    told = said(side(variables={"PYTHONHASHSEED": long}), side(), "hash.seed")
    assert told is not None
    assert len(told.before or "") == 300


def mirrored(told: Forecast) -> list[Statement]:
    return [replace(s, before=s.after, after=s.before) for s in told.statements]


@FAST
@given(manifests(), manifests())
def test_a_forecast_mirrors(a: Manifest, b: Manifest) -> None:
    there, back = forecast(a, b), forecast(b, a)
    assert there.expectation == back.expectation
    assert list(there.statements) == mirrored(back)


@FAST
@given(manifests())
def test_one_environment_is_never_forecast_to_differ_from_itself(manifest: Manifest) -> None:
    assert forecast(manifest, manifest).expectation != "differs"


@FAST
@given(manifests(), manifests())
def test_the_whole_is_the_worst_of_its_statements(a: Manifest, b: Manifest) -> None:
    told = forecast(a, b)
    words = {s.expectation for s in told.statements}
    worst = "differs" if "differs" in words else "unknown" if "unknown" in words else "identical"
    assert told.expectation == worst
    assert len({s.subject for s in told.statements}) == len(told.statements)
