"""Packages: which are the same one, and what differs between its two states.

A package is known by its type and normalised name; its environment, location or architecture tells several
copies apart. The version is compared as text, whole (epoch, release and local part included). Content is
compared at equal versions only, most telling fact first, since another build implies other files.
How a package is described counts where nothing else differs. How it came to be installed (`installer`,
`requested`) changes nothing that runs and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import Literal

from packaging.utils import canonicalize_name

from reprocheck.compare.archives import origins
from reprocheck.compare.difference import Shown, differ, pair
from reprocheck.compare.package_facts import describe
from reprocheck.model.base import replace
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Distribution, Package
from reprocheck.model.unknown import Unknown
from reprocheck.versions import order

Group = dict[tuple[str, str], list[Package]]


def compare_packages(a: Manifest, b: Manifest) -> Delta:
    """Differences of `packages`, as a multiset."""
    groups_a, groups_b = _group(a.every_package), _group(b.every_package)
    homes = _renamed(a, b)
    slots: tuple[Callable[[Package], Hashable], ...] = (_place, partial(_home, homes=homes))
    differences: list[Difference] = []
    unseen: list[Unknown] = []
    for key in groups_a.keys() | groups_b.keys():
        own, other = groups_a.get(key, []), groups_b.get(key, [])
        if own == other:  # most of both sides: nothing to tell, and nothing unseen
            continue
        if max(len(own), len(other)) > 1:
            name = min(p.name for p in (*own, *other))
            own, other = ([_compared(p, name) for p in side] for side in (own, other))
        crowded = _crowded(own) | _crowded(other)
        for before, after in pair(own, other, slots=slots, precedence=_precedence):
            where = _where(before, after, crowded)
            if before is not None and after is not None:
                found, missed = _changes(before, after, where)
                differences.extend(found)
                unseen.extend(missed)
            else:
                differences.extend(_presence(before, after, where))
    return Delta(differences=tuple(differences), unknowns=tuple(unseen))


def normal_name(package: Package) -> str:
    """Return the name that makes two spellings one package: PEP 503 for Python, as it is elsewhere."""
    if package.type == "pypi":
        return canonicalize_name(package.name)
    return package.name.lower() if package.type == "conda" else package.name


def _group(packages: tuple[Package, ...]) -> Group:
    groups: Group = {}
    for package in packages:
        groups.setdefault((package.type, normal_name(package)), []).append(package)
    return groups


def _compared(package: Package, name: str) -> Package:
    """Return one of several copies without what is not compared, so that equal ones find each other."""
    python = package.python
    if python is not None:
        python = replace(python, installer="", requested=False, metadata="")
    return replace(package, name=name, purl="", python=python)


def _environment(package: Package) -> str:
    if package.python is not None and package.python.environment:
        return package.python.environment
    return package.conda.prefix if package.conda is not None else ""


def _renamed(a: Manifest, b: Manifest) -> dict[str, str]:
    """Map an environment of `a` to one of `b` when each side has exactly one that the other has not."""
    renamed: dict[str, str] = {}
    for kinds in (("pypi",), ("conda",)):
        mine = {_environment(p) for p in a.packages if p.type in kinds} - {""}
        theirs = {_environment(p) for p in b.packages if p.type in kinds} - {""}
        only_a, only_b = mine - theirs, theirs - mine
        if len(only_a) == 1 and len(only_b) == 1:
            renamed[min(only_a)] = min(only_b)
    return renamed


def _place(package: Package) -> Hashable:
    location = package.python.location if package.python is not None else ""
    return _environment(package), location, package.architecture


def _home(package: Package, *, homes: dict[str, str]) -> Hashable:
    environment = _environment(package)
    return homes.get(environment, environment), package.architecture


def _precedence(package: Package) -> tuple[object, ...]:
    """Effective copies first, then a total order over everything that is compared."""
    python, conda = package.python, package.conda
    shadowed = python is not None and not python.effective
    location = python.location if python is not None else ""
    content = (python.files_sha256 or "", python.tags, python.build) if python is not None else ("", (), "")
    build = (conda.build, conda.channel, conda.subdir, conda.sha256, conda.md5) if conda is not None else ()
    place = (_environment(package), location, package.architecture)
    return (shadowed, package.version, *place, content, build, package.purl, repr(package))


def _crowded(copies: list[Package]) -> set[str]:
    """Environments (for OS packages: architectures) that a name alone does not tell apart."""
    if copies[:1] and copies[0].type in ("deb", "rpm", "apk"):
        architectures = {p.architecture for p in copies}
        return architectures if len(architectures) > 1 else set()
    return {place for place, count in Counter(map(_environment, copies)).items() if count > 1}


def _where(before: Package | None, after: Package | None, crowded: set[str]) -> str:
    """Name what tells copies apart. Of two names of one place the lesser counts, so that order does not."""
    sides = [p for p in (before, after) if p is not None]
    if sides[0].type in ("deb", "rpm", "apk"):
        architecture = min(p.architecture for p in sides)
        return architecture if architecture in crowded else ""
    place = min(_environment(p) for p in sides)
    locations = [p.python.location for p in sides if p.python is not None]
    return min(locations) if locations and (place in crowded or not place) else place


def _presence(before: Package | None, after: Package | None, where: str) -> tuple[Difference, ...]:
    package = before or after
    if package is None:
        return ()
    return differ(
        "packages",
        package.name,
        "presence",
        before.version if before is not None else None,
        after.version if after is not None else None,
        type=package.type,
        where=where,
    )


def _direction(before: Package, after: Package) -> Literal["upgrade", "downgrade", ""]:
    sign = order(before.type, before.version, after.version)
    if not sign:
        return ""
    return "upgrade" if sign < 0 else "downgrade"


def _changes(before: Package, after: Package, where: str) -> tuple[list[Difference], list[Unknown]]:
    name = min(before.name, after.name)
    found: list[Difference] = []
    missed: list[Unknown] = []

    def note(attribute: str, old: Shown, new: Shown) -> bool:
        """Record the difference; say whether there was one."""
        made = differ("packages", name, attribute, old, new, type=before.type, where=where)
        found.extend(made)
        return bool(made)

    if before.version != after.version:
        direction = _direction(before, after)
        versions = (before.version, after.version)
        found.extend(
            differ("packages", name, "version", *versions, type=before.type, where=where, direction=direction)
        )
    moved = note("architecture", before.architecture, after.architecture)
    moved |= _origin(before, after, note)
    if before.python is not None and after.python is not None:
        note("effective", before.python.effective, after.python.effective)
    if before.version != after.version:
        return found, missed
    if before.conda is not None and after.conda is not None:
        old, new = before.conda, after.conda
        moved |= note("build", old.build, new.build)
        moved = moved or note("sha256", old.sha256, new.sha256) or note("md5", old.md5, new.md5)
    if moved:
        return found, missed
    if before.python is not None and after.python is not None:
        missed.extend(_files(before.python, after.python, f"{before.type}:{name}", note))
    if (before.python is None) != (after.python is None) or (before.conda is None) != (after.conda is None):
        reason = "only one side tells how it was built and installed"
        missed.append(Unknown(section="packages", where=f"{before.type}:{name}", reason=reason))
    note("depends", _depends(before), _depends(after))
    for attribute, old_fact, new_fact in () if found else describe(before, after):
        note(attribute, old_fact, new_fact)
    return found, missed


def _depends(package: Package) -> tuple[str, ...]:
    return (*package.depends, *(package.conda.depends if package.conda is not None else ()))


def _origin(before: Package, after: Package, note: Callable[[str, Shown, Shown], bool]) -> bool:
    moved = False
    if before.conda is not None and after.conda is not None:
        moved |= note("channel", before.conda.channel, after.conda.channel)
        moved |= note("subdir", before.conda.subdir, after.conda.subdir)
    if before.python is not None and after.python is not None:
        moved |= note("direct_url", *origins(before.python.direct_url, after.python.direct_url))
        if before.python.environment == after.python.environment:
            note("location", before.python.location, after.python.location)
    return moved


def _files(
    old: Distribution, new: Distribution, subject: str, note: Callable[[str, Shown, Shown], bool]
) -> list[Unknown]:
    if note("tags", old.tags, new.tags) or note("wheel-build", old.build, new.build):
        return []
    if old.files_sha256 is not None and new.files_sha256 is not None:
        note("files", old.files_sha256, new.files_sha256)
        return []
    note("requires", old.requires, new.requires)
    note("requires-python", old.requires_python, new.requires_python)
    if old.files_sha256 == new.files_sha256:
        return []
    return [
        Unknown(
            section="packages",
            where=subject,
            reason="its files were hashed on one side only, so equal versions may hold other content",
        )
    ]
