"""Empty volumes for a run's output directories, writable for whatever user runs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from reprocheck.engine.docker_document import objects, text
from reprocheck.engine.docker_errors import translated
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.docker_traces import created, new_trace
from reprocheck.engine.sandbox import build_unstarted_config
from reprocheck.limits import Limits
from reprocheck.ports import Plan

if TYPE_CHECKING:
    from docker import APIClient

SHARED_DIRECTORY = "/var/tmp"  # noqa: S108 - of the image; nothing is written there
"""Empty, and mode 1777, in every common image (FHS 3.0, 5.15)."""


@contextmanager
def writable_volumes(
    client: APIClient, plan: Plan, *, limits: Limits, more: tuple[str, ...] = ()
) -> Iterator[Mapping[str, str]]:
    """Give volume names for the plan's directories, and `more`, when its user is not root, else nothing.

    A fresh volume belongs to root and is closed to others. The engine gives it the mode of the image's
    directory that it is first mounted on, so each is first mounted on one that everybody may write to, in a
    container that is never started; the volume goes with that container. Raises CouldNotRun.
    """
    names: dict[str, str] = {}
    with ExitStack() as stack:
        for directory in (*plan.directories, *more) if not _is_root(plan.user) else ():
            trace = new_trace("volume")
            config = build_unstarted_config(plan.image, labels=trace.labels, volume=SHARED_DIRECTORY)
            container = stack.enter_context(created(client, config, trace=trace, limits=limits))
            with translated("making an output directory"):
                document = document_at(client, f"/containers/{container}/json")
            for mount in objects(document, "Mounts"):
                if text(mount, "Destination") == SHARED_DIRECTORY:
                    names[directory] = text(mount, "Name")
        yield names


def _is_root(user: str) -> bool:
    return user.partition(":")[0] in ("", "0", "root")
