"""What engines say when they cannot create or start a container, and what that means for the user."""

from __future__ import annotations

import re

from reprocheck.model.base import Frozen


class Refusal(Frozen, frozen=True, kw_only=True):
    """One kind of refusal; `words` is searched in the engine's message in lower case."""

    words: re.Pattern[str]
    code: str
    problem: str
    hint: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        words=re.compile(r"could not select device driver|nvidia-container-cli|unresolvable cdi devices"),
        code="E_NO_GPU_RUNTIME",
        problem="the engine cannot give GPUs to containers",
        hint="Install nvidia-container-toolkit (nvidia-ctk runtime configure --runtime=docker) and restart "
        "the engine; Docker from snap and rootless Docker need their own set-up.",
    ),
    Refusal(
        words=re.compile(
            r"executable file not found"
            r"|exec: [^\n]{1,4096}(no such file or directory|permission denied|is a directory)"
        ),
        code="E_COMMAND_NOT_FOUND",
        problem="the command is not in the image or cannot be executed",
        hint="Check the command; a command line for a shell needs one: -- sh -c '...'.",
    ),
    Refusal(
        words=re.compile(
            r"bind source path does not exist|invalid mount config|mounts denied|creating mount source"
        ),
        code="E_MOUNT_REFUSED",
        problem="the engine cannot mount an input",
        hint="The path must exist on the engine's machine, which may be another one: `docker context ls`.",
    ),
    Refusal(
        words=re.compile(r"rlimit|ulimit"),
        code="E_RUNTIME_REFUSED",
        problem="the engine cannot set a limit for the container",
        hint="See `default-ulimits` in the engine's daemon.json, for podman `default_ulimits` in "
        "containers.conf.",
    ),
    Refusal(
        words=re.compile(r"container-init binary not found|catatonit"),
        code="E_RUNTIME_REFUSED",
        problem="the engine has no init program for containers",
        hint="Install catatonit beside podman, or set `init_path` in its containers.conf.",
    ),
    Refusal(
        words=re.compile(r"unable to find (user|group)|no matching entries in (passwd|group) file"),
        code="E_RUNTIME_REFUSED",
        problem="the image has no such user",
        hint="Name one that it has, or a number, with --user.",
    ),
    Refusal(
        words=re.compile(r"no space left on device|disk quota exceeded"),
        code="E_DISK_FULL",
        problem="the engine's disk is full",
        hint="Free some space: docker system df.",
    ),
    Refusal(
        words=re.compile(r"minimum (allowed )?memory|range of cpus|shm size"),
        code="E_RUNTIME_REFUSED",
        problem="the engine cannot give what was asked for",
        hint="Ask for other --cpus, --memory or --shm-size.",
    ),
    Refusal(
        words=re.compile(r"oci runtime|failed to create (shim|task)|cgroup"),
        code="E_RUNTIME_REFUSED",
        problem="the engine's runtime could not start the container",
        hint="See whether a plain `docker run` of the image starts.",
    ),
)
"""In this order, the first that fits counts."""
