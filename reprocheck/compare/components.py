"""Native libraries and Python interpreters."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from reprocheck.compare.difference import differ, pair
from reprocheck.compare.places import at_home, homes_of
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, NativeLibrary, PythonEnvironment, WheelFile
from reprocheck.model.unknown import Unknown


def compare_libraries(a: Manifest, b: Manifest) -> Delta:
    """Differences of `libraries`; a library is known by its kind and its name up to `.so`."""
    groups_a, groups_b = _by_stem(a.libraries), _by_stem(b.libraries)
    homes = homes_of(a, b)
    slots: tuple[Callable[[NativeLibrary], Hashable], ...] = (
        lambda x: x.path,
        lambda x: at_home(x.path, homes),
        lambda x: x.name,
    )
    differences: list[Difference] = []
    unseen: list[Unknown] = []
    for key in groups_a.keys() | groups_b.keys():
        own, other = groups_a.get(key, []), groups_b.get(key, [])
        several = max(len(own), len(other)) > 1
        for before, after in pair(own, other, slots=slots, precedence=_library_order):
            differences.extend(_library(before, after, several, homes))
            unseen.extend(_open_content(before, after))
    return Delta(differences=tuple(differences), unknowns=tuple(unseen))


def compare_pythons(a: Manifest, b: Manifest) -> Delta:
    """Differences of `pythons`; an interpreter is known by its path, or by being the only one left."""
    slots: tuple[Callable[[PythonEnvironment], Hashable], ...] = (lambda x: x.executable,)
    differences: list[Difference] = []
    for before, after in pair(a.pythons, b.pythons, slots=slots, precedence=repr):
        differences.extend(_python(before, after))
    return Delta(differences=tuple(differences), unknowns=())


def _by_stem(libraries: tuple[NativeLibrary, ...]) -> dict[tuple[str, str], list[NativeLibrary]]:
    groups: dict[tuple[str, str], list[NativeLibrary]] = {}
    for library in libraries:
        groups.setdefault((library.kind, library.name.partition(".so")[0]), []).append(library)
    return groups


def _library_order(library: NativeLibrary) -> tuple[str, ...]:
    return (library.path, library.name, library.version, library.owner, library.source)


def _library(
    before: NativeLibrary | None, after: NativeLibrary | None, several: bool, homes: tuple[str, ...]
) -> tuple[Difference, ...]:
    sides = [x for x in (before, after) if x is not None]
    name = min(x.name for x in sides)
    where = min(x.path for x in sides) if several else ""
    kind = sides[0].kind
    if before is None or after is None:
        old, new = (f"{x.version} {x.path}".strip() if x is not None else None for x in (before, after))
        return differ("libraries", name, "presence", old, new, type=kind, where=where)
    moved = at_home(before.path, homes) != at_home(after.path, homes)
    changes = (
        ("version", before.version, after.version),
        ("name", before.name, after.name),
        ("path", before.path, after.path if moved else before.path),
        ("owner", _unversioned(before.owner), _unversioned(after.owner)),
        ("soname", before.soname, after.soname),
    )
    found = tuple(
        d
        for what, old, new in changes
        for d in differ("libraries", name, what, old, new, type=kind, where=where)
    )
    if before.version == after.version and before.name == after.name:
        # Other bytes follow from another version or SONAME; beside these they are a finding of their own.
        found += _content(before, after, name, where)
    claims = _claims(before), _claims(after)
    return found or differ("libraries", name, "claims", *claims, type=kind, where=where)


def _content(before: NativeLibrary, after: NativeLibrary, name: str, where: str) -> tuple[Difference, ...]:
    """Compare digest, else build id; a digest that only one side has tells nothing (too large a file)."""
    for what in ("sha256", "build_id"):
        old, new = getattr(before, what), getattr(after, what)
        if bool(old) == bool(new):
            made = differ("libraries", name, what, old, new, type=before.kind, where=where)
            if made:
                return made
    return ()


def _open_content(before: NativeLibrary | None, after: NativeLibrary | None) -> tuple[Unknown, ...]:
    """Say that equal versions may hold other bytes: no digest and no build id is on both sides."""
    if before is None or after is None or (before.version, before.name) != (after.version, after.name):
        return ()
    digests = [bool(side.sha256) for side in (before, after)]
    builds = [bool(side.build_id) for side in (before, after)]
    told = all(digests) or all(builds)
    if told or not any((*digests, *builds)):
        return ()
    reason = "its digest or build id is known on one side only, so equal versions may be other bytes"
    where = min(before.path, after.path)
    return (Unknown(section="libraries", where=where, reason=reason),)


def _claims(library: NativeLibrary) -> tuple[str, ...]:
    return tuple(sorted(f"{claim.version} by {claim.source}" for claim in library.others))


def _unversioned(purl: str) -> str:
    return purl.partition("?")[0].rpartition("@")[0] or purl.partition("?")[0]


def _python(before: PythonEnvironment | None, after: PythonEnvironment | None) -> tuple[Difference, ...]:
    sides = [x for x in (before, after) if x is not None]
    name = min(x.executable for x in sides)
    if before is None or after is None:
        old, new = (x.version if x is not None else None for x in (before, after))
        return differ("pythons", name, "presence", old, new)
    changes = [
        *differ("pythons", name, "version", before.version, after.version),
        *differ("pythons", name, "implementation", before.implementation, after.implementation),
        *differ("pythons", name, "kind", before.kind, after.kind),
        *differ("pythons", name, "active", before.active, after.active),
        *differ("pythons", name, "executable", before.executable, after.executable),
        *differ("pythons", name, "base", before.base, after.base),
        *differ("pythons", name, "platform", before.platform, after.platform),
    ]
    if before.version == after.version:
        changes += differ("pythons", name, "abi", before.abi, after.abi)
    if before.executable == after.executable:
        # With another executable the prefix and every directory below it differ by name alone.
        changes += differ("pythons", name, "prefix", before.prefix, after.prefix)
        changes += differ("pythons", name, "path_files", _path_files(before), _path_files(after))
        changes += differ("pythons", name, "customizations", before.customizations, after.customizations)
        if before.version == after.version:
            changes += differ("pythons", name, "search_path", before.search_path, after.search_path)
            # What a .pth file adds shows in the search path; told where it does not.
            changes = changes or [*differ("pythons", name, "pth-lines", _lines(before), _lines(after))]
    return tuple(changes)


def _path_files(python: PythonEnvironment) -> tuple[str, ...]:
    return tuple(
        f"{item.path.rpartition('/')[2]}{' (executes)' if item.executes else ''}"
        for item in python.path_files
        if item.adds or item.executes
    )


def _lines(python: PythonEnvironment) -> tuple[str, ...]:
    return tuple(
        f"{item.path}: {' '.join((*item.adds, *(f'{line} (missing)' for line in item.missing)))}"
        for item in python.path_files
    )


def compare_frameworks(a: Manifest, b: Manifest) -> Delta:
    """Differences of `frameworks`: how a deep-learning framework was built."""
    fields = ("version", "cuda", "hip", "cudnn", "git", "debug", "pins", "architectures")
    found: list[Difference] = []
    groups_a, groups_b = _by_name(a.frameworks), _by_name(b.frameworks)
    homes = homes_of(a, b)
    slots: tuple[Callable[[Framework], Hashable], ...] = (lambda x: x.location,)
    for name in groups_a.keys() | groups_b.keys():
        own, other = groups_a.get(name, []), groups_b.get(name, [])
        several = max(len(own), len(other)) > 1
        for before, after in pair(own, other, slots=slots, precedence=repr):
            where = min(x.location for x in (before, after) if x is not None) if several else ""
            if before is None or after is None:
                old, new = (x.version if x is not None else None for x in (before, after))
                found += differ("frameworks", name, "presence", old, new, where=where)
                continue
            made = [
                d
                for field in fields
                for d in differ(
                    "frameworks", name, field, getattr(before, field), getattr(after, field), where=where
                )
            ]
            places = (at_home(x.location, homes) for x in (before, after))
            found += made or differ("frameworks", name, "location", *places, where=where)
    return Delta(differences=tuple(found), unknowns=())


def _by_name(frameworks: tuple[Framework, ...]) -> dict[str, list[Framework]]:
    found: dict[str, list[Framework]] = {}
    for framework in frameworks:
        found.setdefault(framework.name, []).append(framework)
    return found


def compare_leftovers(a: Manifest, b: Manifest) -> Delta:
    """Differences of `wheels` and `remnants`: files that look like packages and are not installed."""
    found: list[Difference] = []
    wheels = ({x.path: _wheel(x) for x in side.wheels} for side in (a, b))
    remnants = ({x.path: x.reason for x in side.remnants} for side in (a, b))
    for what, (old, new) in (("wheel", tuple(wheels)), ("remnant", tuple(remnants))):
        for path in old.keys() | new.keys():
            found += differ("packages", path, what, old.get(path), new.get(path))
    return Delta(differences=tuple(found), unknowns=())


def _wheel(wheel: WheelFile) -> str:
    return " ".join(part for part in (wheel.name, wheel.version, *wheel.tags) if part)
