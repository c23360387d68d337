"""The machine, for people."""

from __future__ import annotations

from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.render.blocks import Row, block
from reprocheck.render.style import Style
from reprocheck.render.wording import plural, size


def machine(host: Host, style: Style, *, everything: bool) -> str:
    """One screen part: processor, memory, kernel, accelerators."""
    rows: list[Row] = [("name", host.name)] if host.name else []
    rows.append(("cpu", _cpu(host.cpu)))
    if everything:
        rows.append(("features", " ".join(host.cpu.features)))
    memory = size(host.memory_bytes)
    if host.memory_limit_bytes is not None:
        memory += f", of which the cgroup allows {size(host.memory_limit_bytes)}"
    rows.append(("memory", memory))
    if len(host.numa) > 1:
        rows.append(("numa", plural(len(host.numa), "node")))
        if everything:
            rows += [
                ("", f"node {n.index}: CPUs {n.cpus or 'none'}, {size(n.memory_bytes)}") for n in host.numa
            ]
    rows.append(("kernel", f"{host.system} {host.kernel}"))
    if host.virtualization:
        rows.append(("virtual", host.virtualization))
    rows += [("gpu", _gpu(gpu)) for gpu in host.gpus] or [("gpu", "none")]
    if host.driver:
        rows += _driver(host.driver)
    return block("Machine", rows, style)


def _cpu(cpu: Cpu) -> str:
    counts = [f"{cpu.allowed} of {cpu.logical} CPUs"]
    if cpu.cores:
        counts.append(f"{plural(cpu.cores, 'core')} on {plural(cpu.sockets, 'socket')}")
    if cpu.quota_millicpus is not None:
        counts.append(f"limited to {cpu.quota_millicpus / 1000:g}")
    parts = (cpu.model, cpu.level, f"({', '.join(counts)})")
    microcode = f"microcode {cpu.microcode}" if cpu.microcode else ""
    return " ".join(part for part in (*parts, microcode) if part)


def _gpu(gpu: Gpu) -> str:
    told = [
        f"compute capability {gpu.compute_capability}" if gpu.compute_capability else "",
        size(gpu.memory_mib << 20) if gpu.memory_mib else "",
        f"MIG {gpu.mig}" if gpu.mig else "",
        f"ECC {gpu.ecc}" if gpu.ecc else "",
        f"persistence {gpu.persistence}" if gpu.persistence else "",
    ]
    return ", ".join([gpu.name, *(part for part in told if part)])


def _driver(driver: Driver) -> list[Row]:
    """CUDA's newest version that a driver supports is no installed one, and the row says so."""
    text = driver.version
    if driver.cuda_maximum:
        text += f", supports CUDA up to {driver.cuda_maximum}"
    rows = [("driver", text)]
    if driver.user_mode and driver.user_mode != driver.version:
        rows.append(("driver", f"its user-mode library is {driver.user_mode}"))
    rows += [("driver", f"{claim.source} says {claim.version}") for claim in driver.others]
    return rows
