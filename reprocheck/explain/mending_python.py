"""What pip is asked for one Python distribution that differs, or why it cannot put it right."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from reprocheck.explain.judging import normal_name
from reprocheck.explain.mending_ground import Ground
from reprocheck.explain.mending_plan import Ask, Verb
from reprocheck.explain.mending_words import BUILD_AGAIN, is_plain, is_safe
from reprocheck.explain.sides import Sides
from reprocheck.model.change import Difference
from reprocheck.model.installing import breaking, pip_for, pytorch_index
from reprocheck.model.package import DirectUrl, Package

_CONTENT = frozenset({"files", "requires", "requires-python", "depends", "direct_url"})
_PLACE = {
    "location": "it lies in another directory of its environment",
    "effective": "another copy of it comes first on the search path",
}


def ask_pip(
    group: list[Difference], before: Package | None, after: Package | None, ground: Ground
) -> Ask | str:
    """Return what to ask of pip; else the reason, in words that end a sentence."""
    attributes = {d.attribute for d in group}
    for attribute, reason in _PLACE.items():
        if attribute in attributes:
            return reason
    package = before or after
    if package is None or package.python is None:
        return "it is not told how it was installed"
    if not is_plain(package.name):
        return "its name is fit for no command"
    sides = ground.sides
    home = home_of(before, after, sides)
    if home is None:
        return "the second side has no such environment"
    pythons = sides.b.pythons
    if not home and pythons:
        return "it lies where no interpreter looks"
    place = pip_for(home, pythons, ground.pips)
    if not place:
        return "no pip is there to change its environment"
    options = breaking(home, pythons, ground.pips.get(home, ""))
    name = normal_name("pypi", package.name)
    if before is None:
        if after is not None and after.python is not None and not after.python.effective:
            return "an earlier copy shadows it, and pip removes that one"
        last: Verb = "remove-last" if name == "pip" else "remove"
        return Ask(tool="pip", verb=last, word=package.name, place=place, options=options, key=("pypi", name))
    if before.python is not None and not before.python.effective:
        return "an earlier copy shadows it on the first side"
    wanted = _requirement(before, attributes)
    if wanted is None:
        return _unaddressed(before, attributes)
    word, index = wanted
    # A copy that the system installed would satisfy pip, which has to add its own before it.
    there = after is None and ("pypi", name, None, home) in sides.packages_b
    verb: Verb = "install" if attributes & {"version", "presence"} and not there else "again"
    return Ask(
        tool="pip", verb=verb, word=word, place=place, options=options, index=index, key=("pypi", name)
    )


def home_of(before: Package | None, after: Package | None, sides: Sides) -> str | None:
    """Return the interpreter of the second side whose environment is to change; None when it has none."""
    here = {python.executable for python in sides.b.pythons}
    if after is not None and after.python is not None:
        home = after.python.environment
        return home if home in here or not home or not here else None
    home = before.python.environment if before is not None and before.python is not None else ""
    if not here or not home:
        return "" if not here or len(here) > 1 else min(here)
    return home if home in here else sides.renamed.get(home)


def _requirement(before: Package, attributes: set[str]) -> tuple[str, str] | None:
    """Return the requirement and its index; None when nothing names what the first side has."""
    if "wheel-build" in attributes or "tags" in attributes:
        return None
    if not attributes & (_CONTENT | {"version", "presence"}):
        return None
    url = before.python.direct_url if before.python is not None else None
    if url is not None:
        pinned = pinned_url(before.name, url)
        return (pinned, "") if pinned else None
    if not is_plain(before.version) or not _is_version(before.version):
        return None
    index = pytorch_index(before.name, before.version)
    if "+" in before.version and not index:
        return None
    return f"{before.name}=={before.version}", index


def pinned_url(name: str, url: DirectUrl) -> str:
    """Return the requirement that fetches a distribution from its source, '' when that is no fixed place."""
    if url.editable or url.url.startswith("file:") or not is_safe(url.url + url.subdirectory + url.vcs):
        return ""
    if url.vcs and url.commit:
        part = f"#subdirectory={url.subdirectory}" if url.subdirectory else ""
        return f"{name} @ {url.vcs}+{url.url}@{url.commit}{part}"
    return f"{name} @ {url.url}#sha256={url.archive_sha256}" if url.archive_sha256 else ""


def _is_version(version: str) -> bool:
    try:
        return len(version) <= 128 and bool(Version(version).release)
    except InvalidVersion:
        return False


def _unaddressed(before: Package, attributes: set[str]) -> str:
    url = before.python.direct_url if before.python is not None else None
    if attributes & {"wheel-build", "tags"}:
        return "an index gives no build of a wheel by its name"
    if not attributes & (_CONTENT | {"version", "presence"}):
        return BUILD_AGAIN
    if url is not None:
        return "it comes from a source tree of the first side's own"
    if "+" in before.version:
        return "a local version is not on PyPI, and the index where it was built is not told"
    return "its version is none that pip would take"
