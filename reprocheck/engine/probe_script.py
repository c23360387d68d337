"""The script that reads a machine where reprocheck cannot run, and the machine facts in its result."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from reprocheck.engine.machine import read_machine
from reprocheck.engine.observer_parts import observer_script
from reprocheck.engine.probe_result import ProbeResult
from reprocheck.engine.writing import create_private, make_private_directory, scratch_directory
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.machine import MachineReadings

_PLACE = "@@SETTINGS@@"
_READ = ("/proc/", "/sys/")
_LONGEST, _DEEPEST = 256, 16


def probe_script(settings: str) -> str:
    """Return the script, ready to be copied: one file of plain Python 3.6."""
    return observer_script("probe").replace(_PLACE, settings)


def _is_plain(path: str) -> bool:
    """Whether a foreign text names a pseudo-file as the kernel does: printable ASCII, and not long."""
    parts = path.split("/")[1:]
    known = path.startswith(_READ) and len(path) < _LONGEST and path.isascii() and path.isprintable()
    return known and len(parts) <= _DEEPEST and all(part and part not in (".", "..") for part in parts)


def probed_machine(result: ProbeResult, *, limits: Limits) -> MachineReadings:
    """Read the pseudo-files that the script brought as this machine's own are read. Raises CouldNotRun.

    They are laid out in a private scratch directory for that; their paths come from a foreign file and are
    used only where they are plain paths below /proc or /sys.
    """
    with scratch_directory() as root:
        written: set[str] = set()
        for path, raw in sorted(result.machine.items()):
            if not _is_plain(path) or not written.isdisjoint(accumulate(path.split("/"), "{}/{}".format)):
                continue
            written.add(path)
            target = Path(root, path[1:])
            make_private_directory(str(target.parent))
            with create_private(str(target)) as file:
                file.write(raw)
        readings = read_machine(limits=limits, root=root, tools=False)
    return replace(
        readings,
        architecture=readings.architecture
        if "/proc/sys/kernel/arch" in result.machine
        else result.architecture.encode(),
        nvidia_smi=result.nvidia_smi,
        nvidia_compute=result.nvidia_compute,
        nvidia_present=readings.nvidia_present or result.nvidia_smi is not None,
    )
