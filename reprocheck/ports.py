"""The protocols that the outside implements. The core knows the world only through these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Literal, Protocol

from reprocheck.model.base import Frozen
from reprocheck.model.filetree import FileTree
from reprocheck.model.library import LibraryFacts
from reprocheck.model.run import Change

Algorithm = Literal["sha256", "md5"]


class FileWindow(Protocol):
    """A file of which the beginning and the end can be read, the same through every source."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes; raises ViewError where they lie outside the windows or the file."""
        ...


class Files(Protocol):
    """Files and links that can be read without running anything."""

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


class ContainerView(Files, Protocol):
    """A file system of a target, with what can be told of files too large to be handed on."""

    def library(self, path: str) -> LibraryFacts:
        """Return what a shared object says of itself, as the view's `Interest` reads it.

        Raises FileNotFoundError, IsADirectoryError, or `ViewError` when it is no ELF file, was not asked for
        beforehand, or cannot be read.
        """
        ...

    def digests(self, wanted: Sequence[tuple[str, Algorithm]]) -> Iterator[str | ViewError]:
        """Give the hexadecimal digest of each regular file, or why there is none, in the given order.

        Links are resolved inside the tree. A stream must have been opened with `Interest.digests`.
        """
        ...


class ViewError(Exception):
    """A file of a view cannot be given; becomes an Unknown, never an empty file."""


Wants = Callable[[str], bool]
"""Whether a collector will read this path: a stream is read once, so what is wanted is told beforehand."""

ReadLibrary = Callable[[str, FileWindow], LibraryFacts]
"""Reads a shared object at an absolute path; raises ViewError when it is none."""


Spans = Callable[[bytes, int], tuple[tuple[int, int], ...]]
"""Which bytes (offset, length) of a file are looked at too, told by its first bytes and its size."""

SPANS_FROM = 64 * 1024
"""How many of the first bytes `Spans` is shown, if the window is not smaller."""


def nothing(_path: str) -> bool:
    """Want no path."""
    return False


def no_spans(_head: bytes, _size: int) -> tuple[tuple[int, int], ...]:
    """Name no further bytes."""
    return ()


def _no_library(_path: str, _window: FileWindow) -> LibraryFacts:
    raise ViewError("was not asked for")


class Interest(Frozen, frozen=True, kw_only=True):
    """What will be asked of a view, told before it is opened."""

    keep: Wants
    """Files whose bytes will be read."""
    library: Wants = nothing
    """Shared objects that `read_library` will look at."""
    read_library: ReadLibrary = _no_library
    library_spans: Spans = no_spans
    """Bytes that `read_library` asks for between the two windows of a large file; few and small."""
    digests: bool = False
    """Whether digests of any file will be asked for: a stream then hashes all of them as they go by."""


class PlannedMount(Frozen, frozen=True, kw_only=True):
    """A directory or file of this machine, handed into the run."""

    source: str
    target: str
    read_only: bool = True


class Plan(Frozen, frozen=True, kw_only=True):
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


class Outcome(Frozen, frozen=True, kw_only=True):
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


class RefusedOutput(Frozen, frozen=True, kw_only=True):
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
