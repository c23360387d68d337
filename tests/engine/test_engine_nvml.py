"""NVML's answers, from a module made by hand and from NVIDIA's own binding over a library made by gcc.

No answer here is recorded from a GPU: the stub gives fixed values through the real C interface (nvml.h).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from reprocheck.engine.nvml import ask_nvml, read_nvml
from reprocheck.model.machine import NvmlGpu, NvmlReading

STUB = Path(__file__).parent / "nvml_stub.c"


class NVMLError(Exception):
    pass


class NotSupported(NVMLError):
    pass


class FunctionNotFound(NVMLError):
    pass


class LibraryNotFound(NVMLError):
    pass


class NotFound(NVMLError):
    pass


def gives(value: object) -> Callable[..., object]:
    return lambda *_: value


def fails(error: type[NVMLError], text: str = "no") -> Callable[..., object]:
    def ask(*_: object) -> object:
        raise error(text)

    return ask


def binding(**answers: object) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        **{
            "NVMLError": NVMLError,
            "NVMLError_NotSupported": NotSupported,
            "NVMLError_FunctionNotFound": FunctionNotFound,
            "NVMLError_LibraryNotFound": LibraryNotFound,
            "NVMLError_NotFound": NotFound,
            "nvmlInit": gives(None),
            "nvmlShutdown": gives(None),
            "nvmlSystemGetDriverVersion": gives("580.65.06"),
            "nvmlSystemGetCudaDriverVersion": gives(13000),
            "nvmlDeviceGetCount": gives(1),
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetPciInfo": gives(types.SimpleNamespace(busId=b"00000000:01:00.0")),
            "nvmlDeviceGetName": gives("NVIDIA H200"),
            "nvmlDeviceGetCudaComputeCapability": gives((9, 0)),
            "nvmlDeviceGetMemoryInfo": gives(types.SimpleNamespace(total=143771 << 20)),
            "nvmlDeviceGetMigMode": gives([0, 0]),
            "nvmlDeviceGetEccMode": gives([1, 1]),
            "nvmlDeviceGetPersistenceMode": gives(1),
            "nvmlDeviceGetVbiosVersion": gives("96.00.AF.00.01"),
            "nvmlDeviceGetMaxMigDeviceCount": gives(7),
            "nvmlDeviceGetMigDeviceHandleByIndex": fails(NotFound),
            "nvmlDeviceGetAttributes": fails(NotSupported),
            **answers,
        }
    )


H200 = NvmlGpu(
    index=0,
    bus_id="00000000:01:00.0",
    name="NVIDIA H200",
    compute_capability="9.0",
    memory_bytes=143771 << 20,
    mig="disabled",
    ecc="enabled",
    persistence="enabled",
    vbios="96.00.AF.00.01",
)


def read(module: object) -> tuple[NvmlReading | None, list[tuple[str, str]]]:
    failures: list[tuple[str, str]] = []
    return read_nvml(module, failures), failures


def test_everything_that_nvml_tells() -> None:
    expected = NvmlReading(driver="580.65.06", cuda_maximum="13.0", gpus=(H200,))
    assert read(binding()) == (expected, [])


def test_no_library_is_a_fact() -> None:
    assert read(binding(nvmlInit=fails(LibraryNotFound))) == (None, [])


def test_a_mismatch_of_driver_and_library_is_a_failure() -> None:
    reading, failures = read(binding(nvmlInit=fails(NVMLError, "Driver/library version mismatch")))
    assert (reading, failures) == (None, [("NVML", "it failed: Driver/library version mismatch")])


@pytest.mark.parametrize("error", [NotSupported, FunctionNotFound])
def test_what_a_gpu_or_a_driver_cannot_tell_is_empty(error: type[NVMLError]) -> None:
    names = (
        "nvmlSystemGetCudaDriverVersion",
        "nvmlDeviceGetCudaComputeCapability",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetMigMode",
        "nvmlDeviceGetEccMode",
        "nvmlDeviceGetPersistenceMode",
        "nvmlDeviceGetVbiosVersion",
    )
    reading, failures = read(binding(**{name: fails(error) for name in names}))
    bare = NvmlGpu(index=0, bus_id="00000000:01:00.0", name="NVIDIA H200")
    assert (reading, failures) == (NvmlReading(driver="580.65.06", cuda_maximum="", gpus=(bare,)), [])


def test_a_lost_gpu_does_not_cost_the_others() -> None:
    def handle(index: int) -> int:
        if index == 0:
            raise NVMLError("GPU is lost")
        return index

    reading, failures = read(binding(nvmlDeviceGetCount=gives(2), nvmlDeviceGetHandleByIndex=handle))
    assert reading is not None
    assert [gpu.index for gpu in reading.gpus] == [1]
    assert failures == [("GPU 0", "NVML says: GPU is lost")]


def test_slices_of_a_divided_gpu() -> None:
    def device(_handle: object, index: int) -> int:
        if index > 2:
            raise NotFound("no such device")
        return index

    def attributes(index: int) -> object:
        return types.SimpleNamespace(multiprocessorCount=(42, 14, 14)[index], memorySizeMB=100 + index)

    reading, _ = read(
        binding(
            nvmlDeviceGetMigMode=gives([1, 1]),
            nvmlDeviceGetMigDeviceHandleByIndex=device,
            nvmlDeviceGetAttributes=attributes,
        )
    )
    assert reading is not None
    assert (reading.gpus[0].mig, reading.gpus[0].slices) == ("enabled", ((14, 101), (14, 102), (42, 100)))


def test_a_driver_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    hung = binding(nvmlInit=lambda: released.wait(60))
    monkeypatch.setitem(sys.modules, "pynvml", hung)
    failures: list[tuple[str, str]] = []
    assert ask_nvml(failures, seconds=0.01) is None
    released.set()
    assert failures == [("NVML", "it did not answer within 0 seconds")]


def test_without_the_binding_nothing_is_asked_and_nothing_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    failures: list[tuple[str, str]] = []
    assert (ask_nvml(failures), failures) == (None, [])


QUESTION = """
import json, msgspec, os
from reprocheck.engine.machine import read_machine
from reprocheck.engine.nvml import ask_nvml
from reprocheck.limits import DEFAULT
failures = []
reading = ask_nvml(failures)
assert read_machine(limits=DEFAULT, environ=os.environ).nvml == reading
print(json.dumps([msgspec.to_builtins(reading), failures]))
"""


def through_the_real_binding(folder: Path, **environ: str) -> tuple[dict[str, object] | None, list[object]]:
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(folder / "libnvidia-ml.so.1"), str(STUB)],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-c", QUESTION],
        env={"LD_LIBRARY_PATH": str(folder), "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    reading, failures = json.loads(done.stdout)
    return reading, failures


@pytest.mark.gcc
def test_nvidias_own_binding_over_a_stub_library(tmp_path: Path) -> None:
    reading, failures = through_the_real_binding(tmp_path)
    assert failures == []
    assert reading == {
        "driver": "580.65.06",
        "cuda_maximum": "13.0",
        "gpus": [
            {
                "index": 0,
                "bus_id": "00000000:01:00.0",
                "name": "Stub A100",
                "compute_capability": "8.0",
                "memory_bytes": 81920 << 20,
                "mig": "enabled",
                "slices": [[14, 19968], [42, 40192]],
                "ecc": "enabled",
                "persistence": "disabled",
                "vbios": "92.00.36.00.02",
            },
            {
                "index": 1,
                "bus_id": "00000000:02:00.0",
                "name": "Stub Tegra",
                "compute_capability": "8.7",
                "memory_bytes": 0,
                "mig": "",
                "slices": [],
                "ecc": "",
                "persistence": "",
                "vbios": "",
            },
        ],
    }


@pytest.mark.gcc
def test_a_library_whose_driver_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """Error 9; `read_machine` passes over it where the machine has no device of NVIDIA either."""
    reading, failures = through_the_real_binding(tmp_path, STUB_INIT="9")
    assert (reading, failures) == (None, [["NVML", "it failed: Driver Not Loaded"]])


def test_a_binding_that_fails_in_its_own_way_is_not_a_machine_without_gpus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a thread raises is lost otherwise, and its traceback stands on standard error."""

    def broken() -> object:
        raise OSError("no")

    monkeypatch.setitem(sys.modules, "pynvml", binding(nvmlInit=broken))
    failures: list[tuple[str, str]] = []
    assert ask_nvml(failures) is None
    assert failures == [("NVML", "its binding failed: OSError")]
