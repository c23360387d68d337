"""Where the container engine is, told as the docker command line tells it, and a client for it.

Order of the docker CLI (`cli/command/cli.go`, resolveContextName): an explicit host, `DOCKER_HOST`,
`DOCKER_CONTEXT`, `currentContext` of `config.json`, the default socket. The client is always built from the
endpoint found here, so that what a plan shows is what is used.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reprocheck import strictjson
from reprocheck.engine.docker_errors import (
    cleaned,
    daemon_too_old,
    message_of,
    no_engine,
    not_an_engine,
    unreachable,
)
from reprocheck.errors import CouldNotRun, InputFault, UsageFault
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.base import Frozen

if TYPE_CHECKING:
    from docker import APIClient

DEFAULT_SOCKET = "unix:///var/run/docker.sock"

OLDEST_API = (1, 40)
"""Docker 19.03: the first with DeviceRequests."""

NEWEST_API = (1, 45)
"""The newest that docker 7.1 knows (`docker.constants.DEFAULT_DOCKER_API_VERSION`)."""

_CONFIG_BYTES = 1 << 20
_SCHEMES = ("unix", "tcp", "http", "https", "ssh")


class Tls(Frozen, frozen=True, kw_only=True):
    """Paths of PEM files, '' where there is none; `verify` says whether the server's name is checked."""

    ca: str
    certificate: str
    key: str
    verify: bool = True


class Endpoint(Frozen, frozen=True, kw_only=True):
    """The address of an engine and where it was taken from."""

    url: str
    source: str
    """`--docker-host`, `DOCKER_HOST`, `docker context NAME`, `podman's socket`, `default`; shown in plans."""
    tls: Tls | None = None

    @property
    def remote(self) -> bool:
        """Whether the engine may sit on another machine: its paths are not this machine's."""
        return not self.url.startswith("unix://")


def find_endpoint(
    *, override: str | None, environ: Mapping[str, str], home: str, limits: Limits = DEFAULT
) -> Endpoint:
    """Tell where the engine is.

    `override` is the value of `--docker-host`; `home` is the user's home directory. Raises UsageFault
    (E_DOCKER_HOST) and CouldNotRun (E_DOCKER_CONTEXT).
    """
    configuration = Path(environ.get("DOCKER_CONFIG") or Path(home, ".docker"))
    if override:
        return endpoint_at(override, "--docker-host", _tls_of(environ, configuration))
    if host := environ.get("DOCKER_HOST"):
        return endpoint_at(host, "DOCKER_HOST", _tls_of(environ, configuration))
    name = environ.get("DOCKER_CONTEXT") or _current_context(configuration / "config.json", limits)
    if name in ("", "default"):
        return Endpoint(url=DEFAULT_SOCKET, source="default")
    return _context(name, configuration / "contexts", limits)


def endpoint_at(url: str, source: str, tls: Tls | None = None) -> Endpoint:
    """Check the address of an engine. Raises UsageFault (E_DOCKER_HOST)."""
    scheme, found, rest = url.partition("://")
    if (
        not found
        or scheme not in ("unix", "tcp", "http", "https", "ssh")
        or not rest
        or not url.isprintable()
    ):
        raise UsageFault(
            "E_DOCKER_HOST",
            f"{source} does not name an engine that can be reached: {cleaned(url)!r}",
            hint="Use unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST.",
        )
    try:
        dashed = (urlsplit(url).hostname or "").startswith("-") or (urlsplit(url).username or "").startswith(
            "-"
        )
    except ValueError:
        dashed = True
    if dashed:
        raise UsageFault(
            "E_DOCKER_HOST",
            f"{source} names a host that ssh would take for an option: {cleaned(url)!r}",
            hint="Use ssh://USER@HOST.",
        )
    return Endpoint(url=url, source=source, tls=tls if scheme in ("tcp", "https") else None)


