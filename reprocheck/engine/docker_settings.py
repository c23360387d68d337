"""Settings of an inspected container: limits, mounts, layers, and whether it had privileges.

Source of the shapes: Docker Engine API 1.41, `ContainerInspect`.
"""

from __future__ import annotations

from typing import Literal

from reprocheck.engine.clock import milliseconds_between
from reprocheck.engine.docker_document import Document, flag, mapping, objects, text, texts, whole
from reprocheck.model.base import Frozen
from reprocheck.model.run import Resources


class HostMount(Frozen, frozen=True, kw_only=True):
    """A mount of a container; `source` is a path of the engine's machine, '' for tmpfs."""

    target: str
    source: str
    kind: str
    writable: bool


def milliseconds_of(state: Document) -> int:
    """Return how long the program of an inspected `State` ran."""
    return milliseconds_between(text(state, "StartedAt"), text(state, "FinishedAt"))


def overlay_layers(document: Document) -> tuple[str, ...]:
    """Return the overlay2 directories of an inspected image or container, lowest first."""
    driver = mapping(document, "GraphDriver")
    data = mapping(driver, "Data")
    upper = text(data, "UpperDir")
    if text(driver, "Name") not in ("overlay2", "overlay") or not upper:
        return ()
    lower = [path for path in text(data, "LowerDir").split(":") if path]
    layers = (*reversed(lower), upper)
    return layers if all(path.startswith("/") for path in layers) else ()


def network_of(document: Document) -> Literal["none", "bridge", "unknown"]:
    """Tell the network of an inspected container; `unknown` for the host's and for named ones."""
    config, host = mapping(document, "Config"), mapping(document, "HostConfig")
    mode = text(host, "NetworkMode")
    if mode == "none" or flag(config, "NetworkDisabled"):
        return "none"
    # Rootless podman reaches the network through a process of the user.
    usual = mode in ("default", "bridge") or mode.startswith(("slirp4netns", "pasta"))
    return "bridge" if usual else "unknown"


def resources_of(document: Document) -> Resources:
    """Return the limits of an inspected container."""
    host = mapping(document, "HostConfig")
    cpus = whole(host, "NanoCpus")
    if not cpus and whole(host, "CpuQuota") > 0:
        # cpu.cfs_period_us is 100 ms unless set (kernel, sched-bwc).
        cpus = whole(host, "CpuQuota") * 1_000_000_000 // (whole(host, "CpuPeriod") or 100_000)
    return Resources(
        nano_cpus=cpus if cpus > 0 else None,
        memory_bytes=max(whole(host, "Memory"), 0) or None,
        shm_bytes=max(whole(host, "ShmSize"), 0) or None,
        gpus=_gpus(host),
    )


def _gpus(host: Document) -> str:
    for request in objects(host, "DeviceRequests"):
        if ids := texts(request, "DeviceIDs"):
            return "device=" + ",".join(ids)
        count = whole(request, "Count")
        if count:
            return "all" if count < 0 else str(count)
    return ""


def host_mounts(document: Document) -> tuple[HostMount, ...]:
    """Return the mounts of an inspected container, sorted by target."""
    mounts = {
        text(mount, "Destination"): HostMount(
            target=text(mount, "Destination"),
            source="" if text(mount, "Type") == "tmpfs" else text(mount, "Source"),
            kind=text(mount, "Type"),
            writable=flag(mount, "RW"),
        )
        for mount in objects(document, "Mounts")
    }
    # `--tmpfs` stands in the host configuration only.
    for target, options in mapping(document, "HostConfig", "Tmpfs").items():
        read_only = isinstance(options, str) and "ro" in options.split(",")
        mounts.setdefault(target, HostMount(target=target, source="", kind="tmpfs", writable=not read_only))
    return tuple(mounts[target] for target in sorted(mounts) if target)


def privileged_of(document: Document) -> bool:
    """Whether it had privileges, added capabilities, devices, host namespaces, or the engine's own socket.

    The cgroup namespace does not count: `host` is the default with cgroup v1.
    """
    host = mapping(document, "HostConfig")
    if flag(host, "Privileged") or texts(host, "CapAdd") or objects(host, "Devices"):
        return True
    if texts(host, "DeviceCgroupRules"):
        return True
    modes = (text(host, key) for key in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode"))
    if any(mode == "host" or mode.startswith("container:") for mode in modes):
        return True
    loose = ("unconfined", "disable")
    if any(option.endswith(loose) for option in texts(host, "SecurityOpt")):
        return True
    sources = (text(mount, "Source") for mount in objects(document, "Mounts"))
    return any(source.endswith(("docker.sock", "podman.sock")) for source in sources)
