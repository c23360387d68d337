"""What one collector hands back, and what a collector is."""

from __future__ import annotations

from typing import Literal, Protocol

from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.context import HubRepository
from reprocheck.model.image import OperatingSystem
from reprocheck.model.integrity import Integrity
from reprocheck.model.library import LibraryFacts
from reprocheck.model.package import (
    Framework,
    LinkNeed,
    LoaderChoice,
    NativeLibrary,
    Package,
    PythonEnvironment,
    Remnant,
    WheelFile,
)
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView


class Claim(Frozen, frozen=True, kw_only=True):
    """A package manager says that this path is its own.

    Kept only for paths that a join needs: metadata directories, interpreters, native libraries.
    """

    path: str
    manager: Literal["deb", "apk", "rpm", "conda", "pypi"]
    owner: str
    """purl of the package."""
    version: str
    """Full version of the package."""


class Observed(Frozen, frozen=True, kw_only=True):
    """What was seen, and what was not."""

    os: OperatingSystem | None = None
    packages: tuple[Package, ...] = ()
    pythons: tuple[PythonEnvironment, ...] = ()
    libraries: tuple[NativeLibrary, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    wheels: tuple[WheelFile, ...] = ()
    remnants: tuple[Remnant, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    loading: tuple[LoaderChoice, ...] = ()
    linking: tuple[LinkNeed, ...] = ()
    hub: tuple[HubRepository, ...] = ()
    integrity: Integrity | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know that is no failure to read."""
    claims: tuple[Claim, ...] = ()
    """Between the collectors and the joins only; `observe` gives none."""
    objects: tuple[tuple[str, LibraryFacts], ...] = ()
    """Shared objects by path, for the choices of the dynamic loader; `observe` gives none."""


class Collector(Protocol):
    """A plugin: one module per source of truth."""

    name: str
    endings: tuple[str, ...]
    """Every path that it wants ends with one of these ..."""
    prefixes: tuple[str, ...]
    """... or starts with one of these. A coarse sieve, so that two million paths cost a second."""

    def wants(self, path: str) -> bool:
        """Whether it reads the file at this absolute path."""
        ...

    def collect(self, view: ContainerView, limits: Limits) -> Observed:
        """Read what is there. Raises nothing: what fails becomes an Unknown."""
        ...
