"""What one side alone has as a whole: an environment with all that lies in it, a card of a machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reprocheck.explain.forest import Forest
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

_CARD = re.compile(r"gpus\[[0-9]+\]")
_DEEPEST = 64
"""Directories of a path that are looked at; a deeper environment folds nothing."""

Place = tuple[str, str]
"""Package type, and what the comparison may call the place of a package: environment, location, prefix."""


def fold_environments(suspicions: Sequence[Suspicion], a: Manifest, b: Manifest, forest: Forest) -> None:
    """Link packages and libraries that came or went to the environment that came or went with them."""
    came: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for index, s in enumerate(suspicions):
        d = s.difference
        if (d.section, d.attribute) == ("pythons", "presence"):
            came[d.before is None][d.name] = index
    for added, side in ((True, b), (False, a)):
        if came[added]:
            _fold_side(suspicions, came[added], side, added, forest)


def _fold_side(
    suspicions: Sequence[Suspicion], came: dict[str, int], side: Manifest, added: bool, forest: Forest
) -> None:
    prefixes = {
        f"{python.prefix.rstrip('/')}/": came[python.executable]
        for python in side.pythons
        if python.executable in came and python.kind != "system" and python.prefix.rstrip("/")
    }
    places = _places(side, came, prefixes)
    paths: dict[tuple[str, str], set[str]] = {}
    for library in side.libraries:
        paths.setdefault((library.kind, library.name), set()).add(library.path)
    for index, s in enumerate(suspicions):
        d = s.difference
        if d.attribute != "presence" or (d.before is None) != added or s.alike:
            continue
        head = None
        if d.section == "packages":
            head = places.get((d.type, d.where))
        elif d.section == "libraries":
            lies = {d.where} if d.where else paths.get((d.type, d.name), set())
            heads = {_beneath(path, prefixes) for path in lies}
            head = heads.pop() if len(heads) == 1 else None
        if head is not None:
            forest.link(index, head)


def _places(side: Manifest, came: dict[str, int], prefixes: dict[str, int]) -> dict[Place, int]:
    """Map where packages lie to the environment that came; what two environments share is not mapped."""
    found: dict[Place, set[int | None]] = {}
    for package in side.every_package:
        head = _head(package, came, prefixes)
        for name in _names(package):
            found.setdefault((package.type, name), set()).add(head)
    only = ((place, min(heads, key=str)) for place, heads in found.items() if len(heads) == 1)
    return {place: head for place, head in only if head is not None}


def _head(package: Package, came: dict[str, int], prefixes: dict[str, int]) -> int | None:
    if package.python is not None:
        return came.get(package.python.environment)
    return prefixes.get(f"{package.conda.prefix.rstrip('/')}/") if package.conda is not None else None


def _names(package: Package) -> set[str]:
    names: set[str] = set()
    if package.python is not None:
        names |= {package.python.environment, package.python.location}
    if package.conda is not None:
        names.add(package.conda.prefix)
    return names - {""}


def _beneath(path: str, prefixes: dict[str, int]) -> int | None:
    """Return the environment that a path lies in: of nested ones the innermost."""
    parts = path.split("/")[:_DEEPEST]
    prefixed = (f"{'/'.join(parts[:end])}/" for end in range(len(parts) - 1, 0, -1))
    return next((prefixes[prefix] for prefix in prefixed if prefix in prefixes), None)


def fold_cards(suspicions: Sequence[Suspicion], forest: Forest) -> None:
    """Link a card that only one machine has to the number of cards."""
    names = [s.difference.name if s.difference.section == "host" else "" for s in suspicions]
    if "gpus" in names:
        head = names.index("gpus")
        for index, name in enumerate(names):
            if _CARD.fullmatch(name):
                forest.link(index, head)
