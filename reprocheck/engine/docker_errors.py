"""What docker and requests throw, told in our words; nothing of theirs leaves this room."""

from __future__ import annotations

import errno
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from reprocheck.engine.docker_refusals import REFUSALS
from reprocheck.errors import CouldNotRun

_WORDS = 300
_PASSWORD = re.compile(r"//([^:/@\s]{0,100}):[^@/\s]{1,200}@")
_PERMISSION = "Join the group docker (sudo usermod -aG docker $USER, then log in again), or call with sudo."
_SEARCHED = 8192
_START = (
    "Start the engine (sudo systemctl start docker, or Docker Desktop), or choose another by --docker-host."
)


def cleaned(text: str) -> str:
    """Cut foreign words to one printable line of at most 300 characters, without passwords of addresses."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _WORDS]).split())
    line = _PASSWORD.sub(r"//\1:***@", line)
    return line if len(line) <= _WORDS else line[: _WORDS - 1] + "…"


def message_of(error: BaseException) -> str:
    """Return the engine's own words when it said something, else the error's."""
    explanation = getattr(error, "explanation", None)
    return cleaned(explanation if isinstance(explanation, str) and explanation else str(error))


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an engine's refusal, None for any other error."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def system_error(error: BaseException) -> OSError | None:
    """Find the operating system's error under the layers that requests and urllib3 wrap around it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting and len(seen) < 64:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        # requests' own exceptions are OSErrors too, without an errno.
        if isinstance(item, OSError) and item.errno is not None:
            return item
        waiting += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return None


def is_timeout(error: BaseException) -> bool:
    """Whether the engine said nothing for too long."""
    from requests.exceptions import Timeout
    from urllib3.exceptions import TimeoutError as SilentPeer

    if isinstance(error, (TimeoutError, Timeout, SilentPeer)):
        return True
    return any(isinstance(item, (TimeoutError, SilentPeer)) for item in error.args)


def no_engine(url: str, source: str, why: str, *, hint: str = _START) -> CouldNotRun:
    """Build the error for an address where no usable engine answers."""
    where = f"{cleaned(url)} ({cleaned(source)})"
    return CouldNotRun("E_NO_DAEMON", f"no container engine at {where}: {why}", hint=hint)


def not_an_engine(url: str, source: str) -> CouldNotRun:
    """Build the error for an address where something else answers."""
    return no_engine(
        url,
        source,
        "what answers there is not a Docker engine",
        hint="Check DOCKER_HOST and `docker context ls`.",
    )


def daemon_too_old(offered: str, needed: str) -> CouldNotRun:
    """Build the error for an engine whose API is older than ours."""
    return CouldNotRun(
        "E_DAEMON_OLD",
        f"the container engine speaks API {offered}, and reprocheck needs {needed} (Docker 19.03)",
        hint="Update the engine.",
    )


def unreachable(error: BaseException, *, url: str, source: str) -> CouldNotRun:
    """Tell why the first call to an engine failed."""
    cause = system_error(error)
    if cause is not None and cause.errno in (errno.EACCES, errno.EPERM):
        return CouldNotRun(
            "E_DAEMON_PERMISSION",
            f"this user may not use the container engine at {cleaned(url)} ({cleaned(source)})",
            hint=_PERMISSION,
        )
    if is_timeout(error):
        return no_engine(url, source, "it does not answer in time")
    if cause is not None:
        return no_engine(url, source, cleaned(cause.strerror or str(cause)))
    if status_of(error) is not None or type(error).__name__ == "HTTPError":
        return not_an_engine(url, source)
    if "BadStatusLine" in repr(error):
        return not_an_engine(url, source)
    return no_engine(url, source, message_of(error))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what docker, requests and the socket raise into CouldNotRun; `what` was being done ("starting").

    E_IMAGE_NOT_FOUND, E_CONTAINER_NOT_FOUND, E_ENGINE_REFUSED (the engine said no), E_STREAM_STALLED (it went
    silent), E_DAEMON_LOST (the connection broke).
    """
    from docker.errors import APIError, DockerException
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise _refusal(error, what) from None
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise lost(error, what) from None


def lost(error: BaseException, what: str) -> CouldNotRun:
    """Tell of a connection that broke or went silent while it was in use."""
    if is_timeout(error):
        return CouldNotRun(
            "E_STREAM_STALLED",
            f"the container engine went silent while {what}",
            hint="See whether the engine is overloaded (`docker info`); --limit-scale waits longer.",
        )
    cause = system_error(error)
    why = cleaned(cause.strerror or str(cause)) if cause is not None else message_of(error)
    return CouldNotRun(
        "E_DAEMON_LOST",
        f"the container engine was lost while {what}: {why}",
        hint="See whether the engine still runs (`docker info`), then try again.",
    )


def image_not_found(reference: str) -> CouldNotRun:
    """Build the error for an image that is not on this engine."""
    return CouldNotRun(
        "E_IMAGE_NOT_FOUND",
        f"the engine has no image {cleaned(reference)!r}",
        hint=f"Get it first: docker pull {shlex.quote(cleaned(reference))} (reprocheck never pulls).",
    )


def _refusal(error: BaseException, what: str) -> CouldNotRun:
    from docker.errors import ImageNotFound

    words = message_of(error)
    said = str(getattr(error, "explanation", "") or error)[:_SEARCHED].lower()
    for refusal in REFUSALS:
        if refusal.words.search(said):
            return CouldNotRun(refusal.code, f"{refusal.problem}, {what}: {words}", hint=refusal.hint)
    if isinstance(error, ImageNotFound):
        return CouldNotRun(
            "E_IMAGE_NOT_FOUND",
            f"the image is not on this engine, {what}: {words}",
            hint="Get it first with docker pull or docker load (reprocheck never pulls).",
        )
    if status_of(error) == 404:
        return CouldNotRun(
            "E_CONTAINER_NOT_FOUND",
            f"the container is not there, {what}: {words}",
            hint="See `docker ps --all`.",
        )
    return CouldNotRun(
        "E_ENGINE_REFUSED",
        f"the container engine refused, {what}: {words}",
        hint="Correct what it names, then try again.",
    )
