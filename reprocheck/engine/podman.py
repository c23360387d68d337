"""Podman where it differs from Docker: where its socket is, and what it adds to a container.

Places: podman-system-service(1) and podman-remote(1); measured with podman 4.3.1.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from reprocheck.engine.docker_document import Document, text
from reprocheck.engine.docker_errors import cleaned
from reprocheck.engine.endpoint import Endpoint, endpoint_at
from reprocheck.errors import CouldNotRun

VARIABLE = "CONTAINER_HOST"
ROOT_SOCKET = "/run/podman/podman.sock"

START = (
    "Start its service: systemctl --user start podman.socket (as root without --user), or "
    "`podman system service --time=0 unix:///PATH/podman.sock` with CONTAINER_HOST=unix:///PATH/podman.sock."
)


def find_podman(
    *, override: str | None, environ: Mapping[str, str], root_socket: str = ROOT_SOCKET
) -> Endpoint:
    """Tell where podman's service is: `override`, CONTAINER_HOST, the user's own socket, the system's.

    `override` is the value of `--docker-host`. Raises UsageFault (E_DOCKER_HOST) and CouldNotRun
    (E_NO_PODMAN) when there is no socket, or one that only podman's own ssh client could reach.
    """
    for url, source in ((override, "--docker-host"), (environ.get(VARIABLE), VARIABLE)):
        if url:
            if url.startswith("ssh://"):
                raise CouldNotRun(
                    "E_NO_PODMAN",
                    f"{source} names podman behind ssh, where only its own client goes: {cleaned(url)}",
                    hint="Forward its socket, ssh -L /tmp/podman.sock:/run/podman/podman.sock HOST, and set "
                    "CONTAINER_HOST=unix:///tmp/podman.sock.",
                )
            return endpoint_at(url, source)
    places = [root_socket]
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        places.insert(0, f"{runtime.rstrip('/')}/podman/podman.sock")
    for place in places:
        if _is_socket(place):
            return Endpoint(url=f"unix://{place}", source="podman's socket")
    raise CouldNotRun(
        "E_NO_PODMAN",
        f"podman has no socket: {VARIABLE} is not set, and there is none at {' or '.join(places)}",
        hint=START,
    )


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def is_own_variable(name: str, value: str, config: Document) -> bool:
    """Whether podman itself put this variable into a container, where Docker lists no such one.

    `config` is `Config` of the inspected container. Docker sets HOME and HOSTNAME too, when the program
    starts, and never lists them (`libpod/container_internal_linux.go`, `specgen/generate/container.go`).
    """
    match name:
        case "container":
            return value in ("podman", "oci")
        case "HOSTNAME":
            return value == text(config, "Hostname")
        case "TERM":
            return value == "xterm"
        case "HOME":
            return value == "/root" and text(config, "User").partition(":")[0] in ("", "0", "root")
    return False
