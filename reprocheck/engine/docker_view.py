"""The files of an image or a container, without running anything in it.

Where this process sees the overlay directories as the kernel does, they are read in place; elsewhere one
export is streamed, of an image through a container that is created and never started. Nothing is ever copied
into a container, and a running container is neither paused nor signalled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from reprocheck.engine.docker_inspect import ContainerFacts, ImageFacts
from reprocheck.engine.docker_stream import streamed
from reprocheck.engine.docker_traces import created, new_trace
from reprocheck.engine.endpoint import shares_files
from reprocheck.engine.export import read_export
from reprocheck.engine.overlay import NOT_MERGED, layers_readable, open_overlay
from reprocheck.engine.sandbox import build_unstarted_config
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.ports import ContainerView, Interest

if TYPE_CHECKING:
    from docker import APIClient

Reader = Literal["overlay", "export"]


@contextmanager
def open_image(
    client: APIClient, facts: ImageFacts, *, interest: Interest, limits: Limits, prefer_export: bool = False
) -> Iterator[tuple[ContainerView, Reader]]:
    """Give the files of an image, and how they were read.

    Raises CouldNotRun: E_STREAM_STALLED, E_STREAM_SLOW, E_DAEMON_LOST, E_ENGINE_REFUSED, E_LIMIT; InputFault
    for a hostile stream. The container of an export is removed before the view is given.
    """
    view = None if prefer_export else _overlay(client, facts.layers, interest, limits)
    if view is not None:
        yield view, "overlay"
        return
    trace = new_trace("export")
    config = build_unstarted_config(facts.id, labels=trace.labels)
    with created(client, config, trace=trace, limits=limits) as identifier:
        exported = _export(
            client, identifier, interest=interest, limits=limits, where="the export of the image"
        )
    yield exported, "export"


@contextmanager
def open_container(
    client: APIClient,
    facts: ContainerFacts,
    *,
    interest: Interest,
    limits: Limits,
    prefer_export: bool = False,
) -> Iterator[tuple[ContainerView, Reader]]:
    """Give the files of a container as they are now, its writable layer included, mounts left out.

    Raises what `open_image` raises.
    """
    view = None if prefer_export else _overlay(client, facts.layers, interest, limits)
    if view is not None:
        yield view, "overlay"
        return
    where = "the export of the container"
    yield _export(client, facts.id, interest=interest, limits=limits, where=where), "export"


def _overlay(
    client: APIClient, layers: tuple[str, ...], interest: Interest, limits: Limits
) -> ContainerView | None:
    if not shares_files(client) or not layers_readable(layers):
        return None
    try:
        return open_overlay(layers, interest=interest, limits=limits)
    except CouldNotRun as error:
        if error.code in NOT_MERGED:
            return None
        raise


def _export(
    client: APIClient, identifier: str, *, interest: Interest, limits: Limits, where: str
) -> ContainerView:
    path = f"/containers/{identifier}/export"
    with streamed(client, path, parameters={}, limits=limits, what=f"reading {where}") as read:
        return read_export(read, interest=interest, limits=limits, where=where)
