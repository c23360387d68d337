"""Variables, limits and how the container is started: the shell's part and that of `docker run`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from reprocheck.explain.mending_plan import Ask
from reprocheck.explain.mending_words import is_safe, is_variable
from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest

_FLAGS: Mapping[str, str] = {
    "working_dir": "-w",
    "user": "-u",
    "network": "--network",
    "resources.nano_cpus": "--cpus",
    "resources.memory_bytes": "--memory",
    "resources.shm_bytes": "--shm-size",
    "resources.gpus": "--gpus",
    "cpu.quota_millicpus": "--cpus",
    "memory_limit_bytes": "--memory",
}
_BILLION, _THOUSAND = 10**9, 10**3

BY_WHOM = ("origin", "overridden")
"""Attributes of a variable that leave the value in force as it is."""


def ask_variable(group: list[Difference], sides: Sides) -> Ask | str:
    """Return the assignment of a variable, for the shell or for `docker run`; else the reason."""
    d = group[0]
    if d.attribute in BY_WHOM:
        return "only who sets it differs, or what is overridden; the value in force is the same"
    if not is_variable(d.name):
        return "its name is none that a shell takes"
    contained = in_container(sides.b)
    if d.before is None:
        return _without(d.name, sides, contained=contained)
    if (d.name, d.before) not in sides.values:
        return "its value is not recorded"
    if not is_safe(d.before):
        return "its value holds characters that do not fit one line of a script"
    if contained:
        return Ask(tool="docker", verb="flag", word=f"-e {shlex.quote(f'{d.name}={d.before}')}")
    return Ask(tool="export", verb="export", word=f"{d.name}={d.before}")


def _without(name: str, sides: Sides, *, contained: bool) -> Ask | str:
    if any(v.origin == "image" for v in sides.variables_b.get(name, ())):
        return f"the image declares it: build it without ENV {name}, or start under `env -u {name}`"
    if contained:
        return f"a container that is started without `-e {name}` has it no more"
    return Ask(tool="export", verb="unset", word=name)


def in_container(manifest: Manifest) -> bool:
    """Whether variables and limits are set where a container is started."""
    if manifest.run is not None:
        return manifest.run.engine == "docker"
    return manifest.source.kind in ("image", "container")


def ask_limit(group: list[Difference], sides: Sides) -> Ask | str | None:
    """Return the option of `docker run` that sets a limit or a place as on the first side.

    Else the reason; None where no option speaks of it.
    """
    d = group[0]
    flag = _FLAGS.get(d.name)
    if d.name == "cpu.allowed":
        return _cpuset(d, sides)
    if flag is None:
        return None
    if not in_container(sides.b):
        return "it is set where the program is started, and that is no container"
    if not d.before:
        return f"a container that is started without `{flag}` has it no more"
    value = _amount(d)
    if value is None or not is_safe(value):
        return "it is not told as an amount that fits a command"
    return Ask(tool="docker", verb="flag", word=f"{flag} {shlex.quote(value)}")


def _amount(d: Difference) -> str | None:
    """Return the value as the option takes it."""
    value = d.before or ""
    if d.name == "network":
        return value if value in ("none", "bridge") else None
    if d.name in ("resources.nano_cpus", "cpu.quota_millicpus"):
        unit = _BILLION if d.name == "resources.nano_cpus" else _THOUSAND
        return f"{int(value) / unit:.9f}".rstrip("0").rstrip(".") if value.isdecimal() else None
    if d.name == "resources.gpus" and "," in value:
        return f'"{value}"'  # docker reads the value as a line of CSV
    return value


def _cpuset(d: Difference, sides: Sides) -> Ask | str:
    host = sides.b.host
    count = int(d.before) if d.before and d.before.isdecimal() else 0
    if not in_container(sides.b):
        return "it is set where the program is started, and that is no container"
    if host is None or not 0 < count <= host.cpu.logical:
        return "the machine has fewer CPUs than the first side was allowed"
    return Ask(tool="docker", verb="flag", word=f"--cpuset-cpus 0-{count - 1}")
