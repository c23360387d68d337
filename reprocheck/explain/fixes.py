"""One command or action per finding that turns B's side into A's.

Names and versions come from a foreign document: they are quoted for the shell, and a name that a tool could
take for an option, or that no tool would accept, gets a sentence in place of a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reprocheck.explain.judging import normal_name
from reprocheck.model.change import Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:~!^-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOTHING = ("exit_code", "oom_killed", "timed_out")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sides:
    """Both manifests, with what fixes look up in them."""

    a: Manifest
    b: Manifest
    packages: Mapping[tuple[str, str, str | None, str], Package]
    """Those of `a`, by type, normalised name, version (None for any) and place ('' for any)."""
    values: frozenset[tuple[str, str | None]]
    """Names and values of the recorded variables of `a`."""


def sides_of(a: Manifest, b: Manifest) -> Sides:
    """Index both manifests once."""
    packages: dict[tuple[str, str, str | None, str], Package] = {}
    for package in sorted(a.packages, key=lambda p: (p.version, p.purl, _places(p))):
        name = normal_name(package.type, package.name)
        for version in (package.version, None):
            for place in (*_places(package), ""):
                packages.setdefault((package.type, name, version, place), package)
    return Sides(
        a=a,
        b=b,
        packages=packages,
        values=frozenset((v.name, v.value) for v in a.environment if v.state == "recorded"),
    )


def fix_of(difference: Difference, sides: Sides) -> str:
    """Return the fix, '' where there is none: an effect cannot be put right, its cause can."""
    return _SECTIONS[difference.section](difference, sides)


def _fix_input(d: Difference, _: Sides) -> str:
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
    value = d.before
    if d.name == "resources.nano_cpus":
        value = f"{int(value) / 10**9:.9f}".rstrip("0").rstrip(".")
    return f"docker run {flag} {shlex.quote(value)}"


def _fix_variable(d: Difference, sides: Sides) -> str:
    if d.attribute in ("origin", "overridden"):
        return ""
    if _VARIABLE.fullmatch(d.name) is None:
        return f"set the variable {shlex.quote(d.name)} as the first side has it"
    if d.before is None:
        return f"unset {d.name}"
    if (d.name, d.before) not in sides.values:
        return f"set {d.name} as the first side has it; its value is not recorded"
    assignment = f"{d.name}={shlex.quote(d.before)}"
    b = sides.b
    contained = b.run is not None and b.run.engine == "docker"
    if contained or (b.run is None and b.source.kind in ("image", "container")):
        return f"docker run -e {assignment}"
    return f"export {assignment}"


def _fix_package(d: Difference, sides: Sides) -> str:
    package = _package(d, sides)
    if d.attribute == "presence" and d.after is not None:
        return _uninstall(d, sides.b) if _PLAIN.fullmatch(d.name) else "uninstall what the first side lacks"
    if package is None or not _PLAIN.fullmatch(package.name) or not _PLAIN.fullmatch(package.version):
        return "install the version that the first manifest records"
    match package.type:
        case "pypi":
            return _pip(package, d, sides.b)
        case "conda":
            return _conda(package)
        case "deb":
            name = f"{package.name}:{package.architecture}" if d.where else package.name
            again = "--reinstall " if d.attribute not in ("version", "presence") else ""
            return f"apt-get install {again}{shlex.quote(f'{name}={package.version}')}"
        case "rpm":
            verb = "install"
            if d.attribute == "version":
                verb = "downgrade" if d.direction == "upgrade" else "install"
            elif d.attribute != "presence":
                verb = "reinstall"
            return f"dnf {verb} {shlex.quote(f'{package.name}-{package.version}')}"
        case "apk":
            return f"apk add {shlex.quote(f'{package.name}={package.version}')}"


def _package(d: Difference, sides: Sides) -> Package | None:
    version = d.before if d.attribute in ("version", "presence") else None
    kind, name = d.type, normal_name(d.type, d.name)
    return sides.packages.get((kind, name, version, d.where)) or sides.packages.get((kind, name, version, ""))


def _places(package: Package) -> tuple[str, ...]:
    if package.python is not None:
        return (package.python.environment, package.python.location)
    return (package.conda.prefix,) if package.conda is not None else (package.architecture,)


def _installer(d: Difference, side: Manifest) -> str:
    """Name the interpreter whose pip is meant, where there is more than one."""
    if len(side.pythons) > 1 and any(python.executable == d.where for python in side.pythons):
        return f"{shlex.quote(d.where)} -m pip"
    return "pip"


def _pip(package: Package, d: Difference, b: Manifest) -> str:
    url = package.python.direct_url if package.python is not None else None
    pip = _installer(d, b)
    if url is not None and url.vcs and url.commit:
        part = f"#subdirectory={url.subdirectory}" if url.subdirectory else ""
        return f"{pip} install {shlex.quote(f'{package.name} @ {url.vcs}+{url.url}@{url.commit}{part}')}"
    if url is not None and url.archive_sha256 and not url.url.startswith("file:"):
        pin = f"{package.name} @ {url.url}#sha256={url.archive_sha256}"
        return f"{pip} install {shlex.quote(pin)}"
    if url is not None:
        return f"install {package.name} {package.version} from the first side's own source tree"
    again = "" if d.attribute in ("version", "presence") else "--force-reinstall --no-deps "
    return f"{pip} install {again}{shlex.quote(f'{package.name}=={package.version}')}"


def _conda(package: Package) -> str:
    conda = package.conda
    if conda is None:
        return f"conda install {shlex.quote(f'{package.name}={package.version}')}"
    spec = f"{package.name}={package.version}={conda.build}".rstrip("=")
    channel = f"-c {shlex.quote(conda.channel)} " if _PLAIN.fullmatch(conda.channel) else ""
    return f"conda install {channel}{shlex.quote(spec)}"


def _uninstall(d: Difference, b: Manifest) -> str:
    name = shlex.quote(d.name)
    verbs = {
        "deb": "apt-get remove",
        "rpm": "dnf remove",
        "apk": "apk del",
        "conda": "conda remove",
    }
    return f"{verbs[d.type]} {name}" if d.type in verbs else f"{_installer(d, b)} uninstall -y {name}"


def _fix_library(d: Difference, sides: Sides) -> str:
    owners = {x.owner for x in sides.a.libraries if x.kind == d.type and x.name == d.name and x.owner}
    if d.before is None:
        return f"remove {shlex.quote(d.after or d.name)}, or the package that brought it"
    if len(owners) == 1:
        return f"install {shlex.quote(min(owners))}, which brings it on the first side"
    return f"install {shlex.quote(d.name)} as the first side has it: {d.before or 'version unknown'}"


def _fix_python(d: Difference, _: Sides) -> str:
    path = shlex.quote(d.name)
    if d.attribute == "presence":
        return f"start without {path}" if d.before is None else f"create {path} with Python {d.before}"
    if d.attribute in ("version", "implementation"):
        return f"use Python {d.before} at {path}"
    if d.attribute == "active":
        return f"start {path}" if d.before == "yes" else f"start the first side's interpreter, not {path}"
    return f"recreate {path} with the first side's {d.attribute}"


def _fix_image(d: Difference, sides: Sides) -> str:
    digests = sides.a.source.repo_digests
    image = digests[0] if digests else (sides.a.source.config_digest or "")
    if not image:
        return "start from the first side's image"
    return f"docker {'pull' if digests else 'run'} {shlex.quote(image)}"


def _fix_os(d: Difference, sides: Sides) -> str:
    return _fix_image(d, sides)


def _fix_host(d: Difference, sides: Sides) -> str:
    if d.name in ("cpu.level", "cpu.features"):
        return _fix_instructions(d, sides)
    if d.name == "driver.version":
        return f"install NVIDIA driver {d.before}" if d.before else "run on a machine without NVIDIA driver"
    if d.name in ("cpu.logical", "cpu.allowed"):
        return f"docker run --cpuset-cpus 0-{int(d.before) - 1}" if d.before and d.before != "0" else ""
    if d.name == "cpu.quota_millicpus":
        return f"docker run --cpus {int(d.before) / 1000:g}" if d.before else "docker run without --cpus"
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
    "packages": _fix_package,
    "libraries": _fix_library,
    "pythons": _fix_python,
    "os": _fix_os,
    "image": _fix_image,
    "host": _fix_host,
    "outputs": _fix_output,
}
