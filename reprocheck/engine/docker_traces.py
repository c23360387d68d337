"""What we leave on an engine, and that it goes again: containers of ours, named, labelled, removed."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprocheck.engine.docker_document import text
from reprocheck.engine.docker_errors import status_of, translated
from reprocheck.engine.docker_stream import document_at
from reprocheck.engine.interrupts import interrupts_deferred
from reprocheck.errors import CouldNotRun, ReprocheckError
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen

if TYPE_CHECKING:
    from docker import APIClient

LABEL = "io.reprocheck.run"
_PAUSE = 0.2


class Trace(Frozen, frozen=True, kw_only=True):
    """The name and labels of one container of ours; unique, so that it can be removed without its id."""

    name: str
    labels: Mapping[str, str]


def new_trace(purpose: str) -> Trace:
    """Make a fresh name; `purpose` is `run`, `export` or `volume`."""
    run = uuid.uuid4().hex
    labels = {LABEL: run, "io.reprocheck.pid": str(os.getpid()), "io.reprocheck.purpose": purpose}
    return Trace(name=f"reprocheck-{purpose}-{run}", labels=labels)


@contextmanager
def created(
    client: APIClient, config: Mapping[str, object], *, trace: Trace, limits: Limits
) -> Iterator[str]:
    """Create a container from the whole request body `config`; it is killed and removed on every way out.

    Gives its id. Raises CouldNotRun as `translated` does, and E_LEFT_BEHIND when it cannot be removed after
    everything else went well; on another error the hint then says what to remove.
    """
    patience = 0.0
    try:
        try:
            with interrupts_deferred(), translated("creating a container"):
                answer = document_at(
                    client,
                    "/containers/create",
                    method="POST",
                    parameters={"name": trace.name},
                    body=config,
                )
            identifier = text(answer, "Id")
        except CouldNotRun as error:
            # The engine may still be at it when we stop waiting for its answer.
            patience = limits.stop_seconds if error.code == "E_STREAM_STALLED" else 0.0
            raise
        yield identifier
    except ReprocheckError as error:
        if not _remove(client, trace.name, limits, patience=patience):
            error.hint = f"{error.hint} Then remove what was left: docker rm --force --volumes {trace.name}"
        raise
    except BaseException:
        _remove(client, trace.name, limits, patience=patience)
        raise
    else:
        if not _remove(client, trace.name, limits, patience=0.0):
            raise CouldNotRun(
                "E_LEFT_BEHIND",
                f"the container {trace.name} could not be removed",
                hint=f"Remove it: docker rm --force --volumes {trace.name}",
            )


def _remove(client: APIClient, name: str, limits: Limits, *, patience: float) -> bool:
    """Kill and remove with its anonymous volumes; whether it is gone.

    A container that is not there yet is waited for during `patience` seconds.
    """
    with interrupts_deferred():
        start = time.monotonic()
        while True:
            waited = time.monotonic() - start
            gone = _remove_once(client, name)
            if gone and waited >= patience:
                return True
            if not gone and waited >= limits.stop_seconds:
                return False
            time.sleep(_PAUSE)


def _remove_once(client: APIClient, name: str) -> bool:
    from docker.errors import DockerException
    from requests import RequestException

    try:
        client.remove_container(name, v=True, force=True)
    except (DockerException, RequestException, OSError) as error:
        # 409: a removal is already under way; the next look finds it gone.
        return status_of(error) == 404
    return True
