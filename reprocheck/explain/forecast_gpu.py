"""Accelerators: architecture, number, driver, TF32, and the libraries that choose algorithms on them."""

from __future__ import annotations

from reprocheck.explain.forecast_facts import Facts, told_alike
from reprocheck.explain.forecast_table import state
from reprocheck.model.forecast import Statement
from reprocheck.model.host import Gpu

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
_TF32_VARIABLES = (_TF32_OVERRIDE, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
_TF32_STATE = (
    "torch.backends.cuda.matmul.allow_tf32",
    "torch.backends.cudnn.allow_tf32",
    "torch.get_float32_matmul_precision",
    "tensorflow.tensor_float_32_execution",
)
_DETERMINISM = ("torch.are_deterministic_algorithms_enabled", "tensorflow.op_determinism")
_NCCL = ("NCCL_ALGO", "NCCL_PROTO", "NCCL_NVLS_ENABLE")


def state_gpu(a: Facts, b: Facts) -> list[Statement]:
    """State what bears on GPUs; nothing when no side has one or a build for one."""
    used = told_alike(a, b, "torch.cuda.is_initialized")
    if used == ("False", "False"):
        return [state("gpu.use", "idle", "CPU", "CPU")]
    built = any(x.cuda or x.hip for side in (a, b) for x in side.frameworks)
    if not (a.gpus or b.gpus or built):
        return []
    libraries = [*_library("cudnn", a, b), *_library("cublas", a, b)]
    if a.gpus is None or b.gpus is None:
        return [state("gpu.architecture", "untold", _architectures(a), _architectures(b)), *libraries]
    if not a.gpus and not b.gpus:
        return [state("gpu.architecture", "unseen", None, None), *libraries]
    if not (a.tells(_VISIBLE) and b.tells(_VISIBLE)):
        return [state("gpu.count", "untold", str(len(a.gpus)), str(len(b.gpus))), *libraries]
    own, other = _seen(a), _seen(b)
    if not own or not other:
        if own or other:
            return [state("gpu.use", "differs", "GPU" if own else "CPU", "GPU" if other else "CPU")]
        return [state("gpu.use", "idle", "CPU", "CPU")]
    settings = [_tf32(a, b), _benchmark(a, b), _determinism(a, b), _workspace(a, b)]
    count = state(
        "gpu.count", "same" if len(own) == len(other) else "differs", str(len(own)), str(len(other))
    )
    several = [_nccl(a, b)] if max(len(own), len(other)) > 1 else []
    return [*_cards(a, b), count, _driver(a, b), *settings, *several, *libraries]


def _seen(side: Facts) -> tuple[Gpu, ...]:
    """Return the GPUs that a process sees; which ones CUDA_VISIBLE_DEVICES means only its count tells."""
    gpus = side.gpus or ()
    value = side.variables.get(_VISIBLE)
    if value is None:
        return gpus
    named: list[str] = []
    for word in value.split(","):
        if not word.strip() or word.strip().startswith("-"):
            break  # the CUDA runtime stops at the first index that names nothing
        named.append(word.strip())
    return gpus[: len(named)]


def _architectures(side: Facts) -> str | None:
    found = sorted({gpu.compute_capability for gpu in side.gpus or ()} - {""})
    return " ".join(found) or None


def _cards(a: Facts, b: Facts) -> list[Statement]:
    shown = _architectures(a), _architectures(b)
    if any(not gpu.compute_capability for side in (a, b) for gpu in side.gpus or ()):
        return [state("gpu.architecture", "untold", *shown)]
    if shown[0] != shown[1]:
        return [state("gpu.architecture", "differs", *shown)]
    models = [", ".join(sorted({f"{g.name} {g.mig}".strip() for g in side.gpus or ()})) for side in (a, b)]
    same = state("gpu.model", "same" if models[0] == models[1] else "open", models[0], models[1])
    return [state("gpu.architecture", "same", *shown), same]


def _driver(a: Facts, b: Facts) -> Statement:
    drivers = [side.manifest.host.driver if side.manifest.host is not None else None for side in (a, b)]
    shown = [
        f"{x.version} {x.user_mode if x.user_mode != x.version else ''}".strip() if x is not None else None
        for x in drivers
    ]
    if not all(shown):
        return state("driver", "untold", *shown)
    return state("driver", "same" if shown[0] == shown[1] else "open", *shown)


def _tf32(a: Facts, b: Facts) -> Statement:
    told = [side.shown(*_TF32_VARIABLES) or _reported(side) for side in (a, b)]
    able = [_has_tf32(side) for side in (a, b)]
    if not (a.tells(*_TF32_VARIABLES) and b.tells(*_TF32_VARIABLES)) or None in able:
        return state("tf32", "untold", *told)
    if not any(able):
        return state("tf32", "absent", *(_architectures(side) for side in (a, b)))
    if a.value(_TF32_OVERRIDE) == b.value(_TF32_OVERRIDE) == "0":
        return state("tf32", "off", *told)
    if able[0] != able[1]:
        return state("tf32", "differs", *(_architectures(side) for side in (a, b)))
    if any(a.value(name) != b.value(name) for name in _TF32_VARIABLES):
        return state("tf32", "differs", *told)
    reported = [told_alike(a, b, name) for name in _TF32_STATE]
    if any(ends is not None and ends[0] != ends[1] for ends in reported):
        return state("tf32", "differs", _reported(a), _reported(b))
    if any(ends is not None for ends in reported):
        return state("tf32", "same", _reported(a), _reported(b))
    builds = [tuple(sorted((x.name, x.version) for x in side.frameworks)) for side in (a, b)]
    return state("tf32", "same" if builds[0] == builds[1] else "open", *told)


def _has_tf32(side: Facts) -> bool | None:
    """Whether a GPU is of Ampere or later; None when a compute capability is not told."""
    major = [gpu.compute_capability.partition(".")[0] for gpu in side.gpus or ()]
    if not all(word.isdecimal() and len(word) < 4 for word in major):
        return None
    return any(int(word) >= 8 for word in major)


def _reported(side: Facts) -> str | None:
    told = [f"{name}={' '.join(side.state[name])}" for name in _TF32_STATE if name in side.state]
    return " ".join(told) or None


def _benchmark(a: Facts, b: Facts) -> Statement:
    ends = told_alike(a, b, "torch.backends.cudnn.benchmark")
    if ends is None:
        return state("cudnn.benchmark", "untold", None, None)
    if ends[0] != ends[1]:
        return state("cudnn.benchmark", "differs", *ends)
    return state("cudnn.benchmark", "off" if ends[0] == "False" else "on", *ends)


def _determinism(a: Facts, b: Facts) -> Statement:
    told = [told_alike(a, b, name) for name in _DETERMINISM]
    reported = [ends for ends in told if ends is not None]
    if not reported:
        return state("gpu.determinism", "untold", None, None)
    shown = " ".join(ends[0] for ends in reported), " ".join(ends[1] for ends in reported)
    if shown[0] != shown[1]:
        return state("gpu.determinism", "differs", *shown)
    return state("gpu.determinism", "on" if set(shown[0].split()) == {"True"} else "off", *shown)


def _workspace(a: Facts, b: Facts) -> Statement:
    name = "CUBLAS_WORKSPACE_CONFIG"
    if not (a.tells(name) and b.tells(name)):
        return state("cublas.workspace", "untold", a.value(name), b.value(name))
    ends = a.value(name), b.value(name)
    if ends[0] != ends[1]:
        return state("cublas.workspace", "differs", *ends)
    return state("cublas.workspace", "same" if ends[0] else "unset", *ends)


def _nccl(a: Facts, b: Facts) -> Statement:
    shown = [
        " ".join(part for part in (*_versions("nccl", side), side.shown(*_NCCL) or "") if part) or None
        for side in (a, b)
    ]
    if not (a.tells(*_NCCL) and b.tells(*_NCCL)):
        return state("nccl", "untold", *shown)
    if shown[0] != shown[1]:
        return state("nccl", "differs", *shown)
    return state("nccl", "same" if a.value("NCCL_ALGO") and a.value("NCCL_PROTO") else "free", *shown)


def _versions(kind: str, side: Facts) -> tuple[str, ...]:
    return tuple(sorted({x.version for x in side.libraries if x.kind == kind and x.version}))


def _library(kind: str, a: Facts, b: Facts) -> list[Statement]:
    found = [[x for x in side.libraries if x.kind == kind] for side in (a, b)]
    if not any(found):
        return []
    shown = [" ".join(_versions(kind, side)) or None for side in (a, b)]
    subject = f"{kind}.version"
    if shown[0] != shown[1]:
        return [state(subject, "differs" if all(shown) else "rebuilt", *shown)]
    digests = [{x.sha256 or x.build_id for x in libraries} for libraries in found]
    equal = shown[0] is not None and digests[0] == digests[1]
    return [state(subject, "same" if equal else "rebuilt", *shown)]
