"""Alpine packages: lib/apk/db/installed, one letter per field (apk-package(5))."""

from __future__ import annotations

import re

from reprocheck.collect.claims import claimable
from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.os_release import system_of
from reprocheck.collect.purl import distribution_url
from reprocheck.collect.reading import lost, read, unknown
from reprocheck.limits import Limits
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "apk"
DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
endings: tuple[str, ...] = ("/apk/db/installed",)
prefixes: tuple[str, ...] = ()

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_VERSION = re.compile(r"[A-Za-z0-9.+_~:-]+")
_SINGLE = frozenset("PVAoDp")


def wants(path: str) -> bool:
    """The database, at its old and at its new place."""
    return path in DATABASES


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read the database. A bad entry is one Unknown; the others stay."""
    found = system_of(view)
    system = found if isinstance(found, OperatingSystem) else None
    packages: list[Package] = []
    claims: list[Claim] = []
    unknowns = [gone for path in DATABASES if (gone := lost(view, path, "packages"))]
    # On a merged /usr both places are one file.
    real = {entry.path for path in DATABASES if (entry := view.tree.resolve(path)) is not None}
    for path in sorted(real):
        raw = read(view, path, limits.retained_file, "packages")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
            continue
        offset = 0
        for block in raw.split(b"\n\n"):
            where = f"{path} bytes {offset}-{offset + len(block)}"
            offset += len(block) + 2
            if not block.strip():
                continue
            if len(packages) + len(unknowns) >= limits.packages:
                reason = f"holds more than the limit of {limits.packages} packages; the rest was not read"
                unknowns.append(unknown("packages", path, reason))
                break
            item = _package(block, where, system)
            if isinstance(item, Unknown):
                unknowns.append(item)
                continue
            packages.append(item)
            claims.extend(
                Claim(path=owned, manager="apk", owner=item.purl, version=item.version)
                for owned in claimable(_files(block))
            )
    return Observed(packages=tuple(packages), unknowns=tuple(unknowns), claims=tuple(claims))


def _package(block: bytes, where: str, system: OperatingSystem | None) -> Package | Unknown:
    fields: dict[str, str] = {}
    for line in block.split(b"\n"):
        key = chr(line[0]) if line[1:2] == b":" else ""
        if key not in _SINGLE:
            continue
        if key in fields:
            return unknown("packages", where, f"the entry holds the field {key} twice")
        try:
            fields[key] = line[2:].decode("utf-8").strip()
        except UnicodeDecodeError:
            return unknown("packages", where, f"the field {key} is not UTF-8")
    label, version = fields.get("P", ""), fields.get("V", "")
    if not _NAME.fullmatch(label) or not _VERSION.fullmatch(version):
        reason = f"the entry has no valid name and version ({label[:60]!r}, {version[:60]!r})"
        return unknown("packages", where, reason)
    architecture, origin = fields.get("A", ""), fields.get("o", "")
    return Package(
        type="apk",
        name=label,
        version=version,
        purl=distribution_url("apk", label, version, architecture, system),
        architecture=architecture,
        source_name=origin,
        source_version=version if origin else "",  # every package of one origin has its version
        depends=tuple(fields.get("D", "").split()),
        provides=tuple(fields.get("p", "").split()),
    )


def _files(block: bytes) -> list[str]:
    """Paths of the entry: `F:` opens a directory, `R:` names a file in it."""
    if b"-info" not in block and b".so" not in block and b"bin/py" not in block and b"R:py" not in block:
        return []
    paths: list[str] = []
    directory = ""
    for line in block.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("F:"):
            directory = "/" + line[2:]
            paths.append(directory)
        elif line.startswith("R:"):
            paths.append(f"{directory}/{line[2:]}")
    return paths
