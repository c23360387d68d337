"""What each package manager is asked for one package that differs, or why it cannot put it right."""

from __future__ import annotations

from reprocheck.explain.judging import normal_name
from reprocheck.explain.mending_ground import MANAGERS, Ground
from reprocheck.explain.mending_plan import Ask, Key, Verb
from reprocheck.explain.mending_python import ask_pip
from reprocheck.explain.mending_words import BUILD_AGAIN, is_plain, owner_key
from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference
from reprocheck.model.image import OperatingSystem
from reprocheck.model.package import Package

_TWO_PARTS = frozenset({"ubuntu", "alpine"})
"""Systems whose releases have two numbers, and share no archive across either."""


def ask_package(group: list[Difference], ground: Ground) -> Ask | str:
    """Return what to ask for the differences of one package; else the reason why nothing can be asked.

    Of a distribution that an OS or conda package installed, `owners_of` tells; it is not asked of pip.
    """
    first = telling(group)
    if first.attribute in ("wheel", "remnant"):
        return "no package manager knows the file"
    before, after = ground.sides.before(first), ground.sides.after(first)
    if before is None and after is None:
        return "it is not told how it was installed"
    match first.type:
        case "pypi":
            return ask_pip(group, before, after, ground)
        case "conda":
            return _ask_conda(group, before, after, ground)
        case _:
            return _ask_system(group, before, after, ground)


def telling(group: list[Difference]) -> Difference:
    """Return the difference of a package that says the most: presence, then version, then any."""
    order = {"presence": 0, "version": 1}
    return min(group, key=lambda d: (order.get(d.attribute, 2), d.attribute))


def owners_of(group: list[Difference], sides: Sides) -> frozenset[Key]:
    """Return the packages of other managers that installed this Python distribution."""
    first = telling(group)
    if first.type != "pypi":
        return frozenset()
    found = [package for package in (sides.before(first), sides.after(first)) if package is not None]
    return frozenset(owner_key(package.owner) for package in found if package.owner)


def _ask_system(
    group: list[Difference], before: Package | None, after: Package | None, ground: Ground
) -> Ask | str:
    first = telling(group)
    tool, _ = MANAGERS[first.type]
    sides = ground.sides
    package = before or after
    if package is None or not is_plain(package.name):
        return "its name is fit for no command"
    if any(d.attribute == "architecture" for d in group):
        return "it is built for another architecture"
    if not same_release(sides.a.os, sides.b.os):
        return "it belongs to another release of the system"
    if first.type not in ground.managed:
        return f"the second side has no {tool}"
    name = f"{package.name}:{package.architecture}" if first.where and is_plain(first.where) else package.name
    key = (first.type, normal_name(first.type, package.name))
    if before is None and first.type not in ground.systems:
        return "the first side lists no packages of its system"
    if before is None and key in ground.vital:
        return "the second side's system does not run without it"
    if before is None:
        # apt-get takes `name-` for a removal within an installation.
        word = f"{name}-" if tool == "apt" else package.name
        return Ask(tool=tool, verb="remove", word=word, key=key)
    if first.attribute not in ("presence", "version"):
        return "the archive gives no build of a version by its content"
    return pin_system(before, name) or "its version is fit for no command"


def pin_system(package: Package, name: str, verb: Verb = "install") -> Ask | None:
    """Return what brings one version of a package of the system, None when its version fits no command."""
    tool, _ = MANAGERS[package.type]
    if not is_plain(package.version):
        return None
    joint = "-" if tool == "dnf" else "="
    key = (package.type, normal_name(package.type, package.name))
    return Ask(tool=tool, verb=verb, word=f"{name}{joint}{package.version}", key=key)


def same_release(a: OperatingSystem | None, b: OperatingSystem | None) -> bool:
    """Whether both sides take packages from one archive, as far as they tell."""
    if a is None or b is None:
        return True
    parts = 2 if a.id in _TWO_PARTS else 1
    return (a.id, a.version_id.split(".")[:parts]) == (b.id, b.version_id.split(".")[:parts])


def _ask_conda(
    group: list[Difference], before: Package | None, after: Package | None, ground: Ground
) -> Ask | str:
    attributes = {d.attribute for d in group}
    package = before or after
    if package is None or package.conda is None or not is_plain(package.name):
        return "its name is fit for no command"
    if "subdir" in attributes:
        return "it is built for another platform"
    prefix = _prefix(before, after, ground)
    if prefix is None:
        return "the second side has no such conda environment"
    key = ("conda", normal_name("conda", package.name))
    if before is None and prefix in ground.running:
        return "conda runs from the environment that it is in"
    if before is None or before.conda is None:
        return Ask(tool="conda", verb="remove", word=package.name, place=prefix, key=key)
    if not attributes & {"presence", "version", "build", "channel"}:
        return (
            "the same build string names another archive" if attributes & {"sha256", "md5"} else BUILD_AGAIN
        )
    spec = f"{before.name}={before.version}={before.conda.build}".rstrip("=")
    if not is_plain(before.version) or (before.conda.build and not is_plain(before.conda.build)):
        return "its version is fit for no command"
    channel = f"{before.conda.channel}::" if is_plain(before.conda.channel) else ""
    return Ask(tool="conda", verb="install", word=f"{channel}{spec}", place=prefix, key=key)


def _prefix(before: Package | None, after: Package | None, ground: Ground) -> str | None:
    if after is not None and after.conda is not None:
        prefix = after.conda.prefix
        return prefix if prefix.startswith("/") or not prefix else None
    prefix = before.conda.prefix if before is not None and before.conda is not None else ""
    return prefix if prefix in ground.prefixes else ground.moved or None
