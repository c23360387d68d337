"""Native libraries and Python interpreters."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from reprocheck.compare.difference import Shown, differ, pair
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Framework, LoaderChoice, NativeLibrary, PythonEnvironment


def compare_libraries(a: Manifest, b: Manifest) -> Delta:
    """Differences of `libraries`; a library is known by its kind and its name up to `.so`."""
    groups_a, groups_b = _by_stem(a.libraries), _by_stem(b.libraries)
    homes = _homes(a, b)
    slots: tuple[Callable[[NativeLibrary], Hashable], ...] = (
        lambda x: x.path,
        lambda x: _at_home(x.path, homes),
        lambda x: x.name,
    )
    differences: list[Difference] = []
    for key in groups_a.keys() | groups_b.keys():
        own, other = groups_a.get(key, []), groups_b.get(key, [])
        several = max(len(own), len(other)) > 1
        for before, after in pair(own, other, slots=slots, precedence=_library_order):
            differences.extend(_library(before, after, several, homes))
    return Delta(differences=tuple(differences), unknowns=())


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


def _homes(a: Manifest, b: Manifest) -> tuple[str, ...]:
    """Directories of environments that only one side has, the longest first."""
    own, other = (
        {p.prefix.rstrip("/") for p in side.pythons if p.kind != "system"} - {""} for side in (a, b)
    )
    return tuple(sorted(own ^ other, key=lambda home: (-len(home), home)))


def _at_home(path: str, homes: tuple[str, ...]) -> str:
    """Return a path without the directory of its environment: in another one it differs by name alone."""
    home = next((home for home in homes if path.startswith(f"{home}/")), "")
    return f"…{path[len(home) :]}" if home else path


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
    moved = _at_home(before.path, homes) != _at_home(after.path, homes)
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
    # Other bytes follow from another version; they tell something where all else agrees.
    details: tuple[tuple[str, Shown, Shown], ...] = (
        ("sha256", before.sha256, after.sha256),
        ("build_id", before.build_id, after.build_id),
        ("claims", _claims(before), _claims(after)),
    )
    for what, one, other in details:
        found = found or differ("libraries", name, what, one, other, type=kind, where=where)
    return found


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
    return tuple(changes)


def _path_files(python: PythonEnvironment) -> tuple[str, ...]:
    return tuple(
        f"{item.path.rpartition('/')[2]}{' (executes)' if item.executes else ''}"
        for item in python.path_files
        if item.adds or item.executes
    )


def compare_frameworks(a: Manifest, b: Manifest) -> Delta:
    """Differences of `frameworks`: how a deep-learning framework was built."""
    fields = ("version", "cuda", "hip", "cudnn", "git", "debug", "pins")
    found: list[Difference] = []
    groups_a, groups_b = _by_name(a.frameworks), _by_name(b.frameworks)
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
            for field in fields:
                one, other = getattr(before, field), getattr(after, field)
                found += differ("frameworks", name, field, one, other, where=where)
    return Delta(differences=tuple(found), unknowns=())


def _by_name(frameworks: tuple[Framework, ...]) -> dict[str, list[Framework]]:
    found: dict[str, list[Framework]] = {}
    for framework in frameworks:
        found.setdefault(framework.name, []).append(framework)
    return found


def compare_loading(a: Manifest, b: Manifest) -> Delta:
    """Differences of `loading`, by SONAME: which copies the loader would take, and by which rule."""
    homes = _homes(a, b)
    old, new = _choices(a.loading, homes), _choices(b.loading, homes)
    found: list[Difference] = []
    # A SONAME that only one side needs comes with a package or a library, and those are compared.
    for soname in old.keys() & new.keys():
        found += differ("loading", soname, "choice", old[soname], new[soname])
    return Delta(differences=tuple(found), unknowns=())


def _choices(choices: tuple[LoaderChoice, ...], homes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for choice in choices:
        taken = f"{_at_home(choice.path, homes)} by {choice.rule}" if choice.path else "not found"
        found.setdefault(choice.soname, set()).add(taken)
    return {soname: tuple(sorted(taken)) for soname, taken in found.items()}


def compare_leftovers(a: Manifest, b: Manifest) -> Delta:
    """Differences of `wheels` and `remnants`: files that look like packages and are not installed."""
    found: list[Difference] = []
    wheels = ({x.path: x.version for x in side.wheels} for side in (a, b))
    remnants = ({x.path: x.reason for x in side.remnants} for side in (a, b))
    for what, (old, new) in (("wheel", tuple(wheels)), ("remnant", tuple(remnants))):
        for path in old.keys() | new.keys():
            found += differ("packages", path, what, old.get(path), new.get(path))
    return Delta(differences=tuple(found), unknowns=())
