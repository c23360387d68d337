"""Native libraries: which files count, whose they are, which version they have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reprocheck.collect import native, observe
from reprocheck.collect.native_names import is_own_package, kind_at, kind_of, version_in
from reprocheck.collect.native_versions import agree, with_claims
from reprocheck.limits import DEFAULT
from reprocheck.model.package import NativeLibrary, VersionClaim
from tests.collect.elf_files import shared_object
from tests.collect.fakeview import Content, FakeView, Link, metadata

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
        ("libcuda.so.1", "cuda-driver", ""),
        ("libcuda.so.580.65.06", "cuda-driver", "580.65.06"),
        ("libnvidia-ml.so.1", "cuda-driver", ""),
        ("libnvinfer_plugin.so.10.0.1", "tensorrt", "10.0.1"),
        ("libcusparseLt.so.0", "cusparselt", ""),
        ("libcusparse.so.12", "cusparse", ""),
        ("libnvJitLink.so.12", "nvjitlink", ""),
        ("libnvToolsExt.so.1", "nvtx", ""),
        ("libcufile_rdma.so.1", "cufile", ""),
        ("libnvshmem_host.so.3", "nvshmem", ""),
        ("libdnnl.so.3.5", "onednn", ""),
        ("libblas.so.3.11.0", "blas", "3.11.0"),
        ("libmagma.so", "", ""),
        ("liblapack.so.3", "lapack", ""),
        ("libtbb.so.12.20", "tbb", ""),
        ("libtbbmalloc.so.2", "", ""),
        ("libm.so.6", "libm", ""),
        ("libm-2.31.so", "libm", "2.31"),
        ("libm.so", "", ""),
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


@pytest.mark.parametrize(
    ("path", "soname", "kind"),
    [
        ("/usr/local/cuda-12.4/compat/libcuda.so.550.54.15", "libcuda.so.1", "cuda-compat"),
        ("/opt/conda/cuda-compat/libcuda.so.550.54.15", "", "cuda-compat"),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06", "", "cuda-driver"),
        ("/usr/local/cuda/lib64/stubs/libcuda.so", "libcuda.so.1", ""),
        ("/opt/conda/x86_64-conda-linux-gnu/sysroot/lib64/libm.so.6", "", ""),
        (f"{SITE}/x/renamed.so", "libcudnn.so.9", "cudnn"),
        (f"{SITE}/x/_x.so", "_x.so", ""),
    ],
)
def test_place_and_soname_tell_the_kind_too(path: str, soname: str, kind: str) -> None:
    assert kind_at(path, soname) == kind


@pytest.mark.parametrize(
    ("kind", "project", "own"),
    [
        ("cudnn", "nvidia-cudnn-cu12", True),
        ("cudnn", "libcudnn9-cuda-12", True),
        ("cuda-runtime", "cuda-cudart-12-4", True),
        ("cuda-runtime", "cudatoolkit", True),
        ("cublas", "cudatoolkit", False),
        ("nccl", "libnccl2", True),
        ("openmp", "libgomp1", True),
        ("openmp", "torch", False),
        ("openblas", "libopenblas0-pthread", True),
        ("blas", "libblas3", True),
        ("mkl", "mkl", True),
        ("cuda-compat", "cuda-compat-12-4", True),
        ("libm", "libc6", True),
        ("cuda-toolkit", "cudatoolkit", False),
    ],
)
def test_only_a_library_s_own_package_knows_its_version(kind: str, project: str, own: bool) -> None:
    assert is_own_package(kind, project) is own


@pytest.mark.parametrize(
    ("one", "other", "kind", "same"),
    [
        ("9.1.0", "9.1.0.70", "cudnn", True),
        ("0.3.21", "0.3.21+ds-4", "openblas", True),
        ("8.5.0", "1:8.5.0-6", "openmp", True),
        ("12.4.127", "12.4.1", "cuda-runtime", True),
        ("12.4.127", "12.6.1", "cuda-runtime", False),
        ("2.21.5", "2.20.5", "nccl", False),
        ("abc", "1.2", "nccl", False),
    ],
)
def test_versions_agree_as_far_as_both_tell(one: str, other: str, kind: str, same: bool) -> None:
    assert agree(one, other, kind) is same
    assert agree(other, one, kind) is same


def test_what_disagrees_stays_beside_the_more_direct_word() -> None:
    library = NativeLibrary(kind="nccl", name="libnccl.so.2", path="/x", version="2.20.5", source="wheel")
    seen = with_claims(
        library,
        [
            VersionClaim(version="2.21.5", source="string"),
            VersionClaim(version="", source="file-name"),
            VersionClaim(version="2.21.5-1+cuda12.4", source="deb"),
        ],
    )
    assert (seen.version, seen.source) == ("2.21.5", "string")
    assert seen.others == (VersionClaim(version="2.20.5", source="wheel"),)


def test_the_bytes_tell_more_than_the_name() -> None:
    gomp = shared_object(
        soname="libgomp-e985bcbb.so.1.0.0", build_id=b"\xab" * 20, body=b"GCC: (GNU) 12.2.0\0"
    )
    view = FakeView({f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0": gomp})
    (library,) = observe(view, DEFAULT).libraries
    assert (library.version, library.source, library.build_id) == ("12.2.0", "string", "ab" * 20)
    assert library.soname == "libgomp-e985bcbb.so.1.0.0"
    assert len(library.sha256) == 64


def test_two_openmp_runtimes_are_two_rows() -> None:
    view = FakeView(
        {
            f"{SITE}/torch/lib/libgomp.so.1": shared_object(soname="libgomp.so.1"),
            "/opt/conda/lib/libiomp5.so": shared_object(soname="libiomp5.so"),
        }
    )
    found = [(item.kind, item.name) for item in observe(view, DEFAULT).libraries]
    assert found == [("openmp", "libgomp.so.1"), ("openmp", "libiomp5.so")]


def test_debian_s_alternative_for_blas_is_what_it_holds() -> None:
    path = "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3"
    view = FakeView({path: shared_object(soname="libblas.so.3", body=b"OpenBLAS 0.3.21 NO_LAPACKE")})
    (library,) = observe(view, DEFAULT).libraries
    assert (library.kind, library.version, library.source) == ("openblas", "0.3.21", "string")


HEADER = "#define CUDNN_MAJOR 9\n#define CUDNN_MINOR 12\n#define CUDNN_PATCHLEVEL 0\n"


@pytest.mark.parametrize(
    ("header", "library", "version"),
    [
        ("/opt/cudnn/include/cudnn_version.h", "/opt/cudnn/lib/libcudnn.so.9", "9.12.0"),
        ("/usr/include/cudnn_version.h", "/usr/lib/x86_64-linux-gnu/libcudnn.so.9", "9.12.0"),
        (
            "/usr/include/x86_64-linux-gnu/cudnn_version_v9.h",
            "/usr/lib/aarch64-linux-gnu/libcudnn.so.9",
            "9.12.0",
        ),
        ("/usr/include/cudnn_version.h", f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9", ""),
        ("/usr/include/cudnn_version.h", "/usr/lib/x86_64-linux-gnu/libcublas.so.12", ""),
    ],
)
def test_a_header_speaks_for_the_libraries_beside_it(header: str, library: str, version: str) -> None:
    (seen,) = observe(FakeView({header: HEADER, library: b""}), DEFAULT).libraries
    assert (seen.version, seen.source) == (version, "cudnn_version.h" if version else "")


def test_a_header_that_disagrees_with_the_wheel_is_kept_beside_it() -> None:
    root = f"{SITE}/nvidia/cudnn"
    view = FakeView(
        {
            f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA": metadata(
                "nvidia-cudnn-cu12", "9.1.0.70"
            ),
            f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/RECORD": "nvidia/cudnn/lib/libcudnn.so.9,,",
            f"{root}/lib/libcudnn.so.9": shared_object(soname="libcudnn.so.9"),
            f"{root}/include/cudnn_version.h": HEADER,
        }
    )
    (library,) = observe(view, DEFAULT).libraries
    assert (library.version, library.source) == ("9.1.0.70", "wheel")
    assert library.others == (VersionClaim(version="9.12.0", source="cudnn_version.h"),)


def test_a_broken_library_is_listed_and_unknown() -> None:
    observed = native.collect(FakeView({"/opt/x/libcudnn.so.9": b"\x7fELF garbage"}), DEFAULT)
    assert [item.name for item in observed.libraries] == ["libcudnn.so.9"]
    assert [(item.section, item.where) for item in observed.unknowns] == [
        ("libraries", "/opt/x/libcudnn.so.9")
    ]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/usr/lib/libtbb.so", b"INPUT (libtbb.so.12)"),
        (f"{SITE}/x/tests/data.so", b"no library"),
        (f"{SITE}/x/tests/empty.so", b""),
        ("/opt/conda/bin/python3.11", b"\x7fELF garbage"),
    ],
)
def test_what_is_no_library_is_neither_listed_nor_unknown(path: str, content: bytes) -> None:
    observed = native.collect(FakeView({path: content}), DEFAULT)
    assert (observed.libraries, observed.unknowns, observed.objects) == ((), (), ())


def test_more_shared_objects_than_the_limit_are_an_unknown() -> None:
    files: dict[str, Content] = {f"/opt/{i}/libcudnn.so.9": shared_object() for i in range(3)}
    observed = native.collect(FakeView(files), replace(DEFAULT, libraries=2))
    assert [item.path for item in observed.libraries] == ["/opt/0/libcudnn.so.9", "/opt/1/libcudnn.so.9"]
    assert [item.where for item in observed.unknowns] == ["/opt/2/libcudnn.so.9"]
