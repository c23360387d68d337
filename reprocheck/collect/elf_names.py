"""Which files of a tree are shared objects that are looked at, told by their paths."""

from __future__ import annotations

import re

from reprocheck.collect.claims import INTERPRETER
from reprocheck.collect.native_names import kind_of

_SHARED = re.compile(r".+\.so(?:\.[0-9][0-9.]*)?")
_FRAMEWORK = re.compile(
    r"lib(?:torch|c10|caffe2|onnxruntime|tensorflow|xla|jax|mxnet|paddle|ctranslate2|faiss|xgboost|lightgbm"
    r"|openvino|mlx|ggml|llama)[\w.-]*"
)
_MODULE = r"[^/]+\.(?:cpython-[0-9]+t?-[\w-]+|abi3|pypy[0-9]+-[\w-]+)\.so"
_EXTENSION = re.compile(_MODULE)
SEARCHED_NAMES = rf"{_MODULE}|libtorch_python\.so"
"""Matches the whole name of every file that is searched for strings though it is of no numeric kind."""
_RUNTIME = re.compile(
    r"libc(?:\.so\.6|-2\.[0-9]{1,3}\.so)|libstdc\+\+\.so\.6(?:\.[0-9]+)*|libgcc_s(?:-[0-9.-]+)?\.so\.1"
)
"""The C and C++ libraries that offer symbol versions, by the names of the files and of the links to them."""


def is_shared(label: str) -> bool:
    """Whether a file's name is that of a shared object."""
    return len(label) <= 255 and _SHARED.fullmatch(label) is not None


def is_runtime(label: str) -> bool:
    """Whether a file's name is that of the C or a C++ library, which offer symbol versions."""
    return label.startswith(("libc", "libstdc", "libgcc")) and _RUNTIME.fullmatch(label) is not None


def is_extension(path: str) -> bool:
    """Whether a file's name is that of an extension module: such a file is what `import` loads."""
    return path.endswith(".so") and _EXTENSION.fullmatch(path.rpartition("/")[2]) is not None


def wanted_library(path: str) -> bool:
    """Whether the shared object at this absolute path will be looked at.

    Libraries of the numeric kinds and the C and C++ libraries wherever they lie, everything in a site
    directory, extension modules elsewhere but for the standard library's, framework libraries, and
    interpreters: their DT_RPATH counts.
    """
    if ".so" not in path:
        return "/bin/py" in path and INTERPRETER.fullmatch(path.rpartition("/")[2]) is not None
    label = path.rpartition("/")[2]
    if ".so" not in label or len(label) > 255:
        return False
    if kind_of(label):
        return True
    if is_runtime(label):
        return True
    if _SHARED.fullmatch(label) is None:
        return False
    if "-packages/" in path or _FRAMEWORK.fullmatch(label) is not None:
        return True
    return "/lib-dynload/" not in path and _EXTENSION.fullmatch(label) is not None
