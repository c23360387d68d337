"""Differences that go away with a package: its distribution, libraries, framework build and edited files."""

from __future__ import annotations

from collections.abc import Mapping

from reprocheck.explain.judging import normal_name
from reprocheck.explain.mending_ground import Ground
from reprocheck.explain.mending_packages import pin_system
from reprocheck.explain.mending_plan import Ask, Key, key_of
from reprocheck.explain.mending_python import pinned_url
from reprocheck.explain.mending_words import is_plain, owner_key
from reprocheck.model.change import Difference
from reprocheck.model.installing import breaking, pip_for
from reprocheck.model.package import Package

_AS_PACKAGED = "as packaged"
"""How a comparison writes the state of a file without fault."""


def follow_owners(owners: frozenset[Key], asks: Mapping[Key, Ask]) -> Ask | str:
    """Return the ask that brings or removes what installed a distribution; else the reason."""
    missing = sorted(owners - asks.keys())
    if missing:
        return f"the package {missing[0][1]} installed it, and no step changes that"
    return _last([asks[key] for key in owners])


def _last(asks: list[Ask]) -> Ask:
    return max(asks, key=lambda ask: (key_of(ask), ask.word))


def follow_library(group: list[Difference], asks: Mapping[Key, Ask], ground: Ground) -> Ask | None:
    """Return the ask for the packages that brought a native library, when every one of them has one."""
    sides = ground.sides
    owners: set[str] = set()
    for d in group:
        for side, value in ((sides.a, d.before), (sides.b, d.after)):
            if value is not None:
                found = [
                    x for x in side.libraries if x.kind == d.type and x.name.partition(".so")[0] == _stem(d)
                ]
                here = [x for x in found if d.where and x.path == d.where]
                owners |= {x.owner for x in here or found}
    keys = {owner_key(owner) for owner in owners}
    return _last([asks[key] for key in keys]) if keys and keys <= asks.keys() else None


def _stem(d: Difference) -> str:
    return d.name.partition(".so")[0]


def follow_framework(group: list[Difference], asks: Mapping[Key, Ask], ground: Ground) -> Ask | None:
    """Return the ask for the distribution whose files tell a framework's build."""
    del ground
    if any(d.attribute == "location" for d in group):
        return None
    name = group[0].name
    candidates = [("pypi", normal_name("pypi", name)), ("conda", name), ("conda", f"py{name}")]
    found = [asks[key] for key in candidates if key in asks]
    return found[0] if len(found) == 1 else None


def restore(group: list[Difference], asks: Mapping[Key, Ask], ground: Ground) -> Ask | None:
    """Return what brings a file back as its one package wrote it: that package once more."""
    d, sides = group[0], ground.sides
    faults = sides.b.integrity.faults if sides.b.integrity is not None else ()
    own = [x for x in faults if x.path == d.name and x.kind == d.attribute]
    if len(group) > 1 or d.before != _AS_PACKAGED or len(own) != 1 or len(own[0].owners) != 1:
        return None
    fault = own[0]
    if fault.kind not in ("changed", "missing") or fault.configuration:
        return None  # dpkg leaves a configuration file as somebody edited it
    key = owner_key(fault.owners[0])
    if key in asks:
        return asks[key] if asks[key].verb in ("install", "again") else None
    packages = [
        x for x in sides.b.packages if (x.type, normal_name(x.type, x.name)) == key and is_plain(x.name)
    ]
    if len(packages) != 1 or packages[0].owner:
        return None
    return _again(packages[0], ground)


def _again(package: Package, ground: Ground) -> Ask | None:
    key: Key = (package.type, normal_name(package.type, package.name))
    if package.type in ("deb", "rpm"):
        return pin_system(package, package.name, verb="again")
    if package.python is None or not is_plain(package.version) or "+" in package.version:
        return None
    url = package.python.direct_url
    word = f"{package.name}=={package.version}" if url is None else pinned_url(package.name, url)
    home, pythons = package.python.environment, ground.sides.b.pythons
    place = pip_for(home, pythons, ground.pips)
    if not word or not place:
        return None
    options = breaking(home, pythons, ground.pips.get(home, ""))
    return Ask(tool="pip", verb="again", word=word, place=place, options=options, key=key)
