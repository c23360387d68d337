"""What Python packages require of each other, read safely from Requires-Dist lines that anybody can write."""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.requirements import Requirement

from reprocheck.explain.judging import normal_name
from reprocheck.explain.markers import Environment
from reprocheck.model.package import Package

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_MAX_LINE = 1024
_MAX_PARENTHESES = 16


def required_names(package: Package) -> frozenset[str]:
    """Return the names that a package requires, those behind an extra left out."""
    if package.python is None:
        return frozenset()
    names = (_name_of(line) for line in package.python.requires if "extra" not in line.partition(";")[2])
    return frozenset(name for name in names if name)


def demands(package: Package) -> dict[str, tuple[str, ...]]:
    """Return a package's lines by the name that they are about, markers and extras included, sorted."""
    lines: dict[str, set[str]] = {}
    for line in package.python.requires if package.python is not None else ():
        lines.setdefault(_name_of(line), set()).add(line)
    return {name: tuple(sorted(found)) for name, found in lines.items() if name}


def allows(lines: tuple[str, ...], version: str, environment: Environment | None = None) -> bool:
    """Return whether every line that can be read allows this version.

    Lines behind an extra say nothing, nor do those whose marker does not hold in `environment`.
    """
    for line in lines:
        requirement = _parse(line)
        if requirement is None or not _applies(line, environment):
            continue
        try:
            if not requirement.specifier.contains(version, prereleases=True):
                return False
        except ValueError:  # a version that PEP 440 does not know
            return False
    return True


@lru_cache(maxsize=4096)
def _applies(line: str, environment: Environment | None) -> bool:
    requirement = _parse(line)
    if requirement is None or requirement.marker is None:
        return True
    if "extra" in str(requirement.marker):
        return False
    if environment is None:
        return True
    try:
        return requirement.marker.evaluate(dict(environment))
    except ValueError:  # UndefinedComparison, UndefinedEnvironmentName
        return True


@lru_cache(maxsize=65536)
def _name_of(line: str) -> str:
    match = _NAME.match(line[:_MAX_LINE])
    return normal_name("pypi", match[1]) if match else ""


@lru_cache(maxsize=4096)
def _parse(line: str) -> Requirement | None:
    if len(line) > _MAX_LINE or line.count("(") > _MAX_PARENTHESES:
        return None
    try:
        return Requirement(line)
    except ValueError:  # InvalidRequirement, or digits beyond the interpreter's own limit
        return None
