"""The marker environment of a recorded interpreter: never that of the Python that runs reprocheck."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.version import InvalidVersion, Version

from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

# The machine names that `uname -m` gives for the names of OCI platforms and of Debian's architectures.
_MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "386": "i686",
    "i386": "i686",
    "armhf": "armv7l",
    "armel": "armv5tel",
    "ppc64el": "ppc64le",
}
_ARM_VARIANTS = {"v5": "armv5tel", "v6": "armv6l", "v7": "armv7l", "v8": "armv8l"}
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD = re.compile(r"[a-z_]+")
_BEYOND = 10_000
"""A micro version above any release: the upper end of what `3.11` may stand for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """What markers and Requires-Python are evaluated against."""

    candidates: tuple[Mapping[str, str], ...]
    """One environment when the version is known in full; two, its lowest and highest, when only `3.11` is."""
    versions: tuple[Version, ...]
    """The full versions of the candidates; empty when the version could not be told."""
    unknown: frozenset[str]
    """Marker variables that could not be told."""

    def holds(self, marker: Marker | None, extras: tuple[str, ...] = ()) -> bool | None:
        """Whether a marker holds, for no extra or for any of `extras`; None when it cannot be told."""
        if marker is None:
            return True
        if self.unknown and not self.unknown.isdisjoint(_WORD.findall(_QUOTED.sub("", str(marker)))):
            return None
        try:
            answers = {
                any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))
                for environment in self.candidates
            }
        except ValueError:
            return None
        return answers.pop() if len(answers) == 1 else None


def describe_interpreter(python: PythonEnvironment, manifest: Manifest) -> Interpreter:
    """Build the marker environment of one recorded interpreter from the manifest alone."""
    versions = _full_versions(python.version)
    system, machine = _system(manifest), _machine(manifest)
    known = {
        "implementation_name": python.implementation,
        "platform_python_implementation": _IMPLEMENTATIONS.get(python.implementation, ""),
        "os_name": "posix" if system else "",
        "sys_platform": system.lower(),
        "platform_system": system,
        "platform_machine": machine,
        "platform_release": manifest.host.kernel if manifest.host is not None else "",
        "platform_version": "",
    }
    unknown = {name for name, value in known.items() if not value}
    candidates = []
    for version in versions or (None,):
        text = "" if version is None else str(version)
        short = "" if version is None else f"{version.major}.{version.minor}"
        own = text if python.implementation == "cpython" else ""
        candidates.append(
            {**known, "python_full_version": text, "python_version": short, "implementation_version": own}
        )
        unknown |= {
            name
            for name in ("python_full_version", "python_version", "implementation_version")
            if not candidates[-1][name]
        }
    return Interpreter(candidates=tuple(candidates), versions=versions, unknown=frozenset(unknown))


def _full_versions(text: str) -> tuple[Version, ...]:
    try:
        version = Version(text.rstrip("+"))
    except InvalidVersion:
        return ()
    if len(version.release) >= 3:
        return (version,)
    if len(version.release) < 2:
        return ()
    stem = f"{version.major}.{version.minor}"
    return Version(f"{stem}.0"), Version(f"{stem}.{_BEYOND}")


def _system(manifest: Manifest) -> str:
    """`platform.system()` of the target: the image's, else the host's, else Linux with OS packages."""
    if manifest.image is not None:
        return manifest.image.os.capitalize()
    if manifest.source.kind in {"local", "environment"} and manifest.host is not None:
        return manifest.host.system
    return "Linux" if manifest.os is not None else ""


def _machine(manifest: Manifest) -> str:
    """`platform.machine()` of the target."""
    image = manifest.image
    if image is not None and image.architecture == "arm":
        return _ARM_VARIANTS.get(image.variant, "armv7l")
    if image is not None:
        return _MACHINES.get(image.architecture, image.architecture)
    owned = Counter(
        p.architecture for p in manifest.packages if p.type == "deb" and p.architecture not in {"", "all"}
    )
    if owned:
        most = min(owned, key=lambda name: (-owned[name], name))
        return _MACHINES.get(most, most)
    if manifest.source.kind in {"local", "environment"} and manifest.host is not None:
        return _MACHINES.get(manifest.host.cpu.architecture, manifest.host.cpu.architecture)
    return ""
