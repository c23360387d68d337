"""How two copies of one package, equal in version and content, are described otherwise."""

from __future__ import annotations

from reprocheck.compare.difference import Shown
from reprocheck.model.package import Distribution, Package

Fact = tuple[str, Shown, Shown]
"""Attribute, and both sides' value."""


def describe(before: Package, after: Package) -> tuple[Fact, ...]:
    """List what metadata says beside version and content; only some of it ever differs alone."""
    facts: list[Fact] = [
        ("source", _source(before), _source(after)),
        ("provides", before.provides, after.provides),
        ("conflicts", before.conflicts, after.conflicts),
        ("multi-arch", before.multi_arch, after.multi_arch),
        ("owner", _unversioned(before.owner), _unversioned(after.owner)),
    ]
    if before.python is not None and after.python is not None:
        facts += _distribution(before.python, after.python)
    if before.conda is not None and after.conda is not None:
        facts.append(("pip-name", before.conda.pip_name, after.conda.pip_name))
    return tuple(facts)


def _distribution(before: Distribution, after: Distribution) -> list[Fact]:
    return [
        ("extras", before.extras, after.extras),
        ("has-record", before.has_record, after.has_record),
        ("file-count", before.files, after.files),
        ("requires-listed", before.requires, after.requires),
        ("requires-python", before.requires_python, after.requires_python),
    ]


def _source(package: Package) -> str:
    return f"{package.source_name} {package.source_version}".strip()


def _unversioned(purl: str) -> str:
    return purl.partition("?")[0].rpartition("@")[0] or purl.partition("?")[0]
