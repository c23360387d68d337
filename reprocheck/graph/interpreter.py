"""The marker environment of a recorded interpreter: never that of the Python that runs reprocheck."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprocheck.graph.marker import VERSIONS, Alternative, Clause
from reprocheck.graph.release import admits, read_bounds, read_release
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import PythonEnvironment

if TYPE_CHECKING:
    from packaging.markers import Marker

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
_VERSION = re.compile(
    r"([0-9]{1,9})\.([0-9]{1,9})((?:\.[0-9]{1,9}){1,4}(?:(?:a|b|rc)[0-9]{1,9})?(?:\.?dev[0-9]{1,9})?)?\+?"
)
"""Of an interpreter: `3.11.2`, `3.13.0rc1`, `3.14.0a1+` (built from a checkout) or only `3.11`."""
_BEYOND = 10_000
"""A micro version above any release: the upper end of what `3.11` may stand for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """What markers and Requires-Python are evaluated against."""

    executable: str
    candidates: tuple[Mapping[str, str], ...]
    """One environment when the version is known in full; two, its lowest and highest, when only `3.11` is."""
    versions: tuple[str, ...]
    """The full versions of the candidates; empty when the version could not be told."""
    unknown: frozenset[str]
    """Marker variables that could not be told."""
    told: dict[Clause, bool | None] = field(default_factory=dict, compare=False, repr=False)
    """Clauses that were evaluated before."""

    def meets(self, alternative: Alternative) -> bool | None:
        """Whether all clauses on the environment hold; None when that cannot be told."""
        certain = True
        for clause in alternative.clauses:
            if clause not in self.told:
                self.told[clause] = self._tell(clause)
            answer = self.told[clause]
            if answer is False:
                return False
            certain = certain and answer is True
        return True if certain else None

    def holds(self, marker: Marker | None, extra: str = "") -> bool | None:
        """Whether a marker holds for one extra, '' for none; None when it cannot be told."""
        if marker is None:
            return True
        if self.unknown and not self.unknown.isdisjoint(_WORD.findall(_QUOTED.sub("", str(marker)))):
            return None
        try:
            answers = {marker.evaluate({**environment, "extra": extra}) for environment in self.candidates}
        except ValueError:
            return None
        return answers.pop() if len(answers) == 1 else None

    def admitted(self, specifiers: str) -> bool | None:
        """Whether Requires-Python allows it; None when `3.11` may or may not. Raises ValueError."""
        answers = {_admits(specifiers, version) for version in self.versions}
        return answers.pop() if len(answers) == 1 else None

    def _tell(self, clause: Clause) -> bool | None:
        name, sign, value = clause
        if name in self.unknown:
            return None
        if name not in VERSIONS:
            return (self.candidates[0][name] == value) == (sign == "==")
        answers = {_admits(sign + value, environment[name]) for environment in self.candidates}
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
    for text in versions or ("",):
        short = ".".join(text.split(".")[:2])
        own = text if python.implementation == "cpython" else ""
        candidates.append(
            {**known, "python_full_version": text, "python_version": short, "implementation_version": own}
        )
        unknown |= {
            name
            for name in ("python_full_version", "python_version", "implementation_version")
            if not candidates[-1][name]
        }
    return Interpreter(
        executable=python.executable,
        candidates=tuple(candidates),
        versions=versions,
        unknown=frozenset(unknown),
    )


def _admits(specifiers: str, version: str) -> bool:
    """Whether a version meets a specifier, pre-releases welcome. Raises ValueError when one is malformed."""
    bounds, reading = read_bounds(specifiers), read_release(version)
    answer = admits(bounds, reading) if bounds is not None and reading is not None else None
    if answer is None:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(specifiers).contains(version, prereleases=True)
    return answer


def _full_versions(text: str) -> tuple[str, ...]:
    """Give `3.11.2` as it is, and `3.11` as the first and the last version that it may stand for."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return ()
    if match[3]:
        return (text.rstrip("+"),)
    stem = f"{match[1]}.{match[2]}"
    return f"{stem}.0", f"{stem}.{_BEYOND}"


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
