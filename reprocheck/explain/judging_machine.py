"""From a difference of the machine or its operating system to a suspicion."""

from __future__ import annotations

from reprocheck.explain.suspicion import Group, Suspicion, suspect
from reprocheck.model.change import Difference

_HOST_RULES = {
    "cpu.architecture": ("CPU-111", 100),
    "cpu.level": ("CPU-101", 95),
    "cpu.features": ("CPU-101", 90),
    "cpu.model": ("CPU-114", 70),
    "cpu.vendor": ("CPU-114", 72),
    "cpu.microcode": ("CPU-115", 10),
    "cpu.logical": ("CPU-112", 40),
    "cpu.allowed": ("CPU-112", 42),
    "cpu.quota_millicpus": ("CPU-112", 44),
    "cpu.cores": ("CPU-112", 38),
    "cpu.sockets": ("CPU-112", 30),
    "numa": ("CPU-112", 28),
    "memory_bytes": ("CPU-117", 20),
    "numa.memory_bytes": ("CPU-117", 18),
    "memory_limit_bytes": ("CPU-117", 22),
    "gpus": ("GPU-203", 85),
    "driver.version": ("DRV-218", 30),
    "driver.cuda_maximum": ("DRV-218", 20),
    "driver.user_mode": ("DRV-218", 28),
    "driver.claims": ("DRV-218", 15),
}
_GPU_RULES = {"compute_capability": ("GPU-201", 92), "name": ("GPU-209", 80), "mig": ("GPU-209", 78)}


def judge_host(d: Difference) -> Suspicion:
    """Find the rule for one difference of `host`. Total."""
    if d.name.startswith("gpus["):
        field = d.name.partition("].")[2]
        whole_card = ("GPU-203", 84)
        code, weight = _GPU_RULES.get(field, ("GPU-210", 10)) if field else whole_card
    else:
        code, weight = _HOST_RULES.get(d.name, ("CPU-116", 10))
    return suspect(d, code, Group.DRIVER if code == "DRV-218" else Group.MACHINE, weight=weight)


def judge_os(d: Difference) -> Suspicion:
    """Find the rule for one difference of `os`. Total."""
    if d.name == "libc":
        return suspect(d, "CPU-110", Group.SYSTEM, weight=85)
    return suspect(d, "IMG-514", Group.SYSTEM, weight=40)
