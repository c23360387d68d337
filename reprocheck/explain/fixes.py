"""One command or action per finding that turns B's side into A's.

Names and versions come from a foreign document: they are quoted for the shell, and a name that a tool could
take for an option, or that no tool would accept, gets a sentence in place of a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping

from reprocheck.explain.context import CONTEXT, REPOSITORY
from reprocheck.explain.context_fixes import fix_code, fix_context
from reprocheck.explain.judging import PLACES
from reprocheck.explain.package_fixes import fix_package
from reprocheck.explain.sides import Sides
from reprocheck.explain.startup_fixes import STARTED, fix_started
from reprocheck.model.change import Difference
from reprocheck.model.environment import IN_FORCE, Variable

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOTHING = ("exit_code", "oom_killed", "timed_out")


def fix_of(difference: Difference, sides: Sides) -> str:
    """Return the fix, '' where there is none: an effect cannot be put right, its cause can."""
    return _SECTIONS[difference.section](difference, sides)


def _fix_input(d: Difference, _: Sides) -> str:
    if d.attribute in REPOSITORY:
        return fix_code(d)
    path = shlex.quote(d.name)
    if d.attribute == "presence":
        return f"hand in {path} as the first run did" if d.after is None else f"start without {path}"
    if d.attribute == "writable":
        return f"hand in {path} {'writable' if d.before == 'yes' else 'read-only'}"
    digest = f" (sha256 {d.before})" if d.attribute == "sha256" and d.before else ""
    return f"restore the first run's version of {path}{digest}"


def _fix_run(d: Difference, sides: Sides) -> str:
    if d.name in _NOTHING:
        return ""
    if d.attribute == "mount":
        target = shlex.quote(d.name)
        return f"start without the mount at {target}" if d.before is None else f"mount {target}: {d.before}"
    if d.attribute == "written":
        return f"build the change of {shlex.quote(d.name)} into the image, or start from an unchanged one"
    if d.name == "argv" and sides.a.run is not None:
        return f"start the recorded command: {shlex.join(sides.a.run.argv)}"
    if d.name == "engine":
        return f"run with --engine {d.before}"
    if d.name == "privileged_run":
        return "run with --privileged" if d.before == "yes" else "run without --privileged"
    return _docker_flag(d)


_FLAGS: Mapping[str, str] = {
    "working_dir": "-w",
    "user": "-u",
    "network": "--network",
    "resources.nano_cpus": "--cpus",
    "resources.memory_bytes": "--memory",
    "resources.shm_bytes": "--shm-size",
    "resources.gpus": "--gpus",
}


def _docker_flag(d: Difference) -> str:
    flag = _FLAGS.get(d.name)
    if flag is None:
        return f"declare {d.name} as the first run did: {d.before}" if d.before else f"declare no {d.name}"
    if not d.before:
        return f"docker run without {flag}"
    if d.name == "network" and d.before == "unknown":
        return ""
    value = d.before
    if d.name == "resources.nano_cpus":
        value = f"{int(value) / 10**9:.9f}".rstrip("0").rstrip(".")
    if d.name == "resources.gpus" and "," in value:
        value = f'"{value}"'  # docker reads the value as a line of CSV
    return f"docker run {flag} {shlex.quote(value)}"


def _fix_variable(d: Difference, sides: Sides) -> str:
    if d.attribute in ("origin", "overridden"):
        return ""
    if _VARIABLE.fullmatch(d.name) is None:
        return f"set the variable {shlex.quote(d.name)} as the first side has it"
    before, after = (_in_force(d.name, side.environment) for side in (sides.a, sides.b))
    if d.before is None:
        return _drop_variable(d.name, after, sides)
    if (d.name, d.before) not in sides.values:
        return f"set {d.name} as the first side has it; its value is not recorded"
    return f"{_setter(before, sides)} {d.name}={shlex.quote(d.before)}"


def _in_force(name: str, variables: tuple[Variable, ...]) -> str:
    """Return the origin whose value counts, '' where the variable is not set."""
    origins = {variable.origin for variable in variables if variable.name == name}
    return min(origins, key=IN_FORCE.index, default="")


def _drop_variable(name: str, origin: str, sides: Sides) -> str:
    if any(v.name == name and v.origin == "image" for v in sides.b.environment):
        return f"rebuild the image without ENV {name}, or run the command under `env -u {name}`"
    match origin:
        case "run":
            return f"run without --env {name}"
        case "container":
            return f"docker run without -e {name}"
        case _:
            return f"unset {name}"


def _setter(origin: str, sides: Sides) -> str:
    """Say how a variable reaches B's command."""
    b = sides.b
    if b.source.kind == "container" or (b.run is None and b.source.kind == "image"):
        return "docker run -e"
    if b.run is None or (b.run.engine == "local" and origin == "host"):
        return "export"
    return "reprocheck run --env"


