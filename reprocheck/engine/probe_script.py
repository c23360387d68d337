"""The script that reads a machine where reprocheck cannot run, and the machine facts in its result."""

from __future__ import annotations

import importlib.resources
from dataclasses import replace
from pathlib import Path

from reprocheck.engine.machine import read_machine
from reprocheck.engine.probe_result import ProbeResult
from reprocheck.engine.writing import create_private, make_private_directory, scratch_directory
from reprocheck.limits import Limits
from reprocheck.model.machine import MachineReadings

_PLACE = "@@SETTINGS@@"
_READ = ("/proc/", "/sys/")


def probe_script(settings: str) -> str:
    """Return the script, ready to be copied: one file of plain Python 3.6."""
    source = importlib.resources.files("reprocheck").joinpath("observer", "probe", "reprocheck_probe.py")
    return source.read_text(encoding="utf-8").replace(_PLACE, settings)


def probed_machine(result: ProbeResult, *, limits: Limits) -> MachineReadings:
    """Read the pseudo-files that the script brought as this machine's own are read. Raises CouldNotRun.

    They are laid out in a private scratch directory for that; their paths come from a foreign file and are
    used only where they are plain paths below /proc or /sys.
    """
    with scratch_directory() as root:
        for path, raw in sorted(result.machine.items()):
            parts = path.split("/")[1:]
            plain = all(
                part and part not in (".", "..") and "\0" not in part and len(part) < 256 for part in parts
            )
            if not path.startswith(_READ) or not plain or len(parts) > 16:
                continue
            target = Path(root, *parts)
            if target.exists():
                continue
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
