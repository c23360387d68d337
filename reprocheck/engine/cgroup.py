"""The limits of our control group and of every parent that can be seen, versions 1 and 2 (cgroups(7)).

Inside a container /proc/self/cgroup may name the group as the host sees it while the mount starts at our own
group; then only the mount's root exists, and that is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reprocheck.engine.pseudo_file import read_if_there


def cpu_quotas(base: Path, limit: int) -> Iterator[bytes]:
    """Give `QUOTA PERIOD` in microseconds of each group, ours first; version 1 in the form of version 2."""
    for directory in _groups(base, "cpu", limit):
        quota = read_if_there(directory / "cpu.max", limit)
        if quota is None:
            quota = read_if_there(directory / "cpu.cfs_quota_us", limit)
            period = read_if_there(directory / "cpu.cfs_period_us", limit)
            quota = None if quota is None else quota.strip() + b" " + (period or b"").strip()
        if quota is not None:
            yield quota.strip()


def memory_limits(base: Path, limit: int) -> Iterator[bytes]:
    """Give the memory limit in bytes of each group, ours first; `max` or a huge number for none."""
    for directory in _groups(base, "memory", limit):
        for name in ("memory.max", "memory.limit_in_bytes"):
            raw = read_if_there(directory / name, limit)
            if raw is not None:
                yield raw.strip()
                break


def _groups(base: Path, controller: str, limit: int) -> Iterator[Path]:
    """Directories of our groups for one controller, each followed by its parents."""
    table = read_if_there(base / "proc/self/cgroup", limit) or b""
    for line in table.decode("utf-8", "surrogateescape").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        mounts = (
            (f"sys/fs/cgroup/{controllers}", f"sys/fs/cgroup/{controller}")
            if controllers
            else ("sys/fs/cgroup",)
        )
        yield from _upwards(base, mounts, group)


def _upwards(base: Path, mounts: tuple[str, ...], group: str) -> Iterator[Path]:
    parts = [part for part in group.split("/") if part]
    if ".." in parts:  # a group above our namespace's root is not visible
        parts = []
    mount = next((base / name for name in mounts if (base / name).is_dir()), None)
    if mount is not None:
        for count in range(len(parts), -1, -1):
            yield mount.joinpath(*parts[:count])
