"""The machine: what a container cannot pin."""

from __future__ import annotations

from reprocheck.model.base import Count, Value
from reprocheck.model.package import VersionClaim


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
    sockets: Count = 0
    """0 when it could not be told."""
    cores: Count = 0
    """Physical cores of all sockets, 0 when it could not be told."""


class Gpu(Value, frozen=True, kw_only=True):
    """One accelerator. Serial numbers and UUIDs are not recorded."""

    index: Count
    name: str
    compute_capability: str = ""
    memory_mib: Count = 0
    mig: str = ""
    ecc: str = ""
    vbios: str = ""
    persistence: str = ""
    """`enabled` or `disabled`, '' when it was not told."""
    source: str = ""
    """`nvml` or `nvidia-smi`."""


class Driver(Value, frozen=True, kw_only=True):
    """The NVIDIA kernel driver."""

    version: str
    cuda_maximum: str = ""
    """Newest CUDA that this driver supports, NOT an installed CUDA."""
    source: str = ""
    user_mode: str = ""
    """Version of libcuda as NVML or its file name tells it; forward compatibility makes it a newer one."""
    others: tuple[VersionClaim, ...] = ()
    """What other sources say of `version` where they disagree; sorted."""


class NumaNode(Value, frozen=True, kw_only=True):
    """A NUMA node that has CPUs or memory."""

    index: Count
    cpus: str
    """As the kernel writes the list: `0-15,32-47`."""
    memory_bytes: Count = 0


class Host(Value, frozen=True, kw_only=True):
    """Machine facts that bear on results."""

    system: str
    kernel: str
    cpu: Cpu
    memory_bytes: Count
    gpus: tuple[Gpu, ...]
    driver: Driver | None
    virtualization: str = ""
    name: str = ""
    """The machine's name, only with `--host-name`."""
    memory_limit_bytes: Count | None = None
    """cgroup limit, None when there is none."""
    numa: tuple[NumaNode, ...] = ()
