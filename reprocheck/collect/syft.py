"""syft's answer: an allowlist of its fields, and where it disagrees with our own readers.

syft-json carries the whole image configuration and syft's own settings (`source.metadata`,
`descriptor.configuration`); nothing of them is read. Field names: syft JSON schema 16.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprocheck import strictjson
from reprocheck.collect.joins import sort_key
from reprocheck.collect.observed import Observed
from reprocheck.collect.rpm import OTHER_FORMS, to_package, unread
from reprocheck.errors import CouldNotRun, InputFault
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, replace
from reprocheck.model.image import OperatingSystem
from reprocheck.model.manifest import Disagreement
from reprocheck.model.package import Package
from reprocheck.model.unknown import Unknown

_TYPES = {"deb": "deb", "rpm": "rpm", "apk": "apk", "python": "pypi", "conda": "conda"}
"""syft's package types that our readers also have; others are not compared."""
_OS_TYPES = ("deb", "rpm", "apk")
_DATABASES = (
    "/var/lib/dpkg/",
    "/lib/apk/db/",
    "/usr/lib/apk/db/",
    "/var/lib/rpm/",
    "/usr/lib/sysimage/rpm/",
    "/usr/share/rpm/",
)
"""Where the package managers of the target itself keep what is installed."""
_NO_VERSION = "UNKNOWN"
"""What syft writes for a version that the metadata lacks (`compliance.missing-version: stub`)."""


class SyftPackage(Frozen, frozen=True, kw_only=True):
    """One package as syft saw it, once for every place it saw it in. Untrusted text."""

    type: str
    """As in `Package.type`."""
    name: str
    version: str
    purl: str
    location: str
    """Path of the metadata file inside the target, '' when syft gave none."""


def parse(document: bytes, *, limits: Limits) -> tuple[SyftPackage, ...]:
    """Read the packages out of syft-json, sorted by (type, name, version, location, purl).

    Package types that reprocheck does not know are left out. Raises CouldNotRun (E_SYFT_OUTPUT).
    """
    try:
        root = strictjson.loads(
            document,
            where="syft's output",
            limits=limits,
            max_bytes=limits.child_stdout,
            bounded_strings=False,
        )
    except InputFault as error:
        raise _fault(error.message) from None
    artifacts = root.get("artifacts") if isinstance(root, dict) else None
    if not isinstance(artifacts, list):
        raise _fault("syft's output has no list 'artifacts'")
    found: list[SyftPackage] = []
    for index, artifact in enumerate(artifacts):
        found.extend(_packages(artifact, f"artifacts[{index}]", limits))
        if len(found) > limits.packages:
            raise _fault(f"syft's output lists more packages than the limit of {limits.packages}")
    return tuple(sorted(found, key=lambda one: (one.type, one.name, one.version, one.location, one.purl)))


def _packages(artifact: object, where: str, limits: Limits) -> Iterator[SyftPackage]:
    kind = _TYPES.get(_string(artifact, "type", where, limits))
    if kind is None:
        return
    name = _string(artifact, "name", where, limits)
    if not name:
        raise _fault(f"syft's output has an empty name in '{where}'")
    version = _string(artifact, "version", where, limits)
    locations = _locations(artifact, where, limits)
    # An OS package has one record; its other primary locations are files such as info/NAME.conffiles.
    for location in locations[-1:] if kind in _OS_TYPES else locations:
        yield SyftPackage(
            type=kind,
            name=name,
            version="" if version == _NO_VERSION else version,
            purl=_string(artifact, "purl", where, limits),
            location=location,
        )


def _locations(artifact: object, where: str, limits: Limits) -> list[str]:
    """Paths that prove the package: two equal copies are one artifact with two primary locations."""
    listed = artifact.get("locations") if isinstance(artifact, dict) else None
    paths: set[str] = set()
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        notes = entry.get("annotations") if isinstance(entry, dict) else None
        evidence = notes.get("evidence") if isinstance(notes, dict) else None
        if evidence in (None, "primary"):
            paths.add(_string(entry, "path", f"{where}.locations[{index}]", limits))
    return sorted(paths) or [""]


