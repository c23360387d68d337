"""The one place where the settings of a container are made: a pure function from a plan to the request.

Nothing but the plan's fields goes in, and no plan can express privileges, devices, capabilities, host
namespaces or another runtime: those keys are never written. The result is the whole body of
`POST /containers/create` (Docker Engine API 1.40 and later), so the client cannot add anything to it either
(docker-py's own `create_container` copies the user's proxies, with their passwords, into the environment).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen
from reprocheck.model.places import can_hold, is_kernel_place, is_system_place, is_wild
from reprocheck.model.sighting import HOOK_PLACE
from reprocheck.ports import Plan, PlannedMount

HOSTNAME = "reprocheck"
"""The same in every run: programs write it into file names (tensorboard's event files)."""

_GPU_IDS = re.compile(r"[A-Za-z0-9:.-]{1,64}(,[A-Za-z0-9:.-]{1,64}){0,63}")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
_GPU_CAPABILITIES = ["gpu", "compute", "utility"]
"""`gpu` selects the driver (docker/cli `opts/gpus.go`), the others are all that it hands in."""
_NO_VOLUMES: Mapping[str, str] = {}

HOOK_TARGET = f"{HOOK_PLACE}/observer"
REPORTS = f"{HOOK_PLACE}/reports"
REPORTS_VARIABLE = "REPROCHECK_OBSERVE_DIR"


class ObserverMounts(Frozen, frozen=True, kw_only=True):
    """What an observed container is given beside its plan; no manifest can ask for it."""

    hook: str
    """Directory of this machine with the hook, handed in read-only."""
    python_path: str
    """PYTHONPATH that the program would have without it."""


def build_container_config(
    plan: Plan,
    *,
    labels: Mapping[str, str],
    volumes: Mapping[str, str] = _NO_VOLUMES,
    ulimits: bool = True,
    observer: ObserverMounts | None = None,
) -> Mapping[str, object]:
    """Return the request that creates the container of `plan`.

    `volumes` names the volumes of the engine that stand for some of the plan's directories; each other one
    gets an anonymous volume, which goes with the container. `ulimits=False` leaves them to the engine: one
    that is named makes podman forget `default_ulimits` of its containers.conf, and raise the others to
    values that not every host grants. `observer` adds the hook of `--observe` and an empty volume for its
    reports. The command never passes a shell. Raises UsageFault (E_PLAN, E_GPUS, E_OUTPUT_DIRECTORY) for a
    plan that makes no sense.
    """
    _check(plan)
    if observer is not None:
        _check_observed(plan)
    return {
        "Image": plan.image,
        # The program is the entry point: an empty list there means "the image's own" to some engines.
        "Entrypoint": [plan.argv[0]],
        "Cmd": list(plan.argv[1:]),
        "Env": _environment(plan, observer),
        "WorkingDir": plan.working_dir,
        "User": plan.user,
        "Hostname": HOSTNAME,
        "NetworkDisabled": plan.network != "bridge",
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": False,
        "StdinOnce": False,
        "Tty": False,
        # A health check of the image would be a second program beside the recorded one.
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGTERM",
        "Labels": dict(sorted(labels.items())),
        "HostConfig": _host_config(plan, volumes, ulimits=ulimits, observer=observer),
    }


def build_unstarted_config(
    image: str, *, labels: Mapping[str, str], volume: str | None = None
) -> Mapping[str, object]:
    """Return the request for a container that is never started: its files are read, or its volume used.

    `volume` is a directory of the image whose content and mode an anonymous volume takes over.
    """
    mounts = [] if volume is None else [{"Type": "volume", "Target": volume}]
    return {
        "Image": image,
        # An image without a command cannot be created otherwise.
        "Entrypoint": ["reprocheck-never-started"],
        "NetworkDisabled": True,
        "Labels": dict(sorted(labels.items())),
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Mounts": mounts,
        },
    }


def _host_config(
    plan: Plan, volumes: Mapping[str, str], *, ulimits: bool, observer: ObserverMounts | None
) -> dict[str, object]:
    config: dict[str, object] = {
        "NetworkMode": "bridge" if plan.network == "bridge" else "none",
        "IpcMode": "private",
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "PidsLimit": plan.pids,
        "ReadonlyRootfs": plan.read_only_root,
        "Mounts": [
            *(_mount(mount) for mount in sorted(plan.mounts, key=lambda mount: mount.target)),
            *(_volume(target, volumes.get(target)) for target in sorted(plan.directories)),
            *(_observer_mounts(observer, volumes) if observer is not None else ()),
        ],
        # Never nofile: a value above the daemon's own hard limit keeps every container from starting.
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}] if ulimits else [],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "16m", "max-file": "1"}},
        "Init": True,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
    }
    if plan.memory_bytes is not None:
        config["Memory"] = plan.memory_bytes
        config["MemorySwap"] = plan.memory_bytes
    if plan.nano_cpus is not None:
        config["NanoCpus"] = plan.nano_cpus
    if plan.shm_bytes is not None:
        config["ShmSize"] = plan.shm_bytes
    if plan.gpus:
        config["DeviceRequests"] = [_device_request(plan.gpus)]
    return config


