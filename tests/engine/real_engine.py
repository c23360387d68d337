"""Plans for the machine's own engine and the small fixture image, and a look at what was left there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprocheck.engine.docker_inspect import ImageFacts, inspect_image
from reprocheck.engine.docker_runner import DockerRunner
from reprocheck.engine.endpoint import connect, find_endpoint
from reprocheck.limits import DEFAULT, Limits
from reprocheck.ports import Outcome, Plan
from tests.engine.plans import make_plan

if TYPE_CHECKING:
    from docker import APIClient

SMALL = "reprocheck-fixture/small-a"
LIMITS = Limits(stop_seconds=1)


@contextmanager
def connected() -> Iterator[APIClient]:
    """A client of this machine's engine; nothing of this process may be left there afterwards."""
    endpoint = find_endpoint(override=None, environ=os.environ, home=os.environ.get("HOME", "/"))
    client = connect(endpoint, limits=DEFAULT)
    yield client
    assert leftovers(client, os.getpid()) == []
    client.close()


@contextmanager
def image_with_volume(client: APIClient) -> Iterator[ImageFacts]:
    """The small image with a volume declared at /vol."""
    base = client.create_container(SMALL, command=["true"], use_config_proxy=False)
    made = client.commit(base, changes=['VOLUME ["/vol"]'])["Id"]
    client.remove_container(base, v=True)
    yield inspect_image(client, made)
    client.remove_image(made, force=True)


def leftovers(client: APIClient, pid: int) -> list[str]:
    """Containers that the process `pid` made and that are still there."""
    found = client.containers(all=True, filters={"label": f"io.reprocheck.pid={pid}"})
    return [str(container["Names"]) for container in found]


def plan(image: ImageFacts, *argv: str, **changed: Any) -> Plan:
    """Plan to run `argv` in half a GiB of memory, but for what is named (see `make_plan`)."""
    return make_plan(*argv, **{"image": image.id, "memory_bytes": 1 << 29, **changed})


def run(client: APIClient, wanted: Plan, limits: Limits = LIMITS) -> tuple[Outcome, str]:
    """Run to the end; gives how it ended and everything it said."""
    said = bytearray()
    with DockerRunner(client, limits=limits).run(wanted, said.extend) as finished:
        return finished.outcome, said.decode()


def volumes(client: APIClient) -> set[str]:
    return {str(volume["Name"]) for volume in client.volumes()["Volumes"] or []}
