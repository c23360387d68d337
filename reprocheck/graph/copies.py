"""Distributions and files that are there twice: in one directory, along the search path, under two owners."""

from __future__ import annotations

from collections import defaultdict

from reprocheck.graph import rules
from reprocheck.graph.marker import normalise
from reprocheck.graph.parts import Part, python_id
from reprocheck.model.conflict import Conflict, Unexamined
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Distribution, Package

MOST_FILES = 5
"""Files that a conflict names."""

_ASIDE = frozenset({"tests", "test", "testing", "docs", "doc", "examples", "benchmarks", "scripts", "tools"})
"""Top-level directories that packages leave in site-packages by mistake; hardly anything imports them."""

Copy = tuple[str, str, bool, str]
"""Name, version, whether an import finds it, and the first environment that holds it."""


def find_duplicates(manifest: Manifest) -> Part:
    """Give the projects that one directory holds twice (PKG-301)."""
    first: dict[tuple[str, str], Package] = {}
    several: dict[tuple[str, str], list[Package]] = {}
    for package in manifest.every_package:
        own = package.python
        if own is not None and own.location:
            key = own.location, normalise(package.name)
            known = first.setdefault(key, package)
            if known is not package:
                several.setdefault(key, [known]).append(package)
    seen = {key: _copies(packages) for key, packages in several.items()}
    twice = sorted((where, copies) for where, copies in seen.items() if len(copies) > 1)
    marked = {python_id(min(c[3] for c in copies.values()), name) for (_, name), copies in twice}
    return Part(
        conflicts=tuple(_duplicate(location, copies, manifest) for (location, _), copies in twice),
        marked=frozenset(marked),
    )


def _copies(packages: list[Package]) -> dict[str, Copy]:
    """Give each metadata directory once: several environments can share it."""
    copies: dict[str, Copy] = {}
    for package in packages:
        own = package.python
        assert own is not None
        known = copies.get(own.metadata)
        copies[own.metadata] = (
            package.name,
            package.version,
            own.effective or (known is not None and known[2]),
            own.environment if known is None else min(known[3], own.environment),
        )
    return copies


def _duplicate(location: str, copies: dict[str, Copy], manifest: Manifest) -> Conflict:
    from reprocheck.model.installing import pip_command, wanted

    name, version, _, environment = min(copies.values(), key=lambda c: (not c[2], c[1], c[0]))
    listed = ", ".join(f"{copies[metadata][1]} ({metadata})" for metadata in sorted(copies))
    return Conflict(
        code=rules.DUPLICATE.code,
        kind="duplicate",
        severity=rules.DUPLICATE.severity,
        package=name,
        requirement=f"one {name} in {location}",
        found=listed,
        causes=(),
        broken=False,
        fix=f"Delete the stale metadata directory in {location}, then: "
        f"{pip_command('install', environment, manifest)} --force-reinstall --no-deps "
        + wanted(f"{name}=={version}", name=name, version=version),
        environment=environment,
        type="pypi",
    )


def find_shadowed(manifest: Manifest) -> Part:
    """Give the distributions that an earlier directory of the search path hides (PKG-314)."""
    if not manifest.shadowed:
        return Part()
    effective: dict[tuple[str, str], tuple[Package, Distribution]] = {}
    for package in manifest.packages:
        own = package.python
        if own is not None and own.effective:
            effective.setdefault((own.environment, normalise(package.name)), (package, own))
    found, marked = [], set()
    for package in manifest.shadowed:
        own = package.python
        key = ("", "") if own is None else (own.environment, normalise(package.name))
        if own is None or key not in effective:
            continue
        winner, there = effective[key]
        if there.location == own.location:  # a duplicate, told by PKG-301
            continue
        same = winner.version == package.version
        marked.add(python_id(*key))
        found.append(
            Conflict(
                code=rules.SHADOWED.code,
                kind="shadowed",
                severity="info" if same else rules.SHADOWED.severity,
                package=package.name,
                requirement=f"{package.name} {package.version} in {own.location}",
                found=f"{winner.version} in {there.location}",
                causes=(),
                broken=False,
                fix=f"Uninstall the copy that is not meant, or take {there.location} off the search path "
                "(PYTHONPATH, .pth files, the user's site directory).",
                environment=own.environment,
                type="pypi",
            )
        )
    return Part(conflicts=tuple(found), marked=frozenset(marked))


def find_shared_files(manifest: Manifest) -> Part:
    """Give the packages that own the same files (PKG-306); not examined without a recorded check of files."""
    if manifest.integrity is None:
        missing = Unexamined(what="files that two packages own", needs="snapshot --integrity")
        return Part(not_examined=(missing,) if manifest.packages else ())
    shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for fault in manifest.integrity.faults:
        if fault.kind == "owned-twice" and fault.owners:
            shared[fault.owners].append(fault.path)
    nodes = defaultdict(set)
    names: dict[str, Package] = {}
    for package in manifest.packages if shared else ():
        names.setdefault(package.purl, package)
        if package.python is not None:
            nodes[package.purl].add(python_id(package.python.environment, normalise(package.name)))
    conflicts = tuple(_sharing(owners, sorted(paths), names) for owners, paths in sorted(shared.items()))
    return Part(
        conflicts=conflicts,
        marked=frozenset(id for owners in shared for owner in owners for id in nodes.get(owner, ())),  # noqa: A001
    )


def _sharing(owners: tuple[str, ...], paths: list[str], names: dict[str, Package]) -> Conflict:
    labels = [f"{names[o].name} {names[o].version}" if o in names else o for o in owners]
    known = [names[owner] for owner in owners if owner in names]
    more = f" and {len(paths) - MOST_FILES} more" if len(paths) > MOST_FILES else ""
    first = known[0] if known else None
    python = first.python if first is not None else None
    return Conflict(
        code=rules.SHARED_FILES.code,
        kind="file-owned-twice",
        severity="low" if all(_is_aside(path) for path in paths) else rules.SHARED_FILES.severity,
        package=first.name if first is not None else labels[0],
        requirement=f"one owner of {', '.join(paths[:MOST_FILES])}{more}",
        found=", ".join(labels),
        causes=(),
        broken=False,
        fix=f"Keep one of {', '.join(labels)}: the file on disk is that of the one installed last.",
        environment=python.environment if python is not None else "",
        type=first.type if first is not None else "",
    )


def _is_aside(path: str) -> bool:
    for site in ("/site-packages/", "/dist-packages/"):
        _, found, below = path.partition(site)
        if found:
            return below.partition("/")[0] in _ASIDE and "/" in below
    return False
