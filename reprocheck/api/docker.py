"""One connection to the engine that the user's docker context names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprocheck.api.outside import Outside
from reprocheck.engine.endpoint import Endpoint, connect, find_endpoint

if TYPE_CHECKING:
    from reprocheck.engine.endpoint import Client


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """A reachable engine."""

    client: Client
    endpoint: Endpoint

    @property
    def shares_our_disk(self) -> bool:
        """Whether host paths of the engine can be read here (a Unix socket, not a remote machine)."""
        return self.endpoint.url.startswith(("unix://", "http+unix://"))


@contextmanager
def docker_engine(outside: Outside) -> Iterator[Engine]:
    """Connect, and close the connection afterwards. Raises CouldNotRun (E_NO_DAEMON, E_DAEMON_PERMISSION)."""
    endpoint = find_endpoint(override=outside.docker_host, environ=outside.environ, home=outside.home)
    client = connect(endpoint, limits=outside.limits)
    try:
        yield Engine(client=client, endpoint=endpoint)
    finally:
        client.close()
