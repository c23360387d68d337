"""Native libraries and Python interpreters."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from reprocheck.compare.difference import differ, pair
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import NativeLibrary, PythonEnvironment


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
    )
    return tuple(
        d
        for what, old, new in changes
        for d in differ("libraries", name, what, old, new, type=kind, where=where)
    )


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
    ]
    if before.executable == after.executable:
        # With another executable the prefix and every directory below it differ by name alone.
        changes += differ("pythons", name, "prefix", before.prefix, after.prefix)
        if before.version == after.version:
            changes += differ("pythons", name, "search_path", before.search_path, after.search_path)
    return tuple(changes)