def _tls_of(environ: Mapping[str, str], configuration: Path) -> Tls | None:
    """Docker's classic variables: DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH."""
    if not (environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS")):
        return None
    directory = Path(environ.get("DOCKER_CERT_PATH") or configuration)
    return _tls_in(directory, verify=bool(environ.get("DOCKER_TLS_VERIFY")))


def _tls_in(directory: Path, *, verify: bool) -> Tls:
    def path(name: str) -> str:
        candidate = directory / name
        return str(candidate) if candidate.is_file() else ""

    return Tls(ca=path("ca.pem"), certificate=path("cert.pem"), key=path("key.pem"), verify=verify)


def _current_context(config: Path, limits: Limits) -> str:
    document = _document(config, limits)
    name = document.get("currentContext", "") if document is not None else ""
    if not isinstance(name, str):
        raise CouldNotRun(
            "E_DOCKER_CONTEXT",
            f"{config} names its current context by something that is not text",
            hint="Select one with `docker context use NAME`.",
        )
    return name


def _context(name: str, contexts: Path, limits: Limits) -> Endpoint:
    """Read one context. Its directory is the sha256 of its name (docker/cli `cli/context/store`)."""
    directory = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    meta = contexts / "meta" / directory / "meta.json"
    document = _document(meta, limits)
    if document is None:
        raise CouldNotRun(
            "E_DOCKER_CONTEXT",
            f"the docker context {name[:100]!r} does not exist",
            hint="See `docker context ls`; select one with `docker context use NAME` or pass --docker-host.",
        )
    endpoints = document.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = endpoint.get("Host") if isinstance(endpoint, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(host, str) or not host:
        raise CouldNotRun(
            "E_DOCKER_CONTEXT",
            f"the docker context {name[:100]!r} names no docker endpoint, in {meta}",
            hint="Make it again with `docker context create`, or pass --docker-host.",
        )
    tls_directory = contexts / "tls" / directory / "docker"
    skip = endpoint.get("SkipTLSVerify") is True
    tls = _tls_in(tls_directory, verify=not skip) if skip or tls_directory.is_dir() else None
    return endpoint_at(host, f"docker context {name}", tls)


def _document(path: Path, limits: Limits) -> dict[str, object] | None:
    """Read a JSON object; None when there is no such file."""
    try:
        with path.open("rb") as file:
            raw = file.read(_CONFIG_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CouldNotRun(
            "E_DOCKER_CONTEXT",
            f"{path} cannot be read: {error.strerror}",
            hint="Correct its permissions, or pass --docker-host.",
        ) from None
    try:
        document = strictjson.loads(raw, where=str(path), limits=limits, max_bytes=_CONFIG_BYTES)
    except InputFault as error:
        raise CouldNotRun(
            "E_DOCKER_CONTEXT", error.message, hint="Correct that file, or pass --docker-host."
        ) from None
    return document if isinstance(document, dict) else {}


def connect(endpoint: Endpoint, *, limits: Limits) -> APIClient:
    """Make a client that is known to reach an engine.

    Raises CouldNotRun: E_NO_DAEMON (nothing answers, or not an engine), E_DAEMON_PERMISSION, E_DAEMON_OLD.
    """
    from docker.errors import DockerException
    from requests import RequestException

    try:
        if endpoint.url.startswith("unix://"):
            _knock(endpoint.url.removeprefix("unix://"), limits.connect_seconds)
        probe = _client(endpoint, _text(OLDEST_API), limits.connect_seconds)
        try:
            answer = probe.get(f"{probe.base_url}/version", timeout=limits.connect_seconds)
            answer.raise_for_status()
            version = _api_version(answer.content, endpoint, limits)
        finally:
            probe.close()
        return _client(endpoint, version, limits.idle_seconds)
    except (DockerException, RequestException, OSError) as error:
        raise unreachable(error, url=endpoint.url, source=endpoint.source) from None
    except ImportError as error:
        raise no_engine(
            endpoint.url,
            endpoint.source,
            f"the Python package {error.name} is missing",
            hint="Install it: pip install 'docker[ssh]'.",
        ) from None


def _knock(path: str, seconds: int) -> None:
    """Connect and hang up: docker-py leaves its socket open when that fails. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(seconds)
        caller.connect(path)


def _client(endpoint: Endpoint, version: str, seconds: int) -> APIClient:
    from docker import APIClient
    from docker.errors import DockerException
    from docker.tls import TLSConfig
    from requests import RequestException

    tls: TLSConfig | bool = False
    if endpoint.tls is not None:
        files = endpoint.tls
        tls = TLSConfig(
            client_cert=(files.certificate, files.key) if files.certificate and files.key else None,
            ca_cert=files.ca or None,
            verify=files.verify,
        )
    try:
        client = APIClient(
            base_url=endpoint.url,
            version=version,
            timeout=seconds,
            tls=tls,
            user_agent="reprocheck",
            use_ssh_client=True,
        )
    except (DockerException, RequestException):
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # docker-py reads ~/.docker/config.json without checking its types.
        raise no_engine(
            endpoint.url,
            endpoint.source,
            f"the Python package docker stumbles over its configuration: {message_of(error)}",
            hint="Correct ~/.docker/config.json.",
        ) from None
    # Neither a proxy nor a password of ~/.netrc may come between us and the engine.
    client.trust_env = False
    return client


def _api_version(raw: bytes, endpoint: Endpoint, limits: Limits) -> str:
    """Agree on the newest version that both sides know."""
    try:
        document = strictjson.loads(raw, where="the engine's version", limits=limits, max_bytes=_CONFIG_BYTES)
    except InputFault:
        raise not_an_engine(endpoint.url, endpoint.source) from None
    offered = _version(document.get("ApiVersion")) if isinstance(document, dict) else None
    if offered is None:
        raise not_an_engine(endpoint.url, endpoint.source)
    if offered < OLDEST_API:
        raise daemon_too_old(_text(offered), _text(OLDEST_API))
    return _text(min(offered, NEWEST_API))


def _version(text: object) -> tuple[int, int] | None:
    if not isinstance(text, str) or len(text) > 16:
        return None
    major, _, minor = text.partition(".")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        return None
    return int(major), int(minor)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def shares_files(client: APIClient) -> bool:
    """Whether the engine's paths are this machine's: it is reached through a local socket."""
    return client.base_url == "http+docker://localhost"
