"""Reads the raw facts of this machine: /proc, /sys, the cgroup, DMI, NVML and nvidia-smi.

Only what stays the same between two calls is read, and nothing that names the machine: no serial number, UUID
or hardware address, and not its name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from reprocheck.engine.cgroup import cpu_quotas, memory_limits
from reprocheck.engine.loader_cache import library_file
from reprocheck.engine.nvml import LIBRARY as NVML_LIBRARY
from reprocheck.engine.nvml import NVML, ask_nvml
from reprocheck.engine.process import run_tool
from reprocheck.engine.pseudo_file import read_pieces
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.machine import NVIDIA_COMPUTE, NVIDIA_SMI, MachineReadings, NvmlReading

SMI_SECONDS = 30
"""A GPU that nvidia-smi has to wake up takes seconds; a hung driver never answers."""

_USUAL_PLACES = ("/usr/bin", "/usr/local/bin", "/bin", "/usr/lib/wsl/lib")
_NVIDIA = b"0x10de"
_DISPLAY_CLASS = b"0x03"

_Failures = list[tuple[str, str]]


def read_machine(
    *,
    limits: Limits,
    root: str = "/",
    environ: Mapping[str, str] | None = None,
    tools: bool = True,
) -> MachineReadings:
    """Read this machine. `root` stands before /proc and /sys; nvidia-smi is looked for on `environ`'s PATH.

    NVML is asked first and nvidia-smi only where that tells no GPU, and neither without `tools`. Never raises
    for a machine that lacks something; a reading that failed is named in `failures`.
    """
    failures: _Failures = []
    base = Path(root)
    limit = limits.record_file

    def read(path: str, *, needed: bool = False) -> bytes | None:
        return _read(base / path, f"/{path}", limit, failures, needed=needed)

    version = read("proc/driver/nvidia/version")
    libraries = {name: library_file(base, name, limit) for name in ("libcuda.so.1", NVML_LIBRARY)}
    nvml = _ask_nvml(root, environ, libraries[NVML_LIBRARY], failures) if tools else None
    smi: bytes | None = None
    compute: bytes | None = None
    if tools and not (nvml and nvml.gpus):
        smi, compute = _ask_nvidia_smi(environ, limits, failures)
    present = version is not None or _has_nvidia_display(base) or bool(nvml and nvml.gpus)
    if not present and smi is None:
        # A CUDA image on a machine without a GPU: the tools are there and have nothing to talk to.
        absent = {NVIDIA_SMI, NVIDIA_COMPUTE, NVML}
        failures = [failure for failure in failures if failure[0] not in absent]
    cpuinfo = read("proc/cpuinfo", needed=True)
    return MachineReadings(
        system=read("proc/sys/kernel/ostype", needed=True),
        kernel=read("proc/sys/kernel/osrelease", needed=True),
        architecture=read("proc/sys/kernel/arch") or os.uname().machine.encode(),
        cpuinfo=cpuinfo,
        meminfo=read("proc/meminfo", needed=True),
        status=read("proc/self/status", needed=True),
        quotas=tuple(cpu_quotas(base, limit)),
        product=read("sys/class/dmi/id/product_name"),
        nvidia_present=present,
        nvidia_version=version,
        nvidia_smi=smi,
        nvidia_compute=compute,
        nvml=nvml,
        memory_limits=tuple(memory_limits(base, limit)),
        numa=tuple(_numa(base, limit)),
        topology=tuple(_topology(base, limit)) if b"physical id" not in (cpuinfo or b"") else (),
        libcuda=libraries["libcuda.so.1"],
        libnvidia_ml=libraries[NVML_LIBRARY],
        failures=tuple(failures),
    )


def _ask_nvml(
    root: str, environ: Mapping[str, str] | None, library: str, failures: _Failures
) -> NvmlReading | None:
    """Ask NVML where its library can be there at all: importing its binding costs more than looking."""
    if root != "/":  # the library speaks of this machine, whatever stands before /proc
        return None
    places = (environ or {}).get("LD_LIBRARY_PATH", "").split(os.pathsep)
    if not library and not any(Path(place, NVML_LIBRARY).exists() for place in places if place):
        return None
    return ask_nvml(failures)


def _read(path: Path, where: str, limit: int, failures: _Failures, *, needed: bool) -> bytes | None:
    """Read a small pseudo-file, whose size is only known by reading it."""
    try:
        raw = read_pieces(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        if needed:
            failures.append((where, "it does not exist"))
        return None
    except OSError as error:
        failures.append((where, f"it cannot be read: {error.strerror}"))
        return None
    if len(raw) > limit:
        failures.append((where, f"it is longer than {limit} bytes"))
        return None
    return raw


def _numbered(directory: Path, name: str) -> list[tuple[int, Path]]:
    """Entries such as node0, node1, ... by number."""
    try:
        entries = list(directory.iterdir())
    except OSError:
        return []
    found = [(re.fullmatch(rf"{name}([0-9]{{1,6}})", entry.name), entry) for entry in entries]
    return sorted((int(match[1]), entry) for match, entry in found if match is not None)


def _numa(base: Path, limit: int) -> Iterator[tuple[int, bytes, bytes]]:
    for index, node in _numbered(base / "sys/devices/system/node", "node"):
        cpus = _read(node / "cpulist", "", limit, [], needed=False)
        yield index, cpus or b"", _read(node / "meminfo", "", limit, [], needed=False) or b""


def _topology(base: Path, limit: int) -> Iterator[tuple[bytes, bytes]]:
    for _, cpu in _numbered(base / "sys/devices/system/cpu", "cpu"):
        threads = _read(cpu / "topology/thread_siblings_list", "", limit, [], needed=False)
        cores = _read(cpu / "topology/core_siblings_list", "", limit, [], needed=False)
        if threads and cores:
            yield threads, cores


def _has_nvidia_display(base: Path) -> bool:
    """Whether the PCI bus holds a display controller of NVIDIA (vendor 0x10de, class 0x03xxxx)."""
    try:
        devices = sorted((base / "sys/bus/pci/devices").iterdir())
    except OSError:
        return False
    for device in devices:
        vendor = _read(device / "vendor", "", 64, [], needed=False) or b""
        kind = _read(device / "class", "", 64, [], needed=False) or b""
        if vendor.strip() == _NVIDIA and kind.startswith(_DISPLAY_CLASS):
            return True
    return False


def find_nvidia_smi(environ: Mapping[str, str] | None) -> str | None:
    """Find nvidia-smi on PATH or in the usual places; relative entries of PATH are ignored."""
    path = (environ or {}).get("PATH", "")
    places = [place for place in (*path.split(os.pathsep), *_USUAL_PLACES) if place.startswith("/")]
    return shutil.which(NVIDIA_SMI, path=os.pathsep.join(places))


def _ask_nvidia_smi(
    environ: Mapping[str, str] | None, limits: Limits, failures: _Failures
) -> tuple[bytes | None, bytes | None]:
    binary = find_nvidia_smi(environ)
    if binary is None:
        return None, None
    log = _run(binary, ("-q", "-x"), NVIDIA_SMI, limits, failures)
    if log is None:
        return None, None
    query = ("--query-gpu=pci.bus_id,compute_cap", "--format=csv,noheader")
    return log, _run(binary, query, NVIDIA_COMPUTE, limits, failures)


def _run(
    binary: str, arguments: tuple[str, ...], where: str, limits: Limits, failures: _Failures
) -> bytes | None:
    try:
        result = run_tool(
            (binary, *arguments),
            seconds=SMI_SECONDS,
            stdout_limit=limits.child_stdout,
            environ={"PATH": os.pathsep.join(_USUAL_PLACES), "LANG": "C.UTF-8"},
            cwd="/",
        )
    except CouldNotRun as error:
        failures.append((where, error.message))
        return None
    if result.timed_out:
        failures.append((where, f"it did not answer within {SMI_SECONDS} seconds"))
        return None
    if result.returncode != 0:
        # Its reason stands on standard output ("Failed to initialize NVML: Driver/library version mismatch").
        said = (result.stdout.strip() or result.stderr.strip()).decode("utf-8", "replace")
        first = said.splitlines()[0][:200] if said else "no message"
        failures.append((where, f"it failed with status {result.returncode}: {first}"))
        return None
    return result.stdout
