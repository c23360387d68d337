"""Which file names are native libraries that numbers come from."""

from __future__ import annotations

import re

# auditwheel puts 8 hexadecimal digits of a hash into the name of a library that a wheel bundles:
# libgomp-e985bcbb.so.1.0.0
_BUNDLED = r"(?:-[0-9a-f]{8})?"

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("cuda-runtime", r"cudart", r"cuda-?runtime|cudart|cudatoolkit"),
    (
        "cuda-driver",
        r"cuda|nvidia-(?:ml|ptxjitcompiler|nvvm)",
        r"libcuda|nvidia-(?:driver|compute)|libnvidia",
    ),
    ("cudnn", r"cudnn\w*", r"cudnn"),
    ("cublas", r"(?:cu|nv)blas\w*", r"cublas"),
    ("cufft", r"cufft\w*", r"cufft"),
    ("cusolver", r"cusolver\w*", r"cusolver"),
    ("cusparselt", r"cusparseLt", r"cusparselt"),
    ("cusparse", r"cusparse\w*", r"cusparse(?!lt)"),
    ("curand", r"curand", r"curand"),
    ("cufile", r"cufile(?:_rdma)?", r"cufile"),
    ("cudss", r"cudss\w*", r"cudss"),
    ("cupti", r"cupti", r"cupti"),
    ("nccl", r"nccl", r"nccl"),
    ("nvrtc", r"nvrtc(?:-builtins)?", r"nvrtc"),
    ("nvjitlink", r"nvJitLink", r"nvjitlink"),
    ("nvshmem", r"nvshmem\w*", r"nvshmem"),
    ("nvtx", r"nvToolsExt|nvtx3interop", r"nvtx|nvtoolsext"),
    ("tensorrt", r"nvinfer\w*|nvonnxparser\w*|nvparsers\w*", r"tensorrt|nvinfer|nvonnxparser|nvparsers"),
    ("openblas", r"(?:scipy_)?openblas\w*(?:-r[0-9.]+)?", r"openblas"),
    ("mkl", r"mkl_\w+", r"mkl(?!-?dnn)"),
    ("blis", r"blis(?:-mt)?", r"blis"),
    ("onednn", r"dnnl|mkldnn", r"onednn|dnnl|mkl-?dnn"),
    (
        "blas",
        r"(?:gsl|f77|pt)?c?blas|[st]?atlas|flexiblas|armpl\w*",
        r"lib(?:gsl)?c?blas|^blas|atlas|flexiblas",
    ),
    ("lapack", r"lapacke?|flame", r"lapack|libflame"),
    ("openmp", r"(?:gomp|iomp5|omp(?:[0-9]|-[0-9.]+)?)", r"gomp|openmp|^libi?omp"),
    ("tbb", r"tbb", r"tbb"),
    ("libm", r"m(?:vec)?(?:-2\.[0-9]{1,3}(?=\.so\Z)|(?=\.so\.[0-9]))", r"^libc6|^glibc"),
)
"""Kind, what follows `lib` in a file name, and what the name of the library's own package holds."""
_OWN_PACKAGES = {kind: re.compile(project) for kind, _, project in _KINDS}
_OWN_PACKAGES["cuda-compat"] = re.compile(r"cuda-compat")

# Behind `.so` stands the release for NVIDIA's libraries; for these it is the version of the ABI.
_ABI_ONLY = frozenset({"openmp", "mkl", "blis", "tbb", "libm", "onednn"})
_COMPAT = re.compile(r"/cuda[^/]*/compat/|/cuda-compat/")
_NOT_FOR_LOADING = ("/stubs/", "/sysroot/")


def is_own_package(kind: str, project: str) -> bool:
    """Whether a package of this name is the library itself, and no other that carries a copy."""
    pattern = _OWN_PACKAGES.get(kind)
    return pattern is not None and pattern.search(project.lower()) is not None


def kind_at(path: str, soname: str = "") -> str:
    """Return the kind of library that lies at an absolute path, told by its file name, else by its SONAME.

    A driver's user-mode library in a forward-compatibility directory is `cuda-compat`. Stubs, against which
    programs are linked, and the C library of a compiler's sysroot are never loaded and have no kind.
    """
    kind = kind_of(path.rpartition("/")[2]) or kind_of(soname)
    if kind and any(mark in path for mark in _NOT_FOR_LOADING):
        return ""
    return "cuda-compat" if kind == "cuda-driver" and _COMPAT.search(path) is not None else kind


_PATTERN = re.compile(
    "lib(?:"
    + "|".join(f"({pattern})" for _, pattern, _ in _KINDS)
    + ")"
    + _BUNDLED
    + r"([0-9.]*(?:\.dev)?)\.so((?:\.[0-9]+)*)"
)
FILE_NAMES = _PATTERN.pattern
"""Matches the whole name of every file that `kind_of` knows a kind of."""
_OPENBLAS_RELEASE = re.compile(r"-r([0-9]+(?:\.[0-9]+)*)(?:-[0-9a-f]{8})?((?:\.[0-9]+)*(?:\.dev)?)\.so")


def kind_of(file_name: str) -> str:
    """Return the kind of library that a file name stands for, '' for any other file."""
    if not file_name.startswith("lib") or len(file_name) > 255:
        return ""
    match = _PATTERN.fullmatch(file_name)
    if match is None:
        return ""
    return _KINDS[next(i for i, group in enumerate(match.groups()) if group is not None)][0]


def version_in(file_name: str, kind: str) -> str:
    """Return the library's full version if its file name tells it, else ''.

    The digits behind `.so` are the release for NVIDIA's libraries (`libcudart.so.12.4.127`); for OpenMP and
    MKL they are the ABI version, the same for many releases, and tell nothing.
    """
    if kind == "openblas":
        match = _OPENBLAS_RELEASE.search(file_name)
        return match[1] + match[2] if match else ""
    if kind == "libm":
        return file_name.removesuffix(".so").rpartition("-")[2] if "-" in file_name else ""
    if kind in _ABI_ONLY:
        return ""
    suffix = file_name.rpartition(".so.")[2]
    return suffix if suffix.count(".") >= 2 and suffix.replace(".", "").isdigit() else ""
