"""Installed Python distributions, from their metadata on disk; nothing is imported.

Name and version are those that METADATA writes, so that they equal `pip list`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.path_files import added_in
from reprocheck.collect.python_eggs import ENDINGS, egg, libraries_of, linked, wants_egg, with_origin
from reprocheck.collect.python_origin import parse_direct_url, parse_wheel
from reprocheck.collect.python_reader import Reader, package_of
from reprocheck.collect.python_record import Record, parse_record
from reprocheck.collect.python_sites import VENDORED, Found, metadata_in
from reprocheck.collect.reading import read_json
from reprocheck.limits import Limits
from reprocheck.model.base import Sha256
from reprocheck.model.package import DirectUrl, Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "python-distributions"
_DIST_INFO = tuple(
    f".dist-info/{file}" for file in ("METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json")
)
endings: tuple[str, ...] = (*_DIST_INFO, *ENDINGS)
prefixes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """The metadata files of everything that is not a vendored copy.

    Those in a cache are wanted too: uv can install a distribution as links into its own.
    """
    return (path.endswith(_DIST_INFO) or wants_egg(path)) and not any(mark in path for mark in VENDORED)


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read every metadata directory; the join decides which interpreter finds it, and which one wins."""
    reader = Reader(view=view, limits=limits)
    packages: list[Package] = []
    claims: list[Claim] = []
    added = added_in(view, limits, reader.unknowns)
    everything = metadata_in(view.tree, added)
    origins = linked(reader, [found for found in everything if found.metadata.endswith(".egg-link")], added)
    for found in everything:
        if len(packages) >= limits.packages:
            reason = f"comes after the limit of {limits.packages} packages; it was not read, nor what follows"
            reader.fail(found.path, reason)
            break
        if found.metadata.endswith(".egg-link"):
            continue
        if found.metadata.startswith("~"):
            reader.leave(found.path, "is what an interrupted pip left behind")
            continue
        libraries: Iterable[str] = ()
        if found.metadata.endswith(".dist-info"):
            package, record = _dist_info(reader, found)
            libraries = (posixpath.normpath(posixpath.join(found.location, one)) for one in record.libraries)
        else:
            package = egg(reader, found, added)
            if package is not None:
                package = with_origin(package, origins.get(found.path))
                libraries = libraries_of(reader, found)
        if package is None:
            continue
        packages.append(package)
        claims.extend(
            Claim(path=path, manager="pypi", owner=package.purl, version=package.version)
            for path in libraries
        )
    return Observed(
        packages=tuple(packages),
        unknowns=tuple(reader.unknowns),
        remnants=tuple(reader.remnants),
        claims=tuple(claims),
    )


def _dist_info(reader: Reader, found: Found) -> tuple[Package | None, Record]:
    path, tree = found.path, reader.tree
    if not tree.exists(f"{path}/METADATA"):
        entry = tree.resolve(path)
        if entry is None:
            reason = "is a link that leads nowhere"
        elif tree.names(entry.path):
            reason = "has no METADATA, so it describes nothing"
        else:
            reason = "is empty"
        reader.leave(path, reason)
        return None, Record()
    metadata = reader.metadata(f"{path}/METADATA")
    if metadata is None:
        return None, Record()
    record, has_record = Record(), tree.exists(f"{path}/RECORD")
    raw = reader.required(f"{path}/RECORD", reader.limits.record_file) if has_record else None
    if raw is not None:
        record = parse_record(raw)
        if record.problem:
            reader.fail(f"{path}/RECORD", record.problem)
    tags, build = parse_wheel(reader.optional(f"{path}/WHEEL"))
    installer = reader.optional(f"{path}/INSTALLER").decode("utf-8", "replace")
    files_sha256: Sha256 | None = record.sha256 or None
    package = package_of(
        found,
        metadata,
        tags=tags,
        build=build,
        installer=installer.strip().partition("\n")[0].strip()[:200],
        requested=tree.exists(f"{path}/REQUESTED"),
        direct_url=_direct_url(reader, f"{path}/direct_url.json"),
        has_record=has_record,
        files=record.files,
        files_sha256=files_sha256,
    )
    return package, record


def _direct_url(reader: Reader, path: str) -> DirectUrl | None:
    if not reader.tree.exists(path):
        return None
    document = read_json(reader.view, path, reader.limits, "packages")
    if isinstance(document, Unknown):
        reader.unknowns.append(document)
        return None
    origin = parse_direct_url(document)
    if isinstance(origin, str):
        reader.fail(path, origin)
        return None
    return origin
