"""Which environment variables are listed, and whose values may be recorded. Pure.

The values of an allowlist of names that bear on results, of what the image itself declares (public with the
image anyway) and of what `run --env` was given are recorded, each only if the secret scan of name and value
finds nothing. Every other name stands in the manifest without value and without hash: the hash of a short
secret can be guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from reprocheck.collect.secrets import redact_text, scan_variable
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.environment import IN_FORCE, Variable

Origin = Literal["image", "run", "container", "host"]

ALLOWED_PREFIXES: tuple[str, ...] = (
    "ATEN_",
    "BLIS_",
    "CUBLAS_",
    "CUDA_",
    "CUDNN_",
    "CUPY_",
    "DNNL_",
    "FLAGS_",
    "GOMP_",
    "GOTO_",
    "HIP_",
    "JAX_",
    "KERAS_",
    "KMP_",
    "LC_",
    "MALLOC_",
    "MIOPEN_",
    "MKL_",
    "MPLBACKEND",
    "NCCL_",
    "NPY_",
    "NUMBA_",
    "NVIDIA_",
    "NVTE_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "PYTHON",
    "PYTORCH_",
    "ROCBLAS_",
    "ROCR_",
    "SKLEARN_",
    "TF_",
    "TORCHDYNAMO_",
    "TORCHINDUCTOR_",
    "TORCH_",
    "TRITON_",
    "VECLIB_",
    "XLA_",
)
"""Prefixes of names that configure a numeric library, the interpreter or the locale."""

ALLOWED_NAMES: tuple[str, ...] = (
    "ACCELERATE_MIXED_PRECISION",
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "DATASETS_OFFLINE",
    "DIFFUSERS_OFFLINE",
    "GLIBC_TUNABLES",
    "GROUP_RANK",
    "HF_DATASETS_OFFLINE",
    "HF_HOME",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_ENABLE_HF_TRANSFER",
    "HF_HUB_OFFLINE",
    "LANG",
    "LANGUAGE",
    "LD_BIND_NOW",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "MASTER_PORT",
    "MP_START_METHOD",
    "NODE_RANK",
    "OPENCV_FOR_THREADS_NUM",
    "PATH",
    "POLARS_MAX_THREADS",
    "RANK",
    "RAYON_NUM_THREADS",
    "SLURM_JOB_NUM_NODES",
    "SLURM_LOCALID",
    "SLURM_NTASKS",
    "SLURM_PROCID",
    "SOURCE_DATE_EPOCH",
    "TBB_NUM_THREADS",
    "TOKENIZERS_PARALLELISM",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "USE_FLAX",
    "USE_TF",
    "USE_TORCH",
    "VIRTUAL_ENV",
    "WORLD_SIZE",
)
"""Whole names with the same property; launchers' ranks too, since a seed is often made from them."""

REFUSED_PREFIXES: tuple[str, ...] = ("TF_CLI_", "TF_CLOUD_", "TF_TOKEN_", "TF_VAR_", "TORCHSERVE_")
"""Names under an allowed prefix that belong to another program (Terraform's variables hold credentials)."""

LONGEST_NAME = 256
"""Characters of a name; a longer one is cut, with its length."""


def is_allowed(name: str) -> bool:
    """Whether the allowlist lets this name's value be recorded."""
    if name in ALLOWED_NAMES:
        return True
    return name.startswith(ALLOWED_PREFIXES) and not name.startswith(REFUSED_PREFIXES)


def describe_environment(
    *,
    image: tuple[tuple[str, str], ...] = (),
    container: tuple[tuple[str, str], ...] = (),
    unset: tuple[str, ...] = (),
    run: tuple[tuple[str, str], ...] = (),
    host: tuple[tuple[str, str], ...] = (),
    add_values: frozenset[str] = frozenset(),
    all_values: bool = False,
    limits: Limits,
) -> tuple[Variable, ...]:
    """List every variable by name, with its value where policy allows. Sorted by name.

    `image` is what the image declares, `run` what `run --env` was given, `container` what `docker run -e`
    added to the image's, `unset` what it took away, `host` this machine's. The same name at two origins is
    listed once, as it is in force: run over container over image over host, and within one origin the later
    entry wins. Only what the image declares stays beside what overrides it, and after it: it is part of the
    image's identity. `add_values` names variables whose values the user wants recorded, `all_values` asks for
    all; a value that the secret scan hits is never recorded.

    Raises InputFault E_LIMIT_VARIABLES when there are more variables than `limits.variables`.
    """
    if len(image) + len(container) + len(run) + len(host) > limits.variables:
        raise InputFault(
            "E_LIMIT_VARIABLES",
            f"the environment holds more than {limits.variables} variables; nothing was recorded",
            hint="Raise --limit-scale if this environment is really meant to be so large.",
        )
    found: dict[str, dict[Origin, Variable]] = {}
    origins: tuple[tuple[Origin, tuple[tuple[str, str], ...]], ...] = (
        ("host", host),
        ("image", image),
        ("container", container),
        ("run", run),
    )
    for origin, pairs in origins:
        for name, value in pairs:
            wanted = origin in {"image", "run"} or all_values or name in add_values or is_allowed(name)
            variable = _describe(name, value, origin, wanted=wanted, limits=limits)
            found.setdefault(variable.name, {})[origin] = variable
    for name in unset:
        shown = _portable_name(name)
        found.setdefault(shown, {})["container"] = Variable(
            name=shown, value=None, origin="container", state="unset"
        )
    return tuple(variable for name in sorted(found) for variable in _listed(found[name]))


def _listed(by_origin: dict[Origin, Variable]) -> Iterator[Variable]:
    in_force = min(by_origin, key=IN_FORCE.index)
    yield by_origin[in_force]
    if in_force != "image" and "image" in by_origin:
        yield by_origin["image"]


def _describe(name: str, value: str, origin: Origin, *, wanted: bool, limits: Limits) -> Variable:
    shown = _portable_name(name)
    if scan_variable(name, value) is not None:
        return Variable(name=redact_text(shown), value=None, origin=origin, state="secret")
    if not wanted or shown != name or not _is_recordable(value, limits):
        return Variable(name=shown, value=None, origin=origin, state="withheld")
    return Variable(name=name, value=value, origin=origin)


def _portable_name(name: str) -> str:
    """Make any bytes that an environment block may hold into a name that JSON and terminals can hold."""
    shown = name[:LONGEST_NAME]
    if not (shown.isascii() and shown.isprintable()):
        shown = shown.encode("unicode_escape", "backslashreplace").decode("ascii")
    if len(name) > LONGEST_NAME:
        shown += f"... ({len(name)} characters)"
    return shown or "(no name)"


def _is_recordable(value: str, limits: Limits) -> bool:
    """Whether JSON can hold the value as it was: UTF-8, within the limit."""
    try:
        return len(value.encode()) <= min(limits.variable_bytes, limits.json_string)
    except UnicodeEncodeError:
        return False
