"""A manifest that holds what a document of another tool tells, and says what that covers."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.utils import canonicalize_name

from reprocheck.foreign.reading import is_name, is_version, short, unread
from reprocheck.foreign.urls import purl_of
from reprocheck.model.host import Host
from reprocheck.model.image import Coverage, OperatingSystem, Source
from reprocheck.model.manifest import MANIFEST_VERSION, Manifest, Observation, Tool
from reprocheck.model.package import DirectUrl, Distribution, Framework, Package, PythonEnvironment
from reprocheck.model.unknown import Unknown

ANY_PYTHON = "python"
"""Stands for an interpreter whose path is not told."""


def partial_manifest(
    *,
    where: str,
    reader: str,
    covers: Coverage,
    packages: Iterable[Package] = (),
    pythons: tuple[PythonEnvironment, ...] = (),
    os: OperatingSystem | None = None,
    host: Host | None = None,
    frameworks: tuple[Framework, ...] = (),
    unknowns: Iterable[Unknown] = (),
    tool: Tool | None = None,
    notes: tuple[str, ...] = (),
) -> Manifest:
    """Return an unsealed manifest of kind `document`; packages and unknowns are put in order."""
    return Manifest(
        schema_version=MANIFEST_VERSION,
        digests=None,
        image=None,
        os=os,
        packages=tuple(sorted(packages, key=_order)),
        pythons=pythons,
        libraries=(),
        environment=(),
        host=host,
        run=None,
        unknowns=tuple(sorted(unknowns, key=lambda one: (one.section, one.where, one.reason))),
        source=Source(kind="document", reference=short(where, 200), reader=reader, covers=covers),
        observation=Observation(tools=() if tool is None else (tool,), notes=notes),
        frameworks=frameworks,
    )


def _order(package: Package) -> tuple[str, str, str, str]:
    return (package.type, package.name, package.version, repr(package))


def distribution(
    name: str,
    version: str,
    *,
    location: str = "",
    metadata: str = "",
    direct_url: DirectUrl | None = None,
    requires: tuple[str, ...] = (),
    requires_python: str = "",
) -> Package:
    """Return a Python distribution of which no environment is known; `version` may be ''."""
    return Package(
        type="pypi",
        name=name,
        version=version,
        purl=purl_of("pypi", canonicalize_name(name), version),
        python=Distribution(
            environment="",
            location=location,
            metadata=metadata,
            direct_url=direct_url,
            requires=requires,
            requires_python=requires_python,
        ),
    )


def interpreter(version: str, implementation: str = "", executable: str = ANY_PYTHON) -> PythonEnvironment:
    """Return an interpreter of which the path is not told."""
    return PythonEnvironment(
        executable=executable, prefix="", kind="system", implementation=implementation, version=version
    )


def problem_of(name: str, version: str, *, pypi: bool = False) -> str:
    """Say what keeps an entry from being a package, '' when nothing does."""
    if not is_name(name, pypi=pypi):
        return f"has no valid name ({short(name)})"
    return "" if is_version(version) else f"has no valid version ({short(version)})"


def unread_entry(where: str, place: str, problem: str) -> Unknown:
    """Return the Unknown of one entry of a document."""
    return unread(f"{where} {place}", problem)
