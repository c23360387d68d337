"""The machine: what /proc, /sys, the cgroup, DMI, NVML and nvidia-smi say, as one `Host`."""

from __future__ import annotations

import re

from reprocheck.collect.nvidia import describe_gpus
from reprocheck.collect.processor import describe_cpu, describe_virtualization
from reprocheck.model.host import Host, NumaNode
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
        topology=tuple((_text(threads), _text(cores)) for threads, cores in readings.topology),
        problems=problems,
    )
    gpus, driver = describe_gpus(
        present=readings.nvidia_present,
        version=readings.nvidia_version,
        smi=readings.nvidia_smi,
        compute=readings.nvidia_compute,
        nvml=readings.nvml,
        libcuda=readings.libcuda,
        libnvidia_ml=readings.libnvidia_ml,
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
        memory_limit_bytes=_memory_limit(readings.memory_limits, problems),
        numa=_numa(readings.numa, problems),
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


_NO_LIMIT = 1 << 62
"""cgroup version 1 writes the largest page-aligned number for no limit: 2^63 - 4096 with pages of 4 KiB."""


def _memory_limit(limits: tuple[bytes, ...], problems: list[tuple[str, str]]) -> int | None:
    """The tightest limit of the cgroup and its parents in bytes, None when there is none."""
    found: list[int] = []
    for raw in limits:
        text = _text(raw).strip()
        if text == "max":
            continue
        if not re.fullmatch(r"[0-9]{1,20}", text, re.ASCII):
            problems.append(("cgroup memory limit", f"it reads {text[:40]!r}"))
            continue
        if int(text) < _NO_LIMIT:
            found.append(int(text))
    return min(found, default=None)


def _numa(
    nodes: tuple[tuple[int, bytes, bytes], ...], problems: list[tuple[str, str]]
) -> tuple[NumaNode, ...]:
    """Nodes that have CPUs or memory, by number."""
    found = []
    for index, cpus, meminfo in sorted(nodes):
        where = f"/sys/devices/system/node/node{index}"
        text, listed = _text(meminfo), _text(cpus).strip()
        total = re.search(r"\bMemTotal:[ \t]*(\d{1,12}) kB", text)
        if text and total is None:
            problems.append((f"{where}/meminfo", "it has no MemTotal line"))
        if not re.fullmatch(r"[0-9,-]{0,65536}", listed, re.ASCII):
            problems.append((f"{where}/cpulist", f"it reads {listed[:40]!r}"))
            listed = ""
        memory = int(total[1]) * 1024 if total else 0
        if listed or memory:
            found.append(NumaNode(index=index, cpus=listed, memory_bytes=memory))
    return tuple(found)
