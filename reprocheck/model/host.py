"""The machine: what a container cannot pin."""

from __future__ import annotations

from reprocheck.model.base import Count, Value


class Cpu(Value, frozen=True, kw_only=True):
    """The processor, as /proc/cpuinfo and the cgroup show it."""

    architecture: str
    vendor: str
    model: str
    microcode: str = ""
    level: str = ""
    """x86-64 micro-architecture level (`x86-64-v3`), '' elsewhere. Source: x86-64 psABI."""
    features: tuple[str, ...] = ()
    """Instruction-set extensions that numeric libraries dispatch on (avx2, avx512f, amx_tile, sve...)."""
    logical: Count = 0
    allowed: Count = 0
    """CPUs in this process's affinity mask."""
    quota_millicpus: Count | None = None
    """cgroup limit in thousandths of a CPU; None when there is none."""


class Gpu(Value, frozen=True, kw_only=True):
    """One accelerator. Serial numbers and UUIDs are not recorded."""

    index: Count
    name: str
    compute_capability: str = ""
    memory_mib: Count = 0
    mig: str = ""
    ecc: str = ""
    vbios: str = ""


class Driver(Value, frozen=True, kw_only=True):
    """The NVIDIA kernel driver."""

    version: str
    cuda_maximum: str = ""
    """Newest CUDA that this driver supports, NOT an installed CUDA."""
    source: str = ""


class Host(Value, frozen=True, kw_only=True):
    """Machine facts that bear on results."""

    system: str
    kernel: str
    cpu: Cpu
    memory_bytes: Count
    gpus: tuple[Gpu, ...]
    driver: Driver | None
    virtualization: str = ""
