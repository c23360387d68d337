"""What was read from a machine, before anybody made sense of it."""

from __future__ import annotations

from reprocheck.model.base import Frozen

NVIDIA_SMI = "nvidia-smi"
"""Names the reading of `nvidia-smi -q -x` where it failed."""
NVIDIA_COMPUTE = "nvidia-smi compute_cap"
"""Names the query for compute capabilities where it failed."""


class NvmlGpu(Frozen, frozen=True, kw_only=True):
    """One GPU as NVML tells it; '' and 0 where NVML says that it is not supported."""

    index: int
    bus_id: str
    name: str
    compute_capability: str = ""
    memory_bytes: int = 0
    mig: str = ""
    """`enabled`, `disabled`, ''."""
    slices: tuple[tuple[int, int], ...] = ()
    """(multiprocessors, MiB) of each MIG device, sorted."""
    ecc: str = ""
    persistence: str = ""
    vbios: str = ""


class NvmlReading(Frozen, frozen=True, kw_only=True):
    """What NVML told."""

    driver: str
    cuda_maximum: str
    """`13.0`, from nvmlSystemGetCudaDriverVersion: the newest that libcuda supports, not an installed one."""
    gpus: tuple[NvmlGpu, ...]


class MachineReadings(Frozen, frozen=True, kw_only=True):
    """Raw readings. None means that the machine has no such file or tool; what failed is in `failures`."""

    system: bytes | None = None
    """/proc/sys/kernel/ostype."""
    kernel: bytes | None = None
    """/proc/sys/kernel/osrelease."""
    architecture: bytes | None = None
    """/proc/sys/kernel/arch, or what uname says."""
    cpuinfo: bytes | None = None
    meminfo: bytes | None = None
    status: bytes | None = None
    """/proc/self/status, for `Cpus_allowed_list`."""
    quotas: tuple[bytes, ...] = ()
    """`QUOTA PERIOD` in microseconds for every cgroup from our own upwards (cpu.max; v1 in the same form)."""
    product: bytes | None = None
    """DMI product name."""
    nvidia_present: bool = False
    """The driver is loaded, or a PCI display device of NVIDIA is there."""
    nvidia_version: bytes | None = None
    """/proc/driver/nvidia/version."""
    nvidia_smi: bytes | None = None
    """`nvidia-smi -q -x`."""
    nvidia_compute: bytes | None = None
    """`nvidia-smi --query-gpu=pci.bus_id,compute_cap --format=csv,noheader`."""
    nvml: NvmlReading | None = None
    """None when no NVML library was found; see `failures` where it was found and failed."""
    memory_limits: tuple[bytes, ...] = ()
    """memory.max (or v1's memory.limit_in_bytes) of every cgroup from our own upwards."""
    numa: tuple[tuple[int, bytes, bytes], ...] = ()
    """(node, cpulist, meminfo) of /sys/devices/system/node/node*."""
    topology: tuple[tuple[bytes, bytes], ...] = ()
    """(thread siblings, core siblings) of each CPU as /sys/devices/system/cpu lists them; read only where
    cpuinfo names no sockets (it does on x86)."""
    libcuda: str = ""
    """File name of the real libcuda that the machine's loader cache leads to (`libcuda.so.580.65.06`)."""
    libnvidia_ml: str = ""
    """The same of NVML's library. Where its version is not the kernel module's, NVML answers "Driver/library
    version mismatch"."""
    failures: tuple[tuple[str, str], ...] = ()
    """(where, reason) of each reading that failed."""
