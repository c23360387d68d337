"""The machine: what /proc, the cgroup, DMI and nvidia-smi say, as one `Host`."""

from __future__ import annotations

import re

from reprocheck.collect.nvidia import describe_gpus
from reprocheck.collect.processor import describe_cpu, describe_virtualization
from reprocheck.model.host import Host
from reprocheck.model.machine import MachineReadings
from reprocheck.model.unknown import Unknown

__all__ = ["MachineReadings", "describe"]


def describe(readings: MachineReadings) -> tuple[Host, tuple[Unknown, ...]]:
    """Turn readings into facts. What is missing without a failure is absent, and that is a fact."""
    problems = list(readings.failures)
    cpu = describe_cpu(
        architecture=_text(readings.architecture),
        cpuinfo=_text(readings.cpuinfo),
        status=_text(readings.status),
        quotas=tuple(_text(quota) for quota in readings.quotas),
        problems=problems,
    )
    gpus, driver = describe_gpus(
        present=readings.nvidia_present,
        version=readings.nvidia_version,
        smi=readings.nvidia_smi,
        compute=readings.nvidia_compute,
        failed=tuple(where for where, _ in readings.failures),
        problems=problems,
    )
    host = Host(
        system=_text(readings.system).strip(),
        kernel=_text(readings.kernel).strip(),
        cpu=cpu,
        memory_bytes=_memory(_text(readings.meminfo), problems),
        gpus=gpus,
        driver=driver,
        virtualization=describe_virtualization(_text(readings.cpuinfo), _text(readings.product)),
    )
    unknowns = {Unknown(section="host", where=where, reason=reason) for where, reason in problems}
    return host, tuple(sorted(unknowns, key=lambda unknown: (unknown.where, unknown.reason)))


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")


def _memory(meminfo: str, problems: list[tuple[str, str]]) -> int:
    """MemTotal in bytes; 0 when it could not be told. The unit `kB` means 1024 (proc(5))."""
    found = re.search(r"^MemTotal:[ \t]*(\d{1,12}) kB", meminfo, re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    if meminfo:
        problems.append(("/proc/meminfo", "it has no MemTotal line"))
    return 0
