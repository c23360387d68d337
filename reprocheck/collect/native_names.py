"""Which file names are native libraries that numbers come from."""

from __future__ import annotations

import re

# auditwheel puts 8 hexadecimal digits of a hash into the name of a library that a wheel bundles:
# libgomp-e985bcbb.so.1.0.0
_BUNDLED = r"(?:-[0-9a-f]{8})?"

_KINDS: tuple[tuple[str, str], ...] = (
    ("cuda-runtime", r"cudart"),
    ("cudnn", r"cudnn\w*"),
    ("cublas", r"cublas\w*"),
    ("cufft", r"cufft\w*"),
    ("cusolver", r"cusolver\w*"),
    ("cusparse", r"cusparse\w*"),
    ("curand", r"curand"),
    ("nccl", r"nccl"),
    ("nvrtc", r"nvrtc(?:-builtins)?"),
    ("openblas", r"(?:scipy_)?openblas\w*(?:-r[0-9.]+)?"),
    ("mkl", r"mkl_\w+"),
    ("blis", r"blis(?:-mt)?"),
    ("openmp", r"(?:gomp|iomp5|omp(?:[0-9]|-[0-9.]+)?)"),
)
_PATTERN = re.compile(
    "lib(?:"
    + "|".join(f"({pattern})" for _, pattern in _KINDS)
    + ")"
    + _BUNDLED
    + r"([0-9.]*(?:\.dev)?)\.so((?:\.[0-9]+)*)"
)
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
    BLAS they are the ABI version, the same for many releases, and tell nothing.
    """
    if kind == "openblas":
        match = _OPENBLAS_RELEASE.search(file_name)
        return match[1] + match[2] if match else ""
    if kind in ("openmp", "mkl", "blis"):
        return ""
    suffix = file_name.rpartition(".so.")[2]
    return suffix if suffix.count(".") >= 2 and suffix.replace(".", "").isdigit() else ""
