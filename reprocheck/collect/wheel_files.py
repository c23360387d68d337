"""Wheels that lie about: named by their file names (PEP 427), never counted as installed."""

from __future__ import annotations

from math import prod

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from reprocheck.collect.observed import Observed
from reprocheck.collect.reading import unknown
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.package import Remnant, WheelFile
from reprocheck.ports import ContainerView

name: str = "wheel-files"
endings: tuple[str, ...] = ()
prefixes: tuple[str, ...] = ()

_LONGEST_NAME = 255
_MOST_TAGS = 500
"""`py2.py3-none-any` stands for two tags; a made-up name of legal length could stand for twenty thousand."""


def wants(_path: str) -> bool:
    """No bytes: the name of a wheel says it all."""
    return False


def collect(view: ContainerView, limits: Limits) -> Observed:
    """List every `*.whl`, caches included; a file whose name is no wheel's is a Remnant."""
    wheels: list[WheelFile] = []
    remnants: list[Remnant] = []
    for path in sorted(path for path in view.tree.entries if path.endswith(".whl")):
        if view.tree.entries[path].kind != "file":
            continue
        if len(wheels) + len(remnants) >= limits.packages:
            reason = f"comes after the limit of {limits.packages} wheels; it was not listed, nor what follows"
            return Observed(
                wheels=tuple(wheels),
                remnants=tuple(remnants),
                unknowns=(unknown("packages", path, reason),),
            )
        wheel = _wheel(path)
        if wheel is None:
            remnants.append(Remnant(path=portable(path), reason="is named .whl, but not as a wheel is"))
        else:
            wheels.append(wheel)
    return Observed(wheels=tuple(wheels), remnants=tuple(remnants))


def _wheel(path: str) -> WheelFile | None:
    label = path.rpartition("/")[2]
    sets = label.removesuffix(".whl").split("-")[-3:]
    if len(label) > _LONGEST_NAME or prod(part.count(".") + 1 for part in sets) > _MOST_TAGS:
        return None
    try:
        project, version, _build, tags = parse_wheel_filename(label)
    except InvalidWheelFilename:
        return None
    return WheelFile(
        path=portable(path),
        name=project,
        version=str(version),
        tags=tuple(sorted(portable(str(tag)) for tag in tags)),
    )
