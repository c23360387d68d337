"""What the processes of a run really loaded, as against what is only installed."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Name, Value

Sight = Literal["hook", "maps", "both"]
"""`hook`: the process reported by itself; `maps`: sampled from /proc/PID/maps; `both`."""


class LoadedLibrary(Value, frozen=True, kw_only=True):
    """A shared object that was mapped into at least one process of the run."""

    path: Name
    """Real path inside the target."""
    soname: str = ""
    build_id: str = ""
    """GNU build id in hexadecimal, '' when the file has none."""
    sha256: str = ""
    """'' when the file could not be read any more."""
    kind: str = ""
    """As in `NativeLibrary.kind`, '' for a library that no numbers are known to come from."""
    owner: str = ""
    """purl of the package that installed it, '' when none claims it."""
    origin: Literal["image", "host", "mount", "run", "unknown"] = "unknown"
    """`host`: injected from the machine (the driver's user-mode libraries); `run`: written by the run."""
    processes: Count = 1
    """In how many observed processes."""


class ImportedModule(Value, frozen=True, kw_only=True):
    """A top-level Python module that was imported."""

    name: Name
    distribution: str = ""
    """Name of the distribution that it came from, '' for the standard library and for code of the run."""
    version: str = ""
    """Version of that distribution, as its metadata in force says."""
    path: str = ""
    processes: Count = 1


class StateFlag(Value, frozen=True, kw_only=True):
    """One setting inside a process that bears on determinism, as it was when the process ended."""

    name: Name
    """`torch.are_deterministic_algorithms_enabled`, `torch.backends.cudnn.benchmark`, ..."""
    value: str
    process: Count = 0
    """Index into `Loaded.processes`."""


class ObservedProcess(Value, frozen=True, kw_only=True):
    """One process of the run. Process numbers are not recorded: they differ from run to run."""

    executable: str
    """Real path, '' when it could not be read."""
    python: str = ""
    """`sys.version_info` of a Python process as `3.11.2`, '' for others."""
    seen: Sight


class Loaded(Value, frozen=True, kw_only=True):
    """What `run --observe` or `snapshot --probe` saw."""

    observer: str
    """What observed: `reprocheck hook 1`, `/proc maps`; part of the record since it took part in the run."""
    processes: tuple[ObservedProcess, ...]
    libraries: tuple[LoadedLibrary, ...]
    """Sorted by path."""
    modules: tuple[ImportedModule, ...] = ()
    """Sorted by name and path."""
    state: tuple[StateFlag, ...] = ()
    """Sorted by process and name."""
