"""From a difference of packages to a suspicion."""

from __future__ import annotations

from reprocheck.explain import tables
from reprocheck.explain.architecture import ANY
from reprocheck.explain.suspicion import Group, Suspicion, suspect
from reprocheck.model.change import Difference

_DESCRIPTION = frozenset(
    {
        "source",
        "provides",
        "conflicts",
        "multi-arch",
        "owner",
        "extras",
        "has-record",
        "file-count",
        "requires-listed",
        "pip-name",
    }
)
"""What metadata says of a package beside version and content."""


def judge_package(d: Difference, known: tables.Knowledge | None) -> Suspicion:
    """Find the rule for one difference of `packages`; `known` is what the tables say of its name. Total."""
    if d.attribute in ("wheel", "remnant"):
        return suspect(d, "PKG-345", Group.FILES, weight=10)
    python = d.type in ("pypi", "conda")
    weight, why = (known.weight, known.why) if known is not None else (20, "")
    group = _package_group(known, python)
    if known is not None and known.role == "tool":
        return suspect(d, "PKG-334", group, weight=0, why=why)
    if d.attribute == "version":
        code = known.code if known is not None else ("PKG-331" if python else "PKG-332")
        return suspect(d, code, group, weight=weight, why=why)
    if d.attribute == "presence":
        if known is not None:
            return suspect(d, "PKG-333", group, weight=weight, severity="medium", why=why)
        return suspect(d, "PKG-333", group, weight=weight, effect=None if python else "break")
    if d.attribute == "location":
        return suspect(d, "PKG-339", group)
    if d.attribute == "architecture":
        return _judge_architecture(d, group)
    if d.attribute == "effective":
        return suspect(d, "PKG-337", group, weight=weight)
    if d.attribute in _DESCRIPTION:
        return suspect(d, "PKG-348", group, weight=5)
    if known is not None:
        return suspect(d, "PKG-316", group, weight=weight)
    return suspect(d, "PKG-316", group, weight=weight, severity="medium", effect=None if python else "bytes")


def _package_group(known: tables.Knowledge | None, python: bool) -> Group:
    if known is None or known.role == "tool":
        return Group.PYTHON if python else Group.SYSTEM
    if known.role == "driver":
        return Group.DRIVER
    if python and known.role not in ("interpreter", "tz", "locale"):
        return Group.NUMERIC
    if known.role in ("numeric", "blas", "decoder"):
        return Group.NUMERIC
    return Group.PYTHON if python else Group.SYSTEM


def _judge_architecture(d: Difference, group: Group) -> Suspicion:
    if d.before in ANY or d.after in ANY:
        return suspect(d, "PKG-348", group, weight=5)
    return suspect(d, "PKG-350", group, weight=15)
