"""Debian packages: /var/lib/dpkg/status, and status.d/* in distroless images.

A package counts as installed when the third word of its Status is `installed`, whatever is wanted of it
(`install`, `hold`, `deinstall`): `dpkg-query -W` filtered by `${db:Status-Status}` to `installed`. Unfiltered
it also lists `config-files` packages, of which nothing but configuration is left; they are left out here. A
package that dpkg left half done is an Unknown, since nobody can say which of its files are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprocheck.collect.claims import claimable
from reprocheck.collect.deb_stanzas import Stanza, stanzas
from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.os_release import system_of
from reprocheck.collect.purl import distribution_url
from reprocheck.collect.reading import lost, read, unknown
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "dpkg"
DIRECTORY = "/var/lib/dpkg"
STATUS = "/var/lib/dpkg/status"
STATUS_D = "/var/lib/dpkg/status.d/"
INFO = "/var/lib/dpkg/info/"
endings: tuple[str, ...] = ("/dpkg/status",)
prefixes: tuple[str, ...] = (STATUS_D, INFO)

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")  # Debian Policy 5.6.7
_VERSION = re.compile(r"[A-Za-z0-9.+~:-]+")  # Debian Policy 5.6.12
_ARCHITECTURE = re.compile(r"[a-z0-9-]*")
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^()\s]+)\))?")
_TERM = re.compile(r"\s*([^\s:(]+)")
_MULTI_ARCH = ("same", "foreign", "allowed")
_GONE = ("not-installed", "config-files")


_SIGNS = (b"-info", b".so", b"/bin/py")
"""What every path holds that `claimable` takes."""


def wants(path: str) -> bool:
    """The databases and the file lists; file lists tell which package owns a Python distribution."""
    if path.startswith(INFO):
        return path.endswith(".list")
    return path == STATUS or (path.startswith(STATUS_D) and not path.endswith(".md5sums"))


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read every database that is there; each bad stanza is one Unknown and costs nothing else."""
    found = system_of(view)
    system = found if isinstance(found, OperatingSystem) else None
    packages: list[Package] = []
    unknowns = [gone for path in (STATUS, DIRECTORY) if (gone := lost(view, path, "packages"))]
    for path in _databases(view):
        raw = read(view, path, limits.retained_file, "packages")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            continue
        for stanza in stanzas(raw):
            item = _package(stanza, path, system)
            if isinstance(item, Unknown):
                unknowns.append(item)
            elif item is not None:
                packages.append(item)
            if len(packages) + len(unknowns) > limits.packages:
                reason = f"holds more than the limit of {limits.packages} packages; the rest was not read"
                unknowns.append(unknown("packages", path, reason))
                break
    claims = _claims(view, packages, limits, unknowns)
    packages = _without_idle(packages)
    if len({package.architecture for package in packages} - {"", "all"}) < 2:
        packages = [replace(package, multi_arch="") for package in packages]
    return Observed(packages=tuple(packages), unknowns=tuple(unknowns), claims=claims)


def _databases(view: ContainerView) -> list[str]:
    found = [STATUS] if view.tree.exists(STATUS) else []
    directory = STATUS_D.rstrip("/")
    return found + [
        STATUS_D + entry for entry in view.tree.names(directory) if not entry.endswith(".md5sums")
    ]


def _package(stanza: Stanza, path: str, system: OperatingSystem | None) -> Package | Unknown | None:
    where = f"{path} bytes {stanza.start}-{stanza.end}"
    if stanza.problem:
        return unknown("packages", where, f"the stanza {stanza.problem}")
    fields = stanza.fields
    label = fields.get("Package", "")
    if not _NAME.fullmatch(label):
        return unknown("packages", where, f"the stanza has no valid package name ({label[:60]!r})")
    # Distroless stanzas have no Status: what lies in status.d is installed.
    state = (fields.get("Status", "install ok installed").split() or [""])[-1]
    if state in _GONE:
        return None
    if state != "installed":
        return unknown(
            "packages", where, f"{label} is in the state {state[:40]!r}, neither installed nor gone"
        )
    version = fields.get("Version", "")
    if not _VERSION.fullmatch(version):
        return unknown("packages", where, f"{label} has no valid version ({version[:60]!r})")
    architecture = fields.get("Architecture", "")
    if not _ARCHITECTURE.fullmatch(architecture):
        return unknown("packages", where, f"{label} has no valid architecture ({architecture[:60]!r})")
    source = _SOURCE.fullmatch(fields.get("Source", ""))
    return Package(
        type="deb",
        name=label,
        version=version,
        purl=distribution_url("deb", label, version, architecture, system),
        architecture=architecture,
        source_name=source[1] if source else label,
        source_version=(source[2] or version) if source else version,
        depends=_groups(fields.get("Pre-Depends", "")) + _groups(fields.get("Depends", "")),
        provides=_groups(fields.get("Provides", "")),
        conflicts=_groups(fields.get("Conflicts", "")) + _groups(fields.get("Breaks", "")),
        multi_arch=multi_arch if (multi_arch := fields.get("Multi-Arch", "")) in _MULTI_ARCH else "",
    )


def _groups(value: str) -> tuple[str, ...]:
    return tuple(group for part in value.split(",") if (group := " ".join(part.split())))


def _without_idle(packages: list[Package]) -> list[Package]:
    """Leave out conflicts with what is not installed, which are most of them."""
    there = {package.name for package in packages}
    there.update(match[1] for p in packages for text in p.provides if (match := _TERM.match(text)))
    return [
        replace(
            package,
            conflicts=tuple(text for text in package.conflicts if _names(text) & there - {package.name}),
        )
        for package in packages
    ]


def _names(group: str) -> set[str]:
    return {match[1] for term in group.split("|") if (match := _TERM.match(term))}


def _claims(
    view: ContainerView, packages: list[Package], limits: Limits, unknowns: list[Unknown]
) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    names = frozenset(view.tree.names(INFO.rstrip("/")))
    for package in packages:
        # `Multi-Arch: same` packages have the architecture in the name of their list.
        for stem in (package.name, f"{package.name}:{package.architecture}"):
            if f"{stem}.list" not in names:
                continue
            raw = read(view, f"{INFO}{stem}.list", limits.record_file, "packages")
            if isinstance(raw, Unknown):
                unknowns.append(raw)
                continue
            claims.extend(
                Claim(path=path, manager="deb", owner=package.purl, version=package.version)
                for path in claimable(_candidates(raw))
            )
    return tuple(claims)


def _candidates(raw: bytes) -> Iterator[str]:
    """Yield the lines that `claimable` can take, in order; most of a machine's lists are not even decoded."""
    lines: dict[int, bytes] = {}
    for sign in _SIGNS:
        at = raw.find(sign)
        while at >= 0:
            start = raw.rfind(b"\n", 0, at) + 1
            end = raw.find(b"\n", at)
            end = end if end >= 0 else len(raw)
            lines[start] = raw[start:end]
            at = raw.find(sign, end)
    for start in sorted(lines):
        yield lines[start].decode("utf-8", "surrogateescape")
