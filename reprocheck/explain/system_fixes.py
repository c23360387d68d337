"""Where no command of a package manager is advised: another architecture, and what a system runs on."""

from __future__ import annotations

import re
import shlex

from reprocheck.explain.mending_vital import SYSTEMS, has_system, is_vital
from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference

KEPT = "start from the first side's system: this one does not run without the package"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:~!^-]*")


def fix_system(d: Difference, sides: Sides) -> str:
    """Return the fix for such a package of the system, '' for every other difference."""
    if d.type not in SYSTEMS:
        return ""
    if d.attribute == "architecture":
        return _architecture(d, sides)
    if d.attribute != "presence" or d.after is None:
        return ""
    if not has_system(d.type, sides.packages_a):
        return f"start from the first side's system: it lists no {d.type} packages of one"
    return KEPT if is_vital(d.type, d.name) else ""


def _architecture(d: Difference, sides: Sides) -> str:
    images = [side.image.architecture if side.image is not None else "" for side in (sides.a, sides.b)]
    if images[0] and images[0] != images[1]:
        return f"start from the first side's image for {images[0]}"
    machines = [side.host.cpu.architecture if side.host is not None else "" for side in (sides.a, sides.b)]
    if machines[0] and machines[0] != machines[1]:
        return f"run on a machine of architecture {machines[0]}"
    package = sides.before(d)
    words = (package.name, package.version, package.architecture) if package is not None else ()
    if not words or not all(_WORD.fullmatch(word) for word in words):
        return "install the build for the first side's architecture"
    name, version, architecture = words
    match d.type:
        case "deb":
            return f"apt-get install {shlex.quote(f'{name}:{architecture}={version}')}"
        case "rpm":
            return f"dnf install {shlex.quote(f'{name}-{version}.{architecture}')}"
        case _:
            return f"install the build of {name} for {architecture}"
