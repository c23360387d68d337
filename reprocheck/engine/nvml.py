"""GPUs and driver through NVML, with NVIDIA's own binding (`nvidia-ml-py`, the extra `reprocheck[nvml]`).

The binding loads libnvidia-ml.so.1 of the driver into this process. A call into a hung driver never returns,
so the questions are asked in a thread that is not waited for longer than `SECONDS`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from reprocheck.model.machine import NvmlGpu, NvmlReading

NVML = "NVML"
"""Names the reading where it failed."""
LIBRARY = "libnvidia-ml.so.1"
SECONDS = 30

_MOST_GPUS = 1_024
_STATES = {0: "disabled", 1: "enabled"}

_Failures = list[tuple[str, str]]


def ask_nvml(failures: _Failures, *, seconds: float = SECONDS) -> NvmlReading | None:
    """Ask NVML; None without the binding or without the library, which is a fact.

    Any other failure is added to `failures` as (where, reason).
    """
    try:
        import pynvml
    except ImportError:
        return None
    said: _Failures = []
    answers: list[NvmlReading | None] = []

    def ask() -> None:
        try:
            answers.append(read_nvml(pynvml, said))
        except Exception as error:  # noqa: BLE001 - what a thread raises would be lost, and look like no GPU
            said.append((NVML, f"its binding failed: {type(error).__name__}"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        failures.append((NVML, f"it did not answer within {seconds:.0f} seconds"))
        return None
    failures.extend(said)
    return answers[0] if answers else None


def read_nvml(module: Any, failures: _Failures) -> NvmlReading | None:
    """Ask the binding `module`; what a GPU does not support is '' or 0, and a GPU that fails is named."""
    try:
        module.nvmlInit()
    except module.NVMLError_LibraryNotFound:
        return None
    except module.NVMLError as error:
        failures.append((NVML, f"it failed: {error}"))
        return None
    try:
        return _reading(module, failures)
    except module.NVMLError as error:
        failures.append((NVML, f"it failed: {error}"))
        return None
    finally:
        try:
            module.nvmlShutdown()
        except module.NVMLError as error:
            failures.append((NVML, f"it could not be closed: {error}"))


def _reading(module: Any, failures: _Failures) -> NvmlReading:
    cuda = _supported(module, module.nvmlSystemGetCudaDriverVersion, 0)
    gpus = []
    for index in range(min(module.nvmlDeviceGetCount(), _MOST_GPUS)):
        try:
            gpus.append(_gpu(module, index))
        except module.NVMLError as error:  # one lost GPU ("fallen off the bus") does not cost the others
            failures.append((f"GPU {index}", f"NVML says: {error}"))
    return NvmlReading(
        driver=_text(module.nvmlSystemGetDriverVersion()),
        cuda_maximum=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else "",
        gpus=tuple(gpus),
    )


def _gpu(module: Any, index: int) -> NvmlGpu:
    handle = module.nvmlDeviceGetHandleByIndex(index)

    def ask(question: Callable[[Any], Any], otherwise: Any) -> Any:
        return _supported(module, lambda: question(handle), otherwise)

    capability = ask(module.nvmlDeviceGetCudaComputeCapability, None)
    memory = ask(module.nvmlDeviceGetMemoryInfo, None)
    mig = _STATES.get(ask(module.nvmlDeviceGetMigMode, (None,))[0], "")
    return NvmlGpu(
        index=index,
        bus_id=_text(module.nvmlDeviceGetPciInfo(handle).busId),
        name=_text(module.nvmlDeviceGetName(handle)),
        compute_capability=f"{capability[0]}.{capability[1]}" if capability else "",
        memory_bytes=int(memory.total) if memory is not None else 0,
        mig=mig,
        slices=_slices(module, handle) if mig == "enabled" else (),
        ecc=_STATES.get(ask(module.nvmlDeviceGetEccMode, (None,))[0], ""),
        persistence=_STATES.get(ask(module.nvmlDeviceGetPersistenceMode, None), ""),
        vbios=_text(ask(module.nvmlDeviceGetVbiosVersion, "")),
    )


def _slices(module: Any, handle: Any) -> tuple[tuple[int, int], ...]:
    """(multiprocessors, MiB) of each MIG device; places without one answer `not found`."""
    found = []
    for index in range(_supported(module, lambda: module.nvmlDeviceGetMaxMigDeviceCount(handle), 0)):
        try:
            attributes = module.nvmlDeviceGetAttributes(
                module.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
            )
        except (module.NVMLError_NotFound, module.NVMLError_NotSupported):
            continue
        found.append((int(attributes.multiprocessorCount), int(attributes.memorySizeMB)))
    return tuple(sorted(found))


def _supported(module: Any, question: Callable[[], Any], otherwise: Any) -> Any:
    """Ask what not every GPU or driver can tell."""
    absent = (module.NVMLError_NotSupported, module.NVMLError_FunctionNotFound)
    try:
        return question()
    except absent:
        return otherwise


def _text(value: object) -> str:
    """Text of what old versions of the binding give as bytes."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip()[:200]
