"""What the use cases need to know of the process they run in; passed in, never read in the core."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from reprocheck.engine.store import Store, state_directory
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import Frozen, field

if TYPE_CHECKING:
    from reprocheck.engine.docker import DockerEngine


def no_progress(_message: str) -> None:
    """Say nothing."""


class Outside(Frozen, frozen=True, kw_only=True):
    """Environment, places and budgets of one call."""

    environ: Mapping[str, str]
    home: str
    directory: str
    """Working directory, for relative paths."""
    docker_host: str | None = None
    limits: Limits = field(default=DEFAULT)
    use_cache: bool = False
    """Whether what was seen in images is kept in the user's cache, and taken from there."""
    progress: Callable[[str], None] = no_progress
    now: Callable[[], str] | None = None
    """RFC 3339 UTC clock, only with `--timings`."""

    def docker_engine(self, *, podman: bool = False) -> AbstractContextManager[DockerEngine]:
        """Connect to the engine of the user's docker context, or to `podman`. Raises CouldNotRun."""
        from reprocheck.engine.docker import docker_engine

        return docker_engine(
            override=self.docker_host,
            environ=self.environ,
            home=self.home,
            limits=self.limits,
            podman=podman,
        )

    def store(self) -> Store:
        """Give this user's store of recorded outputs and written manifests."""
        return Store(state_directory(self.environ))

    def absolute(self, path: str) -> str:
        """Make a path that the user typed absolute."""
        return os.path.normpath(os.path.join(self.directory, os.path.expanduser(path)))
