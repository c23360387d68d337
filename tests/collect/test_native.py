"""Native libraries: which files count, whose they are, which version they have."""

from __future__ import annotations

import json

import pytest

from reprocheck.collect import native, observe
from reprocheck.collect.native_names import kind_of, version_in
from reprocheck.limits import DEFAULT
from tests.collect.fakeview import FakeView, Link, metadata

SITE = "/usr/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("file_name", "kind", "version"),
    [
        ("libcudart.so.12.4.127", "cuda-runtime", "12.4.127"),
        ("libcudart-9335f6a2.so.12", "cuda-runtime", ""),
        ("libcudnn.so.9", "cudnn", ""),
        ("libcudnn_ops_infer.so.8.9.7", "cudnn", "8.9.7"),
        ("libcublasLt.so.12", "cublas", ""),
        ("libnccl.so.2", "nccl", ""),
        ("libnvrtc-builtins.so.12.4.127", "nvrtc", "12.4.127"),
        ("libscipy_openblas64_-32a4b2a6.so", "openblas", ""),
        ("libopenblasp-r0.3.21.so", "openblas", "0.3.21"),
        ("libopenblas64_p-r0-0cf96a72.3.23.dev.so", "openblas", "0.3.23.dev"),
        ("libgomp-e985bcbb.so.1.0.0", "openmp", ""),
        ("libiomp5.so", "openmp", ""),
        ("libomp.so.5", "openmp", ""),
        ("libmkl_rt.so.2", "mkl", ""),
        ("libblis.so.4", "blis", ""),
        ("libtorch_cpu.so", "", ""),
        ("libcuda.so.1", "", ""),
        ("libcudart.so.12.txt", "", ""),
        ("libgomplex.so.1", "", ""),
    ],
)
def test_file_names_tell_kind_and_sometimes_version(file_name: str, kind: str, version: str) -> None:
    assert kind_of(file_name) == kind
    assert version_in(file_name, kind) == version


def test_links_are_not_libraries() -> None:
    view = FakeView(
        {"/usr/lib/libgomp.so.1": Link(target="libgomp.so.1.0.0"), "/usr/lib/libgomp.so.1.0.0": b""}
    )
    assert [item.name for item in native.collect(view, DEFAULT).libraries] == ["libgomp.so.1.0.0"]


def test_a_bundled_library_has_an_owner_but_not_its_version() -> None:
    view = FakeView(
        {
            f"{SITE}/scikit_learn-1.9.1.dist-info/METADATA": metadata("scikit-learn", "1.9.1"),
            f"{SITE}/scikit_learn-1.9.1.dist-info/RECORD": "scikit_learn.libs/libgomp-e985bcbb.so.1.0.0,,",
            f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0": b"",
        }
    )
    (library,) = observe(view, DEFAULT).libraries
    assert (library.owner, library.version, library.source) == ("pkg:pypi/scikit-learn@1.9.1", "", "")


def test_a_wheel_of_the_library_itself_tells_the_version() -> None:
    view = FakeView(
        {
            f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA": metadata(
                "nvidia-cudnn-cu12", "9.1.0.70"
            ),
            f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/RECORD": "nvidia/cudnn/lib/libcudnn.so.9,,",
            f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": b"",
        }
    )
    (library,) = observe(view, DEFAULT).libraries
    assert (library.kind, library.version, library.source) == ("cudnn", "9.1.0.70", "wheel")


def test_a_debian_library_is_found_under_merged_usr() -> None:
    view = FakeView(
        {
            "/lib": Link(target="usr/lib"),
            "/usr/lib/libgomp.so.1.0.0": b"",
            "/usr/lib/libgomp.so": Link(target="libgomp.so.1.0.0"),
            "/var/lib/dpkg/status": (
                "Package: libgomp1\nStatus: install ok installed\nVersion: 12.2.0-14\nArchitecture: amd64\n\n"
                "Package: libgcc-dev\nStatus: install ok installed\nVersion: 9\nArchitecture: amd64\n"
            ),
            "/var/lib/dpkg/info/libgomp1:amd64.list": "/lib/libgomp.so.1.0.0\n",
            "/var/lib/dpkg/info/libgcc-dev.list": "/lib/libgomp.so\n",
        }
    )
    (library,) = observe(view, DEFAULT).libraries
    assert library.owner == "pkg:deb/debian/libgomp1@12.2.0-14?arch=amd64"
    assert (library.version, library.source) == ("12.2.0-14", "deb")


def test_the_toolkit_names_the_versions_of_its_libraries() -> None:
    root = "/usr/local/cuda-12.4"
    versions = {"cuda": {"version": "12.4.1"}, "libcublas": {"version": "12.4.5.8"}, "junk": 3}
    view = FakeView(
        {
            "/usr/local/cuda": Link(target="cuda-12.4"),
            f"{root}/version.json": json.dumps(versions),
            f"{root}/targets/x86_64-linux/lib/libcublas.so.12": b"",
            f"{root}/targets/x86_64-linux/lib/libcudart.so.12.4.127": b"",
        }
    )
    found = {item.kind: (item.version, item.source) for item in observe(view, DEFAULT).libraries}
    assert found == {
        "cuda-toolkit": ("12.4.1", "version.json"),
        "cublas": ("12.4.5.8", "version.json"),
        "cuda-runtime": ("12.4.127", "file-name"),
    }


def test_an_old_toolkit_has_a_text_file() -> None:
    (library,) = observe(
        FakeView({"/usr/local/cuda-10.2/version.txt": "CUDA Version 10.2.89\n"}), DEFAULT
    ).libraries
    assert (library.name, library.version) == ("cuda-10.2", "10.2.89")


@pytest.mark.parametrize("path", ["/usr/local/cuda/version.json", "/usr/local/cuda/version.txt"])
def test_a_corrupt_version_file_is_an_unknown(path: str) -> None:
    observed = native.collect(FakeView({path: b"\xff{"}), DEFAULT)
    assert [(item.section, item.where) for item in observed.unknowns] == [("libraries", path)]
