"""What was read of the processes of a run, raw: the hook's reports, and samples of /proc/PID/maps."""

from __future__ import annotations

from reprocheck.model.base import Frozen
from reprocheck.model.library import LibraryFacts


class MappedFile(Frozen, frozen=True, kw_only=True):
    """A file that a process has mapped to execute from."""

    path: str
    """As the process would name it."""
    mount: str = "/"
    """The innermost mount point of that process which holds it."""
    gone: bool = False
    """Deleted or replaced since it was mapped."""


class SampledProcess(Frozen, frozen=True, kw_only=True):
    """One program in one process, as /proc showed it."""

    pid: int
    """Number in its own PID namespace, which is the number that it knows itself by."""
    started: int
    """Ticks since the machine's boot (proc_pid_stat(5), field 22); with `pid` it names a process for good."""
    executable: str
    files: tuple[MappedFile, ...]
    """Sorted by path."""


class Sighting(Frozen, frozen=True, kw_only=True):
    """Everything that was seen of the processes of one run or container."""

    hooked: bool
    """Whether Python processes were given the hook."""
    reports: tuple[bytes, ...] = ()
    """JSON of the hook: foreign, and up to `limits.hook_report` bytes each."""
    starts: tuple[tuple[int, str], ...] = ()
    """(process number, executable) of each Python that started with the hook and never reported."""
    faults: tuple[tuple[str, str], ...] = ()
    """(what, why) of reports that could not be read."""
    sampled: bool = False
    """Whether all processes could be looked at from outside."""
    unsampled: str = ""
    """Why not, in words that end a sentence."""
    processes: tuple[SampledProcess, ...] = ()
    facts: tuple[tuple[str, LibraryFacts], ...] = ()
    """Of mapped files that the environment's own files do not show: from mounts, or written by the run."""
    written: tuple[str, ...] = ()
    """Paths of mapped files that lay in the container's writable layer or the run's workspace."""
    mounts: tuple[str, ...] = ()
    """Mount points that the run was given by its configuration."""
    workspace: tuple[str, ...] = ()
    """Directories of this machine that a local run had to itself, absolute; their names are chance."""


HOOK_PLACE = "/.reprocheck"
"""Where a container has what belongs to the observation."""

ENGINE_PROGRAMS = frozenset(
    {"/sbin/docker-init", "/usr/sbin/docker-init", "/dev/init", "/run/podman-init", "/usr/bin/catatonit"}
)
"""Inits that the engine itself puts into a container."""
