"""The operating system's own name: os-release(5)."""

from __future__ import annotations

import re

from reprocheck.collect.observed import Observed
from reprocheck.collect.reading import read, unknown
from reprocheck.limits import KIB, Limits
from reprocheck.model.image import OperatingSystem
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "os-release"
PATHS = ("/etc/os-release", "/usr/lib/os-release")
endings: tuple[str, ...] = ("/os-release",)
prefixes: tuple[str, ...] = ()

_LIMIT = 64 * KIB
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_ESCAPED = re.compile(r'\\([\\"`$])')


def wants(path: str) -> bool:
    """The file at either place; /etc/os-release may be a link to the other."""
    return path in PATHS


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read /etc/os-release, else /usr/lib/os-release. Neither: no operating system (`FROM scratch`)."""
    found = system_of(view)
    if isinstance(found, Unknown):
        return Observed(unknowns=(found,))
    return Observed(os=found)


def system_of(view: ContainerView) -> OperatingSystem | Unknown | None:
    """Return what os-release says, None when the tree has none."""
    for path in PATHS:
        if not view.tree.exists(path):
            continue
        raw = read(view, path, _LIMIT, "os")
        if isinstance(raw, Unknown):
            return raw
        try:
            fields = parse(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return unknown("os", path, "is not UTF-8")
        return OperatingSystem(
            # The manual page defines this default.
            id=fields.get("ID", "linux"),
            version_id=fields.get("VERSION_ID", ""),
            name=fields.get("PRETTY_NAME", "") or fields.get("NAME", ""),
            codename=fields.get("VERSION_CODENAME", ""),
        )
    return None


def parse(text: str) -> dict[str, str]:
    """Parse shell-compatible assignments; lines that are none are passed over, the last assignment counts.

    os-release(5): single quotes hold text as it is; in double quotes a backslash protects only backslash,
    double quote, backtick and dollar; no expansion happens.
    """
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        match = _ASSIGNMENT.fullmatch(line.rstrip())
        if match is None:
            continue
        key, value = match.groups()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = _ESCAPED.sub(r"\1", value[1:-1])
        elif len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        fields[key] = value
    return fields
