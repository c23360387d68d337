"""Version strings in the bytes of a numeric library, by kind.

Seen in the real libraries: numpy's and scipy's OpenBLAS, Intel's MKL and OpenMP, NVIDIA's NCCL, nvJitLink and
NVRTC, oneTBB, libgomp of manylinux wheels. cuDNN, cuBLAS, the CUDA runtime and oneDNN carry no such string.
"""

from __future__ import annotations

import re

from reprocheck.collect.elf_names import is_extension
from reprocheck.model.base import Frozen

_RELEASE = rb"([0-9]{1,9}(?:\.[0-9]{1,9}){1,5})"
_OVERLAP = 256
_MOST = 64


class _Pattern(Frozen, frozen=True, kw_only=True):
    what: str
    needle: bytes
    """`bytes.find` passes over 50 MB in the time in which a regular expression passes over two."""
    expression: re.Pattern[bytes]
    """Matched where the needle stands."""


def _pattern(what: str, needle: bytes, middle: bytes = b"", end: bytes = b"") -> _Pattern:
    return _Pattern(
        what=what, needle=needle, expression=re.compile(re.escape(needle) + middle + _RELEASE + end)
    )


_OPENBLAS = _pattern("openblas", b"OpenBLAS ")
_MKL = _pattern("mkl", b"Math Kernel Library Version ")
_BLIS = _pattern("blis", b"AOCL-BL", rb"(?:IS|AS) ")
_TOOLS = _pattern("cuda-tools", b"Cuda compilation tools, release ", rb"[0-9.]{1,16}, V")
# libgomp is a part of GCC and has its version. Red Hat's builds name it in .gnu_debuglink; .comment also
# names the older compiler of the start files that were linked in, so the newest one counts.
_GCC = (
    _pattern("gcc", b"libgomp.so.1.0.0-", end=b"-"),
    _pattern("gcc", b"annobin gcc "),
    _pattern("gcc", b"GCC: (", rb"[^)\x00\n]{0,80}\) "),
)
ARCHITECTURES = "gpu-architectures"
"""What `torch.cuda.get_arch_list` shows: CMake's list of them, compiled into libtorch_python.so."""
NUMPY_1, NUMPY_2 = "numpy-1", "numpy-2"
"""NumPy's `import_array` imports `numpy.core._multiarray_umath` as compiled with NumPy 1.x, and
`numpy._core._multiarray_umath` first as compiled with NumPy 2 (numpy/_core/code_generators)."""
_NUMPY = tuple(
    _Pattern(
        what=what,
        needle=b"numpy." + core + b"._multiarray_umath",
        expression=re.compile(rb"numpy\.(" + core + rb")\._multiarray_umath"),
    )
    for what, core in ((NUMPY_1, b"core"), (NUMPY_2, b"_core"))
)
_GPUS = _Pattern(
    what=ARCHITECTURES,
    needle=b"sm_",
    expression=re.compile(rb"((?:sm|compute)_[0-9]{2,3}[af]?(?: (?:sm|compute)_[0-9]{2,3}[af]?){0,30})\x00"),
)
_PATTERNS: dict[str, tuple[_Pattern, ...]] = {
    "openblas": (_OPENBLAS,),
    "mkl": (_MKL,),
    "blis": (_BLIS,),
    "blas": (_OPENBLAS, _MKL, _BLIS),
    "lapack": (_OPENBLAS, _MKL),
    "openmp": (_pattern("intel-openmp", b"Intel(R) OMP version: "),),
    "gomp": _GCC,
    "nccl": (_pattern("nccl", b"NCCL version "),),
    "nvjitlink": (_TOOLS,),
    "nvrtc": (_TOOLS,),
    "onednn": (_pattern("onednn", b"oneDNN v"),),
    "tbb": (_pattern("tbb", b"TBB: VERSION", rb"[ \t]{1,8}"),),
    "extension": _NUMPY,
    "torch-python": (_GPUS, *_NUMPY),
}

NEEDLES: tuple[bytes, ...] = tuple(
    sorted({pattern.needle for patterns in _PATTERNS.values() for pattern in patterns})
)
"""What every version string begins with."""

RELEASE_OF: dict[str, tuple[str, ...]] = {
    "openblas": ("openblas",),
    "mkl": ("mkl",),
    "blis": ("blis",),
    "openmp": ("gcc",),
    "nccl": ("nccl",),
    "nvjitlink": ("cuda-tools",),
    "nvrtc": ("cuda-tools",),
    "onednn": ("onednn",),
    "tbb": ("tbb",),
}
"""Which string tells the release of a library of this kind, as its package counts releases.

Intel's OpenMP does not: `5.0.20260828` stands in release 2026.2.0.
"""


class VersionSearch:
    """Finds the version strings of one kind in a file that is handed in piece by piece."""

    def __init__(self, kind: str, name: str) -> None:
        """Take the kind, and the file's name or SONAME: of OpenMP runtimes only libgomp has GCC's version."""
        if kind == "openmp" and name.startswith("libgomp"):
            kind = "gomp"
        elif name == "libtorch_python.so":
            kind = "torch-python"
        elif not kind and is_extension(name):
            kind = "extension"
        self._patterns = _PATTERNS.get(kind, ())
        self._hits: list[list[bytes]] = [[] for _ in self._patterns]
        self._tail = b""

    @property
    def wanted(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._patterns)

    def add(self, chunk: bytes) -> None:
        """Look through the next piece; its last bytes wait for the piece after it."""
        if not self._patterns:
            return
        text = self._tail + chunk
        border = max(len(text) - _OVERLAP, 0)
        self._search(text, border)
        self._tail = text[border:]

    def found(self) -> tuple[tuple[str, str], ...]:
        """Give (what, version), sorted; of several versions the first, of compilers the newest."""
        self._search(self._tail, len(self._tail))
        self._tail = b""
        versions: dict[str, str] = {}
        for pattern, hits in zip(self._patterns, self._hits, strict=True):
            if hits and pattern.what not in versions:
                chosen = max(hits, key=_numbers) if pattern.what == "gcc" else hits[0]
                versions[pattern.what] = chosen.decode("ascii")
        return tuple(sorted(versions.items()))

    def _search(self, text: bytes, border: int) -> None:
        for pattern, hits in zip(self._patterns, self._hits, strict=True):
            place = text.find(pattern.needle, 0, border + len(pattern.needle) - 1)
            while 0 <= place < border and len(hits) < _MOST:
                match = pattern.expression.match(text, place)
                if match is not None:
                    hits.append(match[1])
                place = text.find(pattern.needle, place + 1, border + len(pattern.needle) - 1)


def _numbers(version: bytes) -> tuple[int, ...]:
    return tuple(map(int, version.split(b".")))
