"""Which packages of a manifest a document of another tool speaks of, and what of them both sides tell.

A list that pip or conda wrote is of one environment and does not say which: it is held against the one that
is nearest to it. An SBOM is of everything and tells no environments: copies of one version count as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from packaging.version import InvalidVersion, Version

from reprocheck.compare.packages import normal_name
from reprocheck.model.image import Coverage
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Conda, DirectUrl, Distribution, Package
from reprocheck.model.unknown import Unknown
from reprocheck.versions import MAX_LENGTH

_OS = ("apk", "deb", "rpm")
Key = tuple[str, str]


@dataclass(kw_only=True, slots=True)
class Placed:
    """Packages of both sides, cut down and without what only one side could tell."""

    first: tuple[Package, ...] = ()
    second: tuple[Package, ...] = ()
    executable: str = ""
    """The interpreter whose environment is compared, '' when there is none or all are."""
    unknowns: list[Unknown] = field(default_factory=list)
    left_out: list[Unknown] = field(default_factory=list)


def align(a: Manifest, b: Manifest, facts: frozenset[str]) -> Placed:
    """Return the packages of both sides that can be held against each other. Mirrors for swapped sides."""
    placed = Placed()
    prefix = ""
    for side, other in ((a, b), (b, a)):
        covers = side.source.covers
        if covers is not None and covers.scope == "environment" and other.source.covers is None:
            prefix = nearest_prefix(other, side.packages)
            placed.executable = nearest_python(other, side.packages, prefix)
            _tell_choice(other, placed, prefix, covers)
    types = [side.source.covers.types for side in (a, b) if side.source.covers is not None]
    shared = set(types[0]).intersection(*types[1:])
    listed = [
        [package for package in _listed(side, placed.executable, prefix, other) if package.type in shared]
        for side, other in ((a, b), (b, a))
    ]
    for index, side in enumerate((a, b)):
        covers = side.source.covers
        if covers is not None:
            listed[1 - index] = _speak_of(covers, listed[index], listed[1 - index], placed)
    listed = [_searched(listed[0], b, placed), _searched(listed[1], a, placed)]
    untold = _untold_versions(listed, placed)
    told = _told(facts, [package.conda for side in listed for package in side if package.conda is not None])
    hashes = _archive_hashes(listed)
    placed.first, placed.second = (
        tuple(
            dict.fromkeys(
                _cut(package, told, placed.executable, prefix, untold=untold, hashes=hashes)
                for package in side
            )
        )
        for side in listed
    )
    return placed


def nearest_python(manifest: Manifest, packages: Iterable[Package], prefix: str = "") -> str:
    """Return the interpreter whose environment holds most of these distributions in these versions.

    Of equals the active one, then the first by path; '' when the manifest has none. With a conda prefix it
    is an interpreter of that prefix where there is one.
    """
    wanted = {(normal_name(p), normal_version(p)) for p in packages if p.type == "pypi"}
    places = {p.python.location for p in packages if p.python is not None and p.python.location}
    homes = [python for python in manifest.pythons if prefix and python.prefix == prefix] or manifest.pythons
    if not homes:
        return ""
    hits: Counter[str] = Counter()
    for package in manifest.packages:
        if package.python is not None and (normal_name(package), normal_version(package)) in wanted:
            hits[package.python.environment] += 1
    best = min(
        homes,
        key=lambda python: (
            -len(places.intersection(python.search_path)),
            -hits[python.executable],
            not python.active,
            python.executable,
        ),
    )
    return best.executable


def nearest_prefix(manifest: Manifest, packages: Iterable[Package]) -> str:
    """Return the conda prefix that holds most of these packages, '' when there is none."""
    wanted = {(normal_name(p), p.version, p.conda.build) for p in packages if p.conda is not None}
    hits: Counter[str] = Counter()
    for package in manifest.packages:
        if package.conda is not None and wanted:
            hits[package.conda.prefix] += (
                normal_name(package),
                package.version,
                package.conda.build,
            ) in wanted
    active = {python.prefix for python in manifest.pythons if python.active}
    return min(hits, key=lambda home: (-hits[home], home not in active, home), default="")


def normal_version(package: Package) -> str:
    """Return the version in the one spelling that PEP 440 gives it; as it is elsewhere."""
    if package.type != "pypi" or len(package.version) > MAX_LENGTH:
        return package.version
    try:
        return str(Version(package.version))
    except (InvalidVersion, ValueError):
        return package.version


def _tell_choice(manifest: Manifest, placed: Placed, prefix: str, covers: Coverage) -> None:
    homes = {python.executable for python in manifest.pythons}
    prefixes = {package.conda.prefix for package in manifest.packages if package.conda is not None}
    for what, chosen, every in (
        ("pypi", placed.executable, homes),
        ("conda", prefix, prefixes),
    ):
        if what in covers.types and len(every) > 1:
            reason = f"{covers.format} names no environment; of {len(every)} this one is nearest to it"
            placed.left_out.append(Unknown(section="packages", where=chosen, reason=reason))


def _listed(side: Manifest, executable: str, prefix: str, other: Manifest) -> list[Package]:
    """Return what a side lists: of a manifest against a list of one environment that environment only."""
    document = other.source.covers
    if side.source.covers is not None or document is None or document.scope == "target":
        return list(side.every_package)
    found = []
    for package in side.packages:
        if package.python is not None:
            here = not executable or package.python.environment == executable
            if here and package.python.effective:
                found.append(package)
        elif package.conda is None or package.conda.prefix == prefix or not prefix:
            found.append(package)
    return found


def _key(package: Package) -> Key:
    return package.type, normal_name(package)


def _speak_of(
    covers: Coverage, document: list[Package], other: list[Package], placed: Placed
) -> list[Package]:
    """Return what of the other side a document speaks of."""
    named = {_key(package) for package in document}
    kept, quiet, owned, omitted = [], 0, 0, 0
    for package in other:
        if _key(package) in named:
            kept.append(package)
        elif covers.selected:
            quiet += 1
        elif package.type == "pypi" and normal_name(package) in covers.omits:
            omitted += 1
        elif package.owner and package.type == "pypi" and covers.scope == "target":
            owned += 1
        else:
            kept.append(package)
    if quiet:
        reason = f"{covers.format} names some packages only; {quiet} others are not compared"
        placed.unknowns.append(
            Unknown(section="packages", where="packages that it does not name", reason=reason)
        )
    for count, reason in (
        (omitted, f"{covers.format} leaves pip and its like out"),
        (owned, f"{covers.format} may list it as the package alone that installed it"),
    ):
        if count:
            where = f"{count} Python distribution{'s' if count > 1 else ''}"
            placed.left_out.append(Unknown(section="packages", where=where, reason=reason))
    return kept


def _searched(packages: list[Package], other: Manifest, placed: Placed) -> list[Package]:
    """Drop distributions of a document that lie where no interpreter of the other side looks."""
    if not any(package.python is not None and package.python.location for package in packages):
        return packages
    places = {place for python in other.pythons for place in python.search_path}
    places |= {package.python.location for package in other.every_package if package.python is not None}
    document = other.source.covers is not None
    kept = [package for package in packages if _is_searched(package, None if document else places)]
    if len(kept) < len(packages):
        count = len(packages) - len(kept)
        where = f"{count} Python distribution{'s' if count > 1 else ''}"
        reason = "lies where no interpreter looks (a vendored copy, mostly)"
        placed.left_out.append(Unknown(section="packages", where=where, reason=reason))
    return kept


def _is_searched(package: Package, places: Collection[str] | None) -> bool:
    place = package.python.location if package.python is not None else ""
    if not place:
        return True
    return "/_vendor" not in place and "/vendor/" not in f"{place}/" if places is None else place in places


def _untold_versions(listed: list[list[Package]], placed: Placed) -> frozenset[Key]:
    """Return packages of which one side tells the place they came from and no version."""
    present = [{_key(package) for package in side} for side in listed]
    untold = {_key(package) for side in listed for package in side if not package.version}
    for _, name in sorted(untold & present[0] & present[1]):
        reason = "one side tells where it came from, not its version"
        placed.unknowns.append(Unknown(section="packages", where=name, reason=reason))
    return frozenset(untold)


def _told(facts: frozenset[str], conda: list[Conda]) -> frozenset[str]:
    """Return the facts that every package tells: a hash that one lacks is told of none."""
    told = {"build", "channel", "subdir", "md5", "sha256"}
    lacking = {part for part in told if not all(getattr(one, part) for one in conda)}
    return facts - {f"packages.{part}" for part in lacking}


def _archive_hashes(listed: list[list[Package]]) -> frozenset[Key]:
    """Return the distributions of which each side that has them tells the hash of the archive."""
    every = {_key(p) for side in listed for p in side if p.python is not None}
    silent = {
        _key(p)
        for side in listed
        for p in side
        if p.python is not None and not (p.python.direct_url and p.python.direct_url.archive_sha256)
    }
    return frozenset(every - silent)


def _cut(
    package: Package,
    facts: frozenset[str],
    executable: str,
    prefix: str,
    *,
    untold: Collection[Key],
    hashes: Collection[Key],
) -> Package:
    key = _key(package)
    python, conda = package.python, package.conda
    if python is not None:
        origin = python.direct_url if "packages.source" in facts else None
        python = Distribution(
            environment=executable,
            location="",
            metadata="",
            direct_url=_origin(origin, with_hash=key in hashes),
        )
    if conda is not None:
        told = {
            part: getattr(conda, part)
            for part in ("build", "channel", "subdir", "md5", "sha256")
            if f"packages.{part}" in facts
        }
        conda = Conda(**{"build": "", "channel": "", **told}, prefix=prefix)
    architecture = package.type in _OS and "packages.architecture" in facts
    return Package(
        type=package.type,
        name=package.name if package.type != "pypi" else normal_name(package),
        version="" if key in untold else normal_version(package),
        purl="",
        architecture=package.architecture if architecture else "",
        python=python,
        conda=conda,
    )


def _origin(origin: DirectUrl | None, *, with_hash: bool) -> DirectUrl | None:
    """Return the source in the words of `pip freeze`: of an editable project only that it is one."""
    if origin is None:
        return None
    if origin.editable:
        return DirectUrl(url="", editable=True)
    return DirectUrl(
        url=origin.url,
        vcs=origin.vcs,
        commit=origin.commit,
        archive_sha256=origin.archive_sha256 if with_hash else "",
        subdirectory=origin.subdirectory,
    )
