"""Reads the raw facts of this machine: /proc, the cgroup, DMI and nvidia-smi.

Only what stays the same between two calls is read, and nothing that names the machine: no host name, serial
number, UUID or hardware address.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from reprocheck.engine.process import run_tool
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.machine import NVIDIA_COMPUTE, NVIDIA_SMI, MachineReadings

SMI_SECONDS = 30
"""A GPU that nvidia-smi has to wake up takes seconds; a hung driver never answers."""

_USUAL_PLACES = ("/usr/bin", "/usr/local/bin", "/bin", "/usr/lib/wsl/lib")
_NVIDIA = b"0x10de"
_DISPLAY_CLASS = b"0x03"

_Failures = list[tuple[str, str]]


def read_machine(
    *, limits: Limits, root: str = "/", environ: Mapping[str, str] | None = None
) -> MachineReadings:
    """Read this machine. `root` stands before /proc and /sys; nvidia-smi is looked for on `environ`'s PATH.

    Never raises for a machine that lacks something; a reading that failed is named in `failures`.
    """
    failures: _Failures = []
    base = Path(root)

    def read(path: str, *, needed: bool = False) -> bytes | None:
        return _read(base / path, f"/{path}", limits.record_file, failures, needed=needed)

    version = read("proc/driver/nvidia/version")
    smi, compute = _ask_nvidia_smi(environ, limits, failures)
    present = version is not None or _has_nvidia_display(base)
    if not present and smi is None:
        # A CUDA image on a machine without a GPU: the tool is there and has nothing to talk to.
        failures = [failure for failure in failures if failure[0] not in {NVIDIA_SMI, NVIDIA_COMPUTE}]
    return MachineReadings(
        system=read("proc/sys/kernel/ostype", needed=True),
        kernel=read("proc/sys/kernel/osrelease", needed=True),
        architecture=read("proc/sys/kernel/arch") or os.uname().machine.encode(),
        cpuinfo=read("proc/cpuinfo", needed=True),
        meminfo=read("proc/meminfo", needed=True),
        status=read("proc/self/status", needed=True),
        quotas=tuple(_quotas(base, limits.record_file)),
        product=read("sys/class/dmi/id/product_name"),
        nvidia_present=present,
        nvidia_version=version,
        nvidia_smi=smi,
        nvidia_compute=compute,
        failures=tuple(failures),
    )


def _read(path: Path, where: str, limit: int, failures: _Failures, *, needed: bool) -> bytes | None:
    """Read a small pseudo-file, whose size is only known by reading it."""
    try:
        raw = _read_pieces(path, limit)
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


def _read_pieces(path: Path, limit: int) -> bytes:
    """Read at most one byte more than `limit`. For /proc/sys the kernel allocates what one read asks for."""
    pieces: list[bytes] = []
    left = limit + 1
    with path.open("rb", buffering=0) as file:
        while left > 0 and (piece := file.read(min(left, 65536))):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)


def _quotas(base: Path, limit: int) -> Iterator[bytes]:
    """`QUOTA PERIOD` of our cgroup and every parent that can be seen, versions 1 and 2 (cgroups(7)).

    Inside a container /proc/self/cgroup may name the group as the host sees it while the mount starts at our
    own group; then only the mount's root exists, and that is ours.
    """
    table = _read(base / "proc/self/cgroup", "", limit, [], needed=False) or b""
    for line in table.decode("utf-8", "surrogateescape").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = (
            ("sys/fs/cgroup",) if not controllers else (f"sys/fs/cgroup/{controllers}", "sys/fs/cgroup/cpu")
        )
        for directory in _upwards(base, mounts, group):
            quota = _read(directory / "cpu.max", "", limit, [], needed=False)
            if quota is None:
                quota = _read(directory / "cpu.cfs_quota_us", "", limit, [], needed=False)
                period = _read(directory / "cpu.cfs_period_us", "", limit, [], needed=False)
                quota = None if quota is None else quota.strip() + b" " + (period or b"").strip()
            if quota is not None:
                yield quota.strip()


def _upwards(base: Path, mounts: tuple[str, ...], group: str) -> Iterator[Path]:
    parts = [part for part in group.split("/") if part]
    if ".." in parts:  # a group above our namespace's root is not visible
        parts = []
    mount = next((base / name for name in mounts if (base / name).is_dir()), None)
    if mount is not None:
        for count in range(len(parts), -1, -1):
            yield mount.joinpath(*parts[:count])


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