def _fix_library(d: Difference, sides: Sides) -> str:
    owners = {x.owner for x in sides.a.libraries if x.kind == d.type and x.name == d.name and x.owner}
    if d.before is None:
        return f"remove {shlex.quote(d.after or d.name)}, or the package that brought it"
    if len(owners) == 1:
        return f"install {shlex.quote(min(owners))}, which brings it on the first side"
    return f"install {shlex.quote(d.name)} as the first side has it: {d.before or 'version unknown'}"


def _fix_python(d: Difference, sides: Sides) -> str:
    path = shlex.quote(d.name)
    if d.attribute in STARTED:
        return fix_started(d, sides)
    if d.attribute in PLACES:
        return ""
    if d.attribute == "presence":
        return f"start without {path}" if d.before is None else f"create {path} with Python {d.before}"
    if d.attribute in ("version", "implementation"):
        return f"use Python {d.before} at {path}"
    if d.attribute == "active":
        return f"start {path}" if d.before == "yes" else f"start the first side's interpreter, not {path}"
    return f"recreate {path} with the first side's {d.attribute}"


def _fix_image(_: Difference, sides: Sides) -> str:
    source = sides.a.source
    if source.repo_digests:
        return f"docker pull {shlex.quote(source.repo_digests[0])}"
    return f"use the first image: {source.config_digest}" if source.config_digest else _FIRST_IMAGE


_FIRST_IMAGE = "start from the first side's image"


def _fix_os(d: Difference, sides: Sides) -> str:
    system = sides.a.os
    if sides.a.image is not None or system is None:
        return _fix_image(d, sides)
    name = system.name or f"{system.id} {system.version_id}".rstrip()
    return f"run on {system.libc if d.name == 'libc' and system.libc else name}, as the first side did"


def _fix_host(d: Difference, sides: Sides) -> str:
    if d.name in ("cpu.level", "cpu.features"):
        return _fix_instructions(d, sides)
    if d.name == "driver.version":
        return f"install NVIDIA driver {d.before}" if d.before else "run on a machine without NVIDIA driver"
    if d.name in ("cpu.logical", "cpu.allowed"):
        return f"docker run --cpuset-cpus 0-{int(d.before) - 1}" if d.before and d.before != "0" else ""
    if d.name == "cpu.quota_millicpus":
        return f"docker run --cpus {int(d.before) / 1000:g}" if d.before else "docker run without --cpus"
    if d.name == "memory_limit_bytes":
        return f"docker run --memory {d.before}" if d.before else "docker run without --memory"
    if d.name == "gpus":
        return f"docker run --gpus {d.before}" if d.before != "0" else "docker run without --gpus"
    what = _HARDWARE.get(d.name.rpartition(".")[2] if d.name.startswith("gpus[") else d.name)
    return f"run on {what} {d.before}" if what is not None and d.before else ""


_HARDWARE: Mapping[str, str] = {
    "name": "the GPU model",
    "compute_capability": "a GPU of compute capability",
    "mig": "the MIG partition",
    "cpu.architecture": "a CPU of architecture",
    "cpu.model": "the CPU model",
    "cpu.vendor": "a CPU of vendor",
    "memory_bytes": "a machine whose memory in bytes is",
}


def _fix_instructions(d: Difference, sides: Sides) -> str:
    before, after = (side.host.cpu.level if side.host is not None else "" for side in (sides.a, sides.b))
    wanted = f"run on a CPU with {before or d.before or 'the extensions of the first side alone'}"
    if not before.startswith("x86-64") or not after.startswith("x86-64"):
        return wanted
    wide = min(before, after) >= "x86-64-v3"
    cap = "avx2 ONEDNN_MAX_CPU_ISA=AVX2" if wide else "default ONEDNN_MAX_CPU_ISA=SSE41"
    # All three are needed: one cap alone leaves other libraries free (Deep-MI/FastSurfer#892).
    return f"{wanted}, or on both sides: export ATEN_CPU_CAPABILITY={cap} MKL_CBWR=COMPATIBLE"


def _fix_output(_d: Difference, _: Sides) -> str:
    return ""


_SECTIONS: Mapping[str, Callable[[Difference, Sides], str]] = {
    "inputs": _fix_input,
    "code": _fix_input,
    "run": _fix_run,
    "environment": _fix_variable,
    "packages": fix_package,
    "libraries": _fix_library,
    "pythons": _fix_python,
    "os": _fix_os,
    "image": _fix_image,
    "host": _fix_host,
    "outputs": _fix_output,
    **dict.fromkeys(CONTEXT, lambda difference, _: fix_context(difference)),
}