def _string(holder: object, key: str, where: str, limits: Limits) -> str:
    if not isinstance(holder, dict):
        raise _fault(f"syft's output holds no object in '{where}'")
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limits.json_string:
        raise _fault(f"syft's output holds no usable text in '{where}.{key}'")
    return value


def _fault(problem: str) -> CouldNotRun:
    return CouldNotRun(
        "E_SYFT_OUTPUT",
        problem,
        hint="Run `reprocheck doctor` to see which syft is used; our own readers' result is kept.",
    )


def adopt_rpm(
    observed: Observed, theirs: tuple[SyftPackage, ...], *, tool: str
) -> tuple[Observed, tuple[str, ...]]:
    """Take syft's word for rpm databases that only it reads (Berkeley DB, NDB); one note for each of them.

    Their Unknown goes if syft found packages there, and stays otherwise. URLs are made anew from what syft's
    say, as for packages that we read ourselves. Of such a package its relations and its files stay untold.
    """
    packages: list[Package] = []
    notes: list[str] = []
    told: set[Unknown] = set()
    for item in observed.unknowns:
        if item.where.rpartition("/")[2] not in OTHER_FORMS or item != unread(item.where):
            continue
        there = [one for one in theirs if one.type == "rpm" and one.location == item.where]
        found = [_adopted(one, observed.os) for one in there]
        if found:
            packages += found
            told.add(item)
            form = OTHER_FORMS[item.where.rpartition("/")[2]]
            notes.append(f"{len(found)} packages of {item.where} ({form}) are as {tool} reads them")
    if not told:
        return observed, ()
    merged = replace(
        observed,
        packages=tuple(sorted((*observed.packages, *packages), key=sort_key)),
        unknowns=tuple(item for item in observed.unknowns if item not in told),
    )
    return merged, tuple(notes)


def _adopted(one: SyftPackage, system: OperatingSystem | None) -> Package:
    from packageurl import PackageURL

    qualifiers: dict[str, str] = {}
    # The name and the version are told apart from it.
    with suppress(ValueError):
        qualifiers = PackageURL.from_string(one.purl).qualifiers
    epoch, colon, rest = one.version.partition(":")
    version, _, release = (rest if colon else one.version).rpartition("-")
    return to_package(
        one.name,
        version or release,
        release if version else "",
        epoch=int(epoch) if colon and epoch.isdecimal() and len(epoch) <= 10 else None,
        architecture=qualifiers.get("arch", ""),
        source=qualifiers.get("upstream", ""),
        system=system,
    )


class _Sighting(Frozen, frozen=True):
    """One package in one place, as either side saw it."""

    version: str
    comparable: str
    purl: str
    location: str
    owner: str


_Sightings = dict[tuple[str, str], list[_Sighting]]


def cross_check(
    packages: tuple[Package, ...], theirs: tuple[SyftPackage, ...], *, tool: str
) -> tuple[Disagreement, ...]:
    """Compare both lists by (type, normalised name) as multisets of versions.

    `tool` is syft with its version (`syft 1.18.1`). A version against another version of one name is told
    in one Disagreement. Sorted by (subject, ours, theirs, reason).
    """
    ours = _index(_our_sightings(packages))
    other = _index(_their_sightings(theirs))
    found: list[Disagreement] = []
    if any(kind == "conda" for kind, _ in ours) and not any(kind == "conda" for kind, _ in other):
        # One line for the whole type, else a conda image would drown every real disagreement.
        count = sum(len(seen) for (kind, _), seen in ours.items() if kind == "conda")
        found.append(
            Disagreement(
                subject="pkg:conda",
                ours=f"{count} packages",
                theirs="",
                tool=tool,
                reason=f"{tool} read no conda-meta record",
            )
        )
        ours = {key: seen for key, seen in ours.items() if key[0] != "conda"}
    searched = {package.python.location for package in packages if package.python is not None}
    for key in sorted(ours.keys() | other.keys()):
        mine = _surplus(ours.get(key, []), other.get(key, []))
        yours = _surplus(other.get(key, []), ours.get(key, []))
        for index in range(max(len(mine), len(yours))):
            left = mine[index] if index < len(mine) else None
            right = yours[index] if index < len(yours) else None
            found.append(
                Disagreement(
                    subject=_subject(key, left or right),
                    ours=left.version if left else "",
                    theirs=right.version if right else "",
                    tool=tool,
                    reason=_reason(key[0], left, right, searched),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.subject, one.ours, one.theirs, one.reason)))


