"""Plans for runners: one that asks for nothing, and changes to it."""

from __future__ import annotations

from typing import Any

from reprocheck.model.base import replace
from reprocheck.ports import Plan

_PLAIN = Plan(
    image="",
    argv=(),
    environment=(),
    working_dir="",
    user="",
    network="none",
    nano_cpus=None,
    memory_bytes=None,
    shm_bytes=None,
    gpus="",
    pids=256,
    disk_bytes=1 << 30,
    seconds=60,
    mounts=(),
    outputs=(),
)


def make_plan(*argv: str, **changed: Any) -> Plan:
    """Plan to run `argv` as it is, for a minute, in 256 processes and one GiB, but for what is named."""
    return replace(_PLAIN, argv=argv, **changed)
