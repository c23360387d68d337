"""Installed Python distributions, from their metadata on disk; nothing is imported.

Name and version are those that METADATA writes, so that they equal `pip list`.
"""

from __future__ import annotations

import posixpath

from reprocheck.collect.observed import Claim, Observed
from reprocheck.collect.purl import package_url
from reprocheck.collect.python_metadata import Metadata, parse_metadata, requires_of_egg
from reprocheck.collect.python_origin import parse_direct_url, parse_wheel
from reprocheck.collect.python_record import Record, parse_record
from reprocheck.collect.python_sites import Found, is_aside, metadata_in
from reprocheck.collect.reading import read, read_json, unknown
from reprocheck.limits import Limits
from reprocheck.model.base import replace
from reprocheck.model.filetree import FileTree, portable
from reprocheck.model.package import DirectUrl, Distribution, Package
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

name: str = "python-distributions"
_DIST_INFO = tuple(
    f".dist-info/{file}" for file in ("METADATA", "RECORD", "WHEEL", "INSTALLER", "direct_url.json")
)
_EGG_INFO = (
    ".egg-info/PKG-INFO",
    ".egg-info/requires.txt",
    ".egg/EGG-INFO/PKG-INFO",
    ".egg/EGG-INFO/requires.txt",
)
endings: tuple[str, ...] = (*_DIST_INFO, *_EGG_INFO, ".egg-info", ".egg-link")
prefixes: tuple[str, ...] = ()


def wants(path: str) -> bool:
    """The metadata files of everything that is not a vendored or cached copy."""
    return path.endswith(endings) and not is_aside(path)


def collect(view: ContainerView, limits: Limits) -> Observed:
    """Read every metadata directory; the join decides which interpreter finds it, and which one wins."""
    packages: list[Package] = []
    unknowns: list[Unknown] = []
    claims: list[Claim] = []
    for found in metadata_in(view.tree):
        if len(packages) >= limits.packages:
            reason = f"comes after the limit of {limits.packages} packages; it was not read, nor what follows"
            unknowns.append(unknown("packages", found.path, reason))
            break
        if found.metadata.startswith("~"):
            reason = "is what an interrupted pip left behind; it was not counted as installed"
            unknowns.append(unknown("packages", found.path, reason))
            continue
        if found.metadata.endswith(".egg-link"):
            package, record = _linked(view, found, limits, unknowns), Record()
        elif found.metadata.endswith(".dist-info"):
            package, record = _dist_info(view, found, limits, unknowns)
        else:
            package, record = _egg_info(view, found, limits, unknowns), Record()
        if package is None:
            continue
        packages.append(package)
        claims.extend(
            Claim(
                path=posixpath.normpath(posixpath.join(found.location, path)),
                manager="pypi",
                owner=package.purl,
                version=package.version,
            )
            for path in record.libraries
        )
    return Observed(packages=tuple(packages), unknowns=tuple(unknowns), claims=tuple(claims))


def _dist_info(
    view: ContainerView, found: Found, limits: Limits, unknowns: list[Unknown]
) -> tuple[Package | None, Record]:
    path, tree = found.path, view.tree
    if not tree.exists(f"{path}/METADATA"):
        unknowns.append(unknown("packages", path, "has no METADATA, so nobody can say what it is"))
        return None, Record()
    metadata = _metadata(view, f"{path}/METADATA", limits, unknowns)
    if metadata is None:
        return None, Record()
    record = Record()
    has_record = tree.exists(f"{path}/RECORD")
    if has_record:
        raw = read(view, f"{path}/RECORD", limits.record_file, "packages")
        if isinstance(raw, Unknown):
            unknowns.append(raw)
        else:
            record = parse_record(raw)
            if record.problem:
                unknowns.append(unknown("packages", f"{path}/RECORD", record.problem))
    wheel = _optional(view, f"{path}/WHEEL", limits, unknowns)
    tags, build = parse_wheel(wheel)
    installer = _optional(view, f"{path}/INSTALLER", limits, unknowns).decode("utf-8", "replace")
    package = _package(
        found,
        metadata,
        Distribution(
            environment="",
            location=portable(found.location),
            metadata=portable(found.metadata),
            tags=tags,
            build=build,
            installer=installer.strip().partition("\n")[0].strip()[:200],
            requested=tree.exists(f"{path}/REQUESTED"),
            direct_url=_direct_url(view, f"{path}/direct_url.json", limits, unknowns),
            has_record=has_record,
            files=record.files,
            files_sha256=record.sha256 or None,
        ),
    )
    return package, record


