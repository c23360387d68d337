"""Whether an environment marker holds for a recorded interpreter: never for the one that runs reprocheck."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from reprocheck.foreign.reading import LONGEST_VALUE
from reprocheck.model.base import Frozen

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD = re.compile(r"[a-z_]+")
_PARENTHESES = 32
"""packaging's parser calls itself for each of them."""
_MACHINES = {
    "x86_64": "64",
    "i686": "32",
    "aarch64": "aarch64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "arm64": "arm64",
    "riscv64": "riscv64",
}
_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}


class Target(Frozen, frozen=True, kw_only=True):
    """What a lock is read for."""

    environments: tuple[Mapping[str, str], ...] = ()
    """Marker environments (PEP 508 names): several when the version is known as `3.11` only; empty when there
    is no interpreter."""
    unknown: frozenset[str] = frozenset()
    """Marker variables that could not be told."""
    subdir: str = ""
    """Platform as conda names it (`linux-64`), '' when it could not be told."""

    @property
    def platform(self) -> str:
        """`subdir`, or what the marker environment says."""
        if self.subdir or not self.environments:
            return self.subdir
        environment = self.environments[0]
        system = _SYSTEMS.get(environment.get("sys_platform", ""), "")
        machine = _MACHINES.get(environment.get("platform_machine", ""), "")
        return f"{system}-{machine}" if system and machine else ""

    def holds(
        self,
        marker: Marker | None,
        *,
        extra: str = "",
        extras: frozenset[str] | None = None,
        groups: frozenset[str] | None = None,
    ) -> bool | None:
        """Whether a marker holds, None when it cannot be told.

        `extras` and `groups` are given for the markers of PEP 751, which name them as sets.
        """
        if marker is None:
            return True
        if not self.environments:
            return None
        if self.unknown and not self.unknown.isdisjoint(_WORD.findall(_QUOTED.sub("", str(marker)))):
            return None
        try:
            answers = {
                marker.evaluate({**environment, "extra": extra})
                if extras is None
                else marker.evaluate(
                    {**environment, "extras": extras, "dependency_groups": groups or frozenset()},
                    context="lock_file",
                )
                for environment in self.environments
            }
        except (ValueError, TypeError, KeyError):
            return None
        return answers.pop() if len(answers) == 1 else None

    def fits(self, requires_python: str) -> bool | None:
        """Whether the interpreter satisfies a Requires-Python, None when it cannot be told."""
        if not requires_python.strip():
            return True
        texts = [environment.get("python_full_version", "") for environment in self.environments]
        if not texts or "python_full_version" in self.unknown or len(requires_python) > LONGEST_VALUE:
            return None
        try:
            wanted = SpecifierSet(requires_python)
            answers = {wanted.contains(Version(text), prereleases=True) for text in texts}
        except (InvalidSpecifier, InvalidVersion, ValueError):
            return None
        return answers.pop() if len(answers) == 1 else None


def is_sound(text: str) -> bool:
    """Whether packaging may be asked about a text: short, and not nested deeply."""
    return len(text) <= LONGEST_VALUE and text.count("(") <= _PARENTHESES


def parse_marker(text: str) -> Marker | None:
    """Return a marker, None for text that is none. The caller sees to the empty text."""
    if not is_sound(text):
        return None
    try:
        return Marker(text)
    except ValueError:
        return None


def parse_requirement(text: str) -> Requirement | None:
    """Return a requirement of PEP 508, None for text that is none."""
    if not is_sound(text):
        return None
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def applies(target: Target, text: str, *, extra: str = "") -> bool | None:
    """Whether a marker as text holds; '' holds always, and what is no marker cannot be told."""
    if not text.strip():
        return True
    marker = parse_marker(text)
    return None if marker is None else target.holds(marker, extra=extra)
