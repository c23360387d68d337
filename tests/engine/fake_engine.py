"""A small server on a socket that plays a container engine, also a broken one."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from reprocheck.engine.endpoint import Endpoint
from reprocheck.limits import Limits

QUICK = Limits(connect_seconds=1, idle_seconds=1)
IMAGE_ID = "sha256:" + "1" * 64
LAYER = "sha256:" + "2" * 64
VERSION = {"ApiVersion": "1.41", "Version": "20.10.24+dfsg1", "Components": [{"Name": "Engine"}]}
IMAGE = {
    "Id": IMAGE_ID,
    "RepoDigests": None,
    "Os": "linux",
    "Architecture": "amd64",
    "Size": 5,
    "Config": {
        "Env": ["B=2", "A=x=y", "B=3"],
        "Cmd": ["sh"],
        "Entrypoint": None,
        "WorkingDir": "/w",
        "User": "u",
    },
    "RootFS": {"Type": "layers", "Layers": [LAYER]},
    "GraphDriver": {"Name": "overlay2", "Data": {"LowerDir": "/l/2:/l/1", "UpperDir": "/l/3"}},
}
CONTAINER = {
    "Id": "c" * 64,
    "Image": IMAGE_ID,
    "Path": "python3",
    "Args": ["t.py"],
    "State": {
        "Running": False,
        "ExitCode": 137,
        "OOMKilled": True,
        "StartedAt": "2026-11-22T10:00:00.000000001Z",
        "FinishedAt": "2026-11-22T12:00:01.5+02:00",
    },
    "Config": {"Env": ["A=1"], "WorkingDir": "/w", "User": "7"},
    "HostConfig": {
        "NetworkMode": "default",
        "NanoCpus": 0,
        "CpuQuota": 150000,
        "CpuPeriod": 100000,
        "Memory": 1024,
        "ShmSize": 64,
        "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}],
        "Tmpfs": {"/scratch": "rw,size=1m"},
    },
    "Mounts": [
        {"Type": "volume", "Source": "/v", "Destination": "/out", "RW": True},
        {"Type": "bind", "Source": "/home/me/in", "Destination": "/data", "RW": False},
    ],
    "GraphDriver": {"Name": "btrfs", "Data": None},
}

Routes = dict[str, object]


def send(handler: BaseHTTPRequestHandler, status: int, document: object) -> None:
    raw = json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    routes: Routes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "local"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if self.command != "GET":
            path = f"{self.command} {path}"
        if path.startswith("DELETE "):
            path = "removal"
        answer = self.server.routes.get(path.replace("/v1.41", ""))
        if callable(answer):
            answer(self)
        elif answer is None:
            send(self, 404, {"message": f"No such thing: {path}"})
        else:
            send(self, 200, answer)

    do_POST = do_DELETE = do_GET  # noqa: N815


@contextmanager
def played_engine(directory: Path) -> Iterator[tuple[Routes, Endpoint]]:
    """Give the routes that the server answers, to be filled, and where it is."""
    path = directory / "e.sock"
    with Server(str(path), Handler) as server:
        server.routes = {"/version": VERSION}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.routes, Endpoint(url=f"unix://{path}", source="DOCKER_HOST")
        server.shutdown()
        thread.join()
