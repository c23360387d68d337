"""Reading a long answer of the engine with a clock on it.

docker-py switches the socket's time-out off for every streamed answer (`_stream_raw_result`), so a stalled
engine hangs it for ever. Here the time-out stays on each read, and a deadline on the whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprocheck.engine.docker_document import Document, mapping
from reprocheck.engine.docker_errors import translated
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

_CHUNK = 1 << 16


def answer(
    client: APIClient,
    path: str,
    *,
    method: str = "GET",
    parameters: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
    stream: bool = False,
    timeout: float | tuple[float, float | None] | None = None,
) -> Response:
    """Send one request to `path` below the API version; raises docker's and requests' own errors.

    `timeout` is in seconds, the client's own by default.
    """
    from docker.errors import create_api_error_from_http_exception
    from requests import HTTPError

    response = client.request(
        method,
        f"{client.base_url}/v{client.api_version}{path}",
        params=dict(parameters or {}),
        json=None if body is None else dict(body),
        headers={"Accept-Encoding": "identity"},
        stream=stream,
        timeout=client.timeout if timeout is None else timeout,
    )
    try:
        response.raise_for_status()
    except HTTPError as error:
        with response:  # what it says is still to be read when the answer is a stream
            create_api_error_from_http_exception(error)
    return response


def document_at(
    client: APIClient,
    path: str,
    *,
    method: str = "GET",
    parameters: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> Document:
    """Return the JSON object that the engine answers; raises docker's and requests' own errors."""
    return mapping(answer(client, path, method=method, parameters=parameters, body=body).json())


@contextmanager
def streamed(
    client: APIClient, path: str, *, parameters: Mapping[str, str], limits: Limits, what: str
) -> Iterator[Callable[[int], bytes]]:
    """Give a `read(size)` over the answer: at most `size` bytes, b"" at its end.

    `read` raises CouldNotRun: E_STREAM_STALLED (no byte for `limits.idle_seconds`), E_STREAM_SLOW (the whole
    takes longer than `limits.snapshot_seconds`), E_DAEMON_LOST (cut off). Leaving closes the connection.
    """
    deadline = time.monotonic() + limits.snapshot_seconds
    with translated(what):
        response = answer(
            client,
            path,
            parameters=parameters,
            stream=True,
            timeout=(limits.connect_seconds, limits.idle_seconds),
        )
        chunks = response.raw.stream(_CHUNK, decode_content=False)
    rest = memoryview(b"")

    def read(size: int) -> bytes:
        nonlocal rest
        while not rest:
            if time.monotonic() > deadline:
                raise CouldNotRun(
                    "E_STREAM_SLOW",
                    f"{what} takes longer than the limit snapshot_seconds ({limits.snapshot_seconds})",
                    hint="Allow more time with --limit-scale.",
                )
            with translated(what):
                chunk = next(chunks, None)
            if chunk is None:
                return b""
            rest = memoryview(chunk)
        part, rest = rest[:size], rest[size:]
        return bytes(part)

    try:
        yield read
    finally:
        response.close()
