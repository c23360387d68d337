"""Every budget of size, count and time in one frozen value, scaled by one flag.

The defaults and the one-knob design follow diffoci's ``--max-scale``. A hit is an error that names the
limit and the flag; nothing is ever cut silently.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_FLOORS = frozenset({"json_depth", "json_string", "processes"})
"""Below these no document of ours or of an engine would pass, and no program would start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Budgets. Sizes are bytes, times are seconds."""

    manifest_bytes: int = 128 * MIB
    """A manifest of 100,000 packages and 20,000 distributions has 57 MB."""
    json_depth: int = 64
    json_string: int = 64 * KIB
    image_stream: int = 32 * GIB
    tar_members: int = 2_000_000
    tar_header: int = 1 * MIB
    retained_file: int = 64 * MIB
    retained_total: int = 512 * MIB
    library_window: int = 32 * MIB
    """Of a native library the first and the last so many bytes are looked at, whatever the source."""
    library_whole: int = 64 * MIB
    """Up to this size a native library is hashed and searched for version strings."""
    libraries: int = 50_000
    integrity_files: int = 5_000_000
    integrity_faults: int = 100_000
    hub_files: int = 200_000
    data_listed: int = 1_000
    """Files of one `--data`; above it they are listed in a side file."""
    git_seconds: int = 120
    git_output: int = 256 * MIB
    labels: int = 256
    observed_processes: int = 4_096
    observed_modules: int = 50_000
    hook_report: int = 16 * MIB
    probe_bytes: int = 1 * GIB
    cache_bytes: int = 1 * GIB
    metadata_file: int = 1 * MIB
    record_file: int = 16 * MIB
    packages: int = 200_000
    variables: int = 20_000
    variable_bytes: int = 32 * KIB
    graph_edges: int = 1_000_000
    inputs_files: int = 5_000_000
    outputs: int = 10_000
    output_bytes: int = 64 * GIB
    outputs_bytes: int = 256 * GIB
    tensor_header: int = 16 * MIB
    tensors: int = 200_000
    zip_entries: int = 10_000
    zip_ratio: int = 200
    document_bytes: int = 64 * MIB
    child_stdout: int = 64 * MIB
    connect_seconds: int = 5
    idle_seconds: int = 30
    syft_packages: int = 20_000
    """syft 1.18.1 takes 6 s for 10,000 dpkg packages, 16 s for 25,000 and 40 s for 50,000."""
    snapshot_seconds: int = 600
    syft_seconds: int = 300
    run_seconds: int = 3_600
    stop_seconds: int = 10
    run_disk: int = 64 * GIB
    processes: int = 1024
    """Of one run, threads included: torch data loaders need more than the usual 100."""

    def scaled(self, factor: float) -> Limits:
        """Return the same budgets, each multiplied by `factor` (`--limit-scale`).

        A factor below 1 leaves the shape of JSON and the number of processes alone.
        """
        names = [f.name for f in fields(self) if factor > 1 or f.name not in _FLOORS]
        return replace(self, **{name: max(1, int(getattr(self, name) * factor)) for name in names})


DEFAULT = Limits()