def _observer_mounts(observer: ObserverMounts, volumes: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        _mount(PlannedMount(source=observer.hook, target=HOOK_TARGET)),
        _volume(REPORTS, volumes.get(REPORTS)),
    ]


def _environment(plan: Plan, observer: ObserverMounts | None) -> list[str]:
    """Sorted by name; a name given twice has its last value, as in a shell."""
    variables = dict(plan.environment)
    if not plan.gpus:
        # An image may declare NVIDIA_VISIBLE_DEVICES=all, which NVIDIA's default runtime obeys.
        variables["NVIDIA_VISIBLE_DEVICES"] = "void"
    if observer is not None:
        # An empty entry would mean the working directory.
        variables["PYTHONPATH"] = f"{HOOK_TARGET}:{observer.python_path}".rstrip(":")
        variables[REPORTS_VARIABLE] = REPORTS
    return [f"{name}={value}" for name, value in sorted(variables.items())]


def _mount(mount: PlannedMount) -> dict[str, object]:
    return {
        "Type": "bind",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only is not False,
    }


def _volume(target: str, name: str | None) -> dict[str, object]:
    """An empty one: what the image has there is not copied in."""
    named = {} if name is None else {"Source": name}
    return {"Type": "volume", **named, "Target": target, "VolumeOptions": {"NoCopy": True}}


def _device_request(gpus: str) -> dict[str, object]:
    request: dict[str, object] = {"Driver": "", "Capabilities": [_GPU_CAPABILITIES]}
    if gpus == "all":
        return {**request, "Count": -1}
    if _COUNT.fullmatch(gpus):
        return {**request, "Count": int(gpus)}
    ids = gpus.removeprefix("device=")
    if ids != gpus and _GPU_IDS.fullmatch(ids):
        return {**request, "DeviceIDs": ids.split(",")}
    raise UsageFault(
        "E_GPUS",
        f"{gpus[:100]!r} is no request for GPUs",
        hint="Use all, a number, or device=0,1.",
    )


def _check(plan: Plan) -> None:
    if not plan.image:
        raise _fault("has no image")
    if not plan.argv or not plan.argv[0]:
        raise _fault("has no command")
    if any("\0" in text for text in (*plan.argv, plan.working_dir, plan.user, plan.image)):
        raise _fault("holds a NUL character")
    for name, value in plan.environment:
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise _fault(f"has a variable that no program can be given: {name[:100]!r}")
    if plan.working_dir and (
        not plan.working_dir.startswith("/") or is_kernel_place(_plain(plan.working_dir))
    ):
        raise _fault(f"has a working directory that is not allowed: {plan.working_dir[:100]!r}")
    _check_mounts(plan.mounts)
    _check_directories(plan)
    numbers = (plan.nano_cpus, plan.memory_bytes, plan.shm_bytes, plan.pids)
    if any(number is not None and number <= 0 for number in numbers):
        # The engine reads 0 and -1 as "no limit".
        raise _fault("has a limit that is not above zero")


def _check_mounts(mounts: tuple[PlannedMount, ...]) -> None:
    targets: set[str] = set()
    for mount in mounts:
        for path in (mount.source, mount.target):
            if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
                raise _fault(f"has a mount whose path is not absolute and plain: {path[:100]!r}")
        target = _plain(mount.target)
        if target == "/" or is_kernel_place(target):
            raise _fault(f"has a mount where none is allowed: {mount.target[:100]!r}")
        if target in targets:
            raise _fault(f"has two mounts at {target[:100]!r}")
        targets.add(target)
        if mount.source.rstrip("/").endswith(("docker.sock", "podman.sock", "containerd.sock")):
            raise _fault("mounts the socket of a container engine")


def _check_directories(plan: Plan) -> None:
    mounted = {_plain(mount.target) for mount in plan.mounts}
    for directory in plan.directories:
        if not directory.startswith("/") or "\0" in directory or _plain(directory) != directory:
            raise _directory_fault(directory, "it is no plain absolute path")
        if is_system_place(directory):
            raise _directory_fault(directory, "it would hide a part of the system")
        if is_wild(directory):
            raise _directory_fault(directory, "a wildcard names no single directory")
        if not can_hold(directory, plan.outputs):
            raise _directory_fault(directory, "no declared output lies there")
        if directory in mounted or plan.directories.count(directory) > 1:
            raise _directory_fault(directory, "something else is mounted there")


def _check_observed(plan: Plan) -> None:
    targets = (*(mount.target for mount in plan.mounts), *plan.directories, *plan.outputs)
    if any(f"{_plain(target)}/".startswith(f"{HOOK_PLACE}/") for target in targets):
        raise _fault(f"uses {HOOK_PLACE}, where the observation is")


def _directory_fault(directory: str, why: str) -> UsageFault:
    return UsageFault(
        "E_OUTPUT_DIRECTORY",
        f"no empty directory can be put at {directory[:100]!r}: {why}; nothing was started",
        hint="Let the program write to a directory of its own, for example --output /out/.",
    )


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _fault(problem: str) -> UsageFault:
    return UsageFault("E_PLAN", f"the plan of the run {problem}", hint="Correct the call; nothing ran.")