def _egg_info(view: ContainerView, found: Found, limits: Limits, unknowns: list[Unknown]) -> Package | None:
    entry = view.tree.resolve(found.path)
    if entry is None:
        unknowns.append(unknown("packages", found.path, "is a link that leads nowhere"))
        return None
    path = found.path if entry.kind == "file" else f"{found.path}/PKG-INFO"
    if not view.tree.exists(path):
        # setuptools leaves such a directory behind when a build fails; pip passes over it, so do we, aloud.
        unknowns.append(unknown("packages", found.path, "has no PKG-INFO, so nobody can say what it is"))
        return None
    metadata = _metadata(view, path, limits, unknowns)
    if metadata is None:
        return None
    if entry.kind != "file" and not metadata.requires:
        raw = _optional(view, f"{found.path}/requires.txt", limits, unknowns)
        requires, extras = requires_of_egg(raw)
        metadata = Metadata(
            name=metadata.name,
            version=metadata.version,
            requires_python=metadata.requires_python,
            requires=requires,
            extras=metadata.extras or extras,
        )
    location, label = portable(found.location), portable(found.metadata)
    return _package(found, metadata, Distribution(environment="", location=location, metadata=label))


def _linked(view: ContainerView, found: Found, limits: Limits, unknowns: list[Unknown]) -> Package | None:
    """Read a `setup.py develop` install: the .egg-link names the directory of the sources."""
    raw = read(view, found.path, limits.metadata_file, "packages")
    if isinstance(raw, Unknown):
        unknowns.append(raw)
        return None
    target = raw.split(b"\n")[0].strip().decode("utf-8", "surrogateescape")
    entry = view.tree.resolve(target) if target.startswith("/") else None
    egg = _egg_in(view.tree, entry.path, found.metadata) if entry is not None else ""
    if entry is None or not egg:
        reason = f"points to {target[:200]!r}, where no metadata was found"
        unknowns.append(unknown("packages", found.path, reason))
        return None
    inner = Found(path=f"{entry.path}/{egg}", location=entry.path, metadata=egg)
    package = _egg_info(view, inner, limits, unknowns)
    if package is None or package.python is None:
        return package
    origin = DirectUrl(url=f"file://{portable(entry.path)}", editable=True)
    location, label = portable(found.location), portable(found.metadata)
    return replace(
        package, python=replace(package.python, location=location, metadata=label, direct_url=origin)
    )


def _egg_in(tree: FileTree, directory: str, link: str) -> str:
    """Return the name of the .egg-info in `directory` that belongs to NAME.egg-link, '' if there is none."""
    stem = link.removesuffix(".egg-link").replace("-", "_").lower()
    for entry in tree.names(directory):
        if entry.endswith(".egg-info") and entry.removesuffix(".egg-info").replace("-", "_").lower() == stem:
            return entry
    return ""


def _metadata(view: ContainerView, path: str, limits: Limits, unknowns: list[Unknown]) -> Metadata | None:
    """Read METADATA or PKG-INFO; None when it gives no name, and then an Unknown says why."""
    raw = read(view, path, limits.metadata_file, "packages")
    if isinstance(raw, Unknown):
        unknowns.append(raw)
        return None
    metadata = parse_metadata(raw)
    unknowns.extend(unknown("packages", path, problem) for problem in metadata.problems)
    return metadata if metadata.name else None


def _package(found: Found, metadata: Metadata, python: Distribution) -> Package:
    return Package(
        type="pypi",
        name=metadata.name,
        version=metadata.version,
        purl=package_url("pypi", metadata.name, metadata.version),
        python=replace(
            python,
            requires=metadata.requires,
            extras=metadata.extras,
            requires_python=metadata.requires_python,
        ),
    )


def _optional(view: ContainerView, path: str, limits: Limits, unknowns: list[Unknown]) -> bytes:
    """Return the bytes of a file that need not be there; b'' when it is not, or when it cannot be read."""
    if not view.tree.exists(path):
        return b""
    raw = read(view, path, limits.metadata_file, "packages")
    if isinstance(raw, Unknown):
        unknowns.append(raw)
        return b""
    return raw


def _direct_url(view: ContainerView, path: str, limits: Limits, unknowns: list[Unknown]) -> DirectUrl | None:
    if not view.tree.exists(path):
        return None
    document = read_json(view, path, limits, "packages")
    if isinstance(document, Unknown):
        unknowns.append(document)
        return None
    origin = parse_direct_url(document)
    if isinstance(origin, str):
        unknowns.append(unknown("packages", path, origin))
        return None
    return origin