def _our_sightings(packages: tuple[Package, ...]) -> Iterator[tuple[tuple[str, str], _Sighting]]:
    """Each metadata file once, however many interpreters see it."""
    seen: set[tuple[str, str, str, str]] = set()
    for package in packages:
        place = ""
        if package.python is not None:
            place = posixpath.join(package.python.location, package.python.metadata)
        elif package.conda is not None:
            place = package.conda.prefix
        identity = (package.type, package.name, package.version, place or package.architecture)
        if identity not in seen:
            seen.add(identity)
            yield _sighting(
                package.type,
                package.name,
                package.version,
                purl=package.purl,
                location=place,
                owner=package.owner,
            )


def _their_sightings(theirs: tuple[SyftPackage, ...]) -> Iterator[tuple[tuple[str, str], _Sighting]]:
    for one in theirs:
        yield _sighting(one.type, one.name, one.version, purl=one.purl, location=one.location, owner="")


def _sighting(
    kind: str, name: str, version: str, *, purl: str, location: str, owner: str
) -> tuple[tuple[str, str], _Sighting]:
    comparable = version
    if kind == "pypi":
        name = canonicalize_name(name)
        try:
            comparable = str(Version(version))
        except InvalidVersion:
            comparable = version
    elif kind == "rpm":
        comparable = version.removeprefix("0:")  # no epoch is epoch 0
    return (kind, name), _Sighting(version, comparable, purl, location, owner)


def _index(sightings: Iterator[tuple[tuple[str, str], _Sighting]]) -> _Sightings:
    index: _Sightings = defaultdict(list)
    for key, sighting in sightings:
        index[key].append(sighting)
    for seen in index.values():
        seen.sort(key=lambda one: (one.comparable, one.location, one.version))
    return dict(index)


def _surplus(seen: list[_Sighting], others: list[_Sighting]) -> list[_Sighting]:
    """Return what of `seen` has no counterpart of the same version."""
    matched = Counter(other.comparable for other in others)
    left: list[_Sighting] = []
    known = {other.location for other in others}
    # A sighting whose place both sides know is matched first, so that the surplus is the unknown place.
    for one in sorted(
        seen, key=lambda one: (not _same_place(one.location, known), one.comparable, one.location)
    ):
        if matched[one.comparable] > 0:
            matched[one.comparable] -= 1
        else:
            left.append(one)
    return sorted(left, key=lambda one: (one.comparable, one.location))


def _same_place(location: str, known: set[str]) -> bool:
    """Whether a metadata directory and the file in it mean one place, in either direction."""
    return location in known or posixpath.dirname(location) in known or f"{location}/METADATA" in known


def _subject(key: tuple[str, str], sighting: _Sighting | None) -> str:
    purl = (sighting.purl if sighting else "").split("?", 1)[0].split("#", 1)[0]
    return purl.rpartition("@")[0] or purl or f"pkg:{key[0]}/{key[1]}"


def _reason(kind: str, ours: _Sighting | None, theirs: _Sighting | None, searched: set[str]) -> str:
    """Why the two differ, where that can be told."""
    if ours is not None and theirs is not None:
        return "the two read different versions"
    if ours is not None and ours.owner:
        return f"listed by the OS package manager too ({ours.owner})"
    if theirs is not None and kind in _OS_TYPES and not theirs.location.startswith(_DATABASES):
        return f"a database of another root ({theirs.location})" if theirs.location else ""
    if theirs is not None and kind == "pypi" and theirs.location:
        if "/_vendor/" in theirs.location or "/vendor/" in theirs.location:
            return f"vendored copy in {theirs.location}"
        if posixpath.dirname(posixpath.dirname(theirs.location)) not in searched:
            return f"no interpreter searches its directory ({theirs.location})"
    return ""
