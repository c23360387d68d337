"""The rules of conflicts below Python: shared objects, accelerators, drivers."""

from __future__ import annotations

from reprocheck.model.rule import Rule

_CHECKED = "2026-11-22"

NUMPY = Rule(
    code="DEP-403",
    title="Built for NumPy 1, NumPy 2 installed",
    severity="high",
    detect="Extension modules that import numpy.core._multiarray_umath and not numpy._core, as import_array "
    "compiled with the headers of NumPy 1 does, against the NumPy of their environment.",
    why='The import fails ("A module that was compiled using NumPy 1.x cannot be run in NumPy 2", '
    '"numpy.dtype size changed"), or the module crashes.',
    fix="Install numpy<2, or a release of the package that was built with NumPy 2.",
    source="numpy.org: NumPy 2.0 migration guide; huggingface/datasets#6975",
    date=_CHECKED,
)
LIBRARY = Rule(
    code="DEP-432",
    title="Shared library not found",
    severity="high",
    detect="DT_NEEDED of every shared object of a Python distribution, searched for as ld.so(8) does with "
    "the target's LD_LIBRARY_PATH. Broken are objects that an import leads to; others may be plug-ins.",
    why="The import fails: cannot open shared object file.",
    fix="Install the library, or let the loader know where it lies.",
    source="ld.so(8); gABI chapter 5, Shared Object Dependencies; opencv/opencv-python#370 (libGL.so.1)",
    date=_CHECKED,
)
SYMBOLS = Rule(
    code="DEP-433",
    title="Symbol version not offered",
    severity="high",
    detect=".gnu.version_r of every shared object of a Python distribution against .gnu.version_d of the "
    "copy that the loader would take: GLIBC, GLIBCXX, CXXABI and all others.",
    why="The loader refuses the object: version `GLIBC_2.38' not found.",
    fix="Use a base image with a newer C or C++ library, or a wheel that was built for an older one.",
    source="LSB 5.0 Core Generic, chapter 10.7 (symbol versioning); PEP 600",
    date=_CHECKED,
)
OPENMP = Rule(
    code="CPU-107",
    title="Several OpenMP runtimes",
    severity="medium",
    detect="Copies of libgomp, libiomp5 and libomp that the objects of one environment lead to; with an "
    "observed run, those that it loaded. Copies of one and the same runtime are only a remark.",
    why="Two different runtimes in one process have two thread pools and undefined behaviour; it can hang.",
    fix="Have one runtime: packages from one channel, or MKL_THREADING_LAYER=GNU for MKL.",
    source="joblib/threadpoolctl, multiple_openmp.md; joblib/threadpoolctl#49",
    date=_CHECKED,
)
CUDNN_MIXED = Rule(
    code="GPU-207",
    title="cuDNN's libraries come from two places",
    severity="high",
    detect="The copies of libcudnn*.so that the dynamic loader would take, by directory and major version.",
    why="cuDNN refuses to run with parts of another release, or fails with an undefined symbol.",
    fix="Leave one directory with cuDNN in the loader's way.",
    source="pytorch/pytorch#104591",
    date=_CHECKED,
)
NO_KERNELS = Rule(
    code="GPU-211",
    title="Framework was not compiled for this GPU",
    severity="high",
    detect="The GPU architectures that the build of PyTorch or TensorFlow names, against the compute "
    "capability of each recorded GPU: machine code runs within its major version from its minor on, PTX on "
    "everything newer.",
    why="CUDA error: no kernel image is available for execution on the device.",
    fix="Install a build of the framework for this GPU.",
    source="docs.nvidia.com: CUDA C++ Programming Guide, Binary and PTX Compatibility; pytorch/pytorch#31285",
    date=_CHECKED,
)
SHADOWED = Rule(
    code="DRV-214",
    title="Bundled CUDA library is shadowed",
    severity="high",
    detect="A copy that LD_LIBRARY_PATH or the loader's cache gives before the one in the environment, "
    "where the two have other versions.",
    why="The framework runs with a library that it was not built for: LD_LIBRARY_PATH wins over RUNPATH.",
    fix="Take the directory out of LD_LIBRARY_PATH.",
    source="pytorch/pytorch#80637; pytorch/pytorch#119989; ld.so(8)",
    date=_CHECKED,
)
RUNTIMES = Rule(
    code="DRV-215",
    title="Several CUDA runtimes",
    severity="low",
    detect="CUDA runtime libraries of several releases in one environment or image.",
    why="Which of them a program uses depends on what it imports first.",
    fix="Keep one, or record which is loaded (run --observe).",
    source="Kaggle/docker-python#1182",
    date=_CHECKED,
)
NVIDIA_PINS = Rule(
    code="DRV-216",
    title="NVIDIA packages differ from the framework's pins",
    severity="high",
    detect="What the metadata of a framework pins of nvidia-* and the like, against what is installed.",
    why="The framework was built and tested with exactly these releases of CUDA's libraries.",
    fix="Install what it pins.",
    source="pytorch/pytorch#104259",
    date=_CHECKED,
)

BELOW_PYTHON: tuple[Rule, ...] = (
    OPENMP,
    NUMPY,
    LIBRARY,
    SYMBOLS,
    SHADOWED,
    RUNTIMES,
    NVIDIA_PINS,
    CUDNN_MIXED,
    NO_KERNELS,
)
"""Sorted by code."""
