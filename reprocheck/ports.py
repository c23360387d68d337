"""The protocols that the outside implements. The core knows the world only through these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from reprocheck.model.filetree import FileTree
from reprocheck.model.run import Change


class ContainerView(Protocol):
    """A file system that can be read without running anything in it."""

    @property
    def tree(self) -> FileTree:
        """Every path of it."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """Return a regular file's bytes; links in `path` are resolved inside the tree.

        Raises FileNotFoundError, IsADirectoryError, or `ViewError` when it is larger than `limit` bytes,
        was not retained, or cannot be read.
        """
        ...


class ViewError(Exception):
    """A file of a view cannot be given; becomes an Unknown, never an empty file."""


Wants = Callable[[str], bool]
"""Whether a collector will read this path: a stream is read once, so what is wanted is told beforehand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedMount:
    """A directory or file of this machine, handed into the run."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One execution, complete: everything that a runner needs and nothing that a manifest may not ask for."""

    image: str
    """Config digest; '' for the local engine."""
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    """Beyond what the image itself declares."""
    working_dir: str
    user: str
    network: Literal["none", "bridge"]
    nano_cpus: int | None
    memory_bytes: int | None
    shm_bytes: int | None
    gpus: str
    pids: int
    disk_bytes: int
    seconds: int
    mounts: tuple[PlannedMount, ...]
    outputs: tuple[str, ...]
    """Paths or globs of the files to read back."""
    read_only_root: bool = False
    directories: tuple[str, ...] = ()
    """Writable directories that must exist before the start: targets of the recorded run's output mounts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an execution ended. A time-out or a kill is not a result of the program."""

    exit_code: int | None
    oom_killed: bool = False
    timed_out: bool = False
    disk_exceeded: bool = False
    duration_ms: int = 0
    log_tail: str = ""


class OutputFile(Protocol):
    """One file that a finished run left, opened without following any link."""

    @property
    def name(self) -> str:
        """Path as the program knew it."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open for reading; seekable."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedOutput:
    """A path under a declared output that is not an ordinary file (link, FIFO, device, too large)."""

    name: str
    reason: str


class Finished(Protocol):
    """A run that has stopped and whose files can still be read."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        ...

    def outputs(self) -> Iterator[OutputFile | RefusedOutput]:
        """Files that match the plan's outputs, sorted by name."""
        ...

    def changes(self) -> tuple[Change, ...]:
        """Changes of the writable layer that are not outputs."""
        ...


LogSink = Callable[[bytes], None]
"""Receives the program's output as it comes."""


class Runner(Protocol):
    """Runs a plan. Leaving the context removes every trace: container, volume, temporary directory."""

    def run(self, plan: Plan, sink: LogSink) -> AbstractContextManager[Finished]:
        """Start, wait within the plan's limits, stop. Raises errors.CouldNotRun when it cannot be started."""
        ...
