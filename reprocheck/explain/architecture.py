"""Another architecture, said once: what was built for the other machine stands behind the machine.

Only what names both machines folds: a 32-bit package beside 64-bit ones, another series of Python or another
C library is a difference of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reprocheck.explain.forest import Forest
from reprocheck.explain.suspicion import Suspicion
from reprocheck.model.change import Difference

ANY = frozenset({"", "all", "any", "noarch", "(none)"})
"""What package managers write for a package that is built for no machine."""

_NAMES: dict[str, str] = {
    **dict.fromkeys(("amd64", "x86_64", "x86-64"), "x86_64"),
    **dict.fromkeys(("arm64", "aarch64", "arm64/v8"), "aarch64"),
    **dict.fromkeys(("386", "i386", "i486", "i586", "i686", "x86"), "i686"),
    **dict.fromkeys(("arm", "arm/v7", "armhf", "armv7", "armv7l", "armv7hl"), "armv7"),
    **dict.fromkeys(("arm/v6", "armel", "armv6", "armv6l"), "armv6"),
    **dict.fromkeys(("ppc64le", "ppc64el", "powerpc64le"), "ppc64le"),
}
"""One machine as the image, Debian, rpm, apk, wheels and the kernel write it."""
_SUBDIRS = {"64": "x86_64", "32": "i686"}
"""What conda writes behind the system where others name the machine."""

Machines = tuple[str, str]
"""Of both sides, in one spelling."""


def fold_architecture(suspicions: Sequence[Suspicion], forest: Forest) -> None:
    """Link what is built for another machine to the image's platform, else to the processor."""
    heads: dict[str, int] = {}
    for index, s in enumerate(suspicions):
        if (s.difference.section, s.difference.name) in (("image", "platform"), ("host", "cpu.architecture")):
            heads[s.difference.section] = index
    head = heads.get("image", heads.get("host"))
    if head is None:
        return
    machines = _machines(suspicions[head].difference)
    if machines[0] == machines[1]:  # another system, or another variant of one machine
        return
    for index, s in enumerate(suspicions):
        if not s.alike and index != head and _built_for(s.difference) == machines:
            forest.link(index, head)


def _machines(d: Difference) -> Machines:
    before, after = (side or "" for side in (d.before, d.after))
    if d.section == "image":  # os/architecture[/variant]
        before, after = (side.partition("/")[2] for side in (before, after))
    return _machine(before), _machine(after)


def _machine(name: str) -> str:
    return _NAMES.get(name) or _NAMES.get(name.partition("/")[0], name)


def _built_for(d: Difference) -> Machines | None:
    """Return the machines that both sides name, None where they differ in anything else."""
    if d.before is None or d.after is None:
        return None
    match d.section, d.attribute:
        case "packages", "architecture":
            return _machine(d.before), _machine(d.after)
        case "packages", "subdir":
            old, new = d.before.partition("-"), d.after.partition("-")
            return (_subdir(old[2]), _subdir(new[2])) if old[0] == new[0] else None
        case "packages", "tags":
            return _parted(d, r"((?:manylinux|musllinux)[0-9]*(?:_[0-9]+_[0-9]+)?|linux)_(.+)")
        case "pythons", "platform":
            return _parted(d, r"()([^-]+)(?=-)")
        case _:
            return None


def _subdir(name: str) -> str:
    return _SUBDIRS.get(name, _machine(name))


def _parted(d: Difference, pattern: str) -> Machines | None:
    """Take the machine out of every word; None where a side names several, or the rest is not the same."""
    found: list[tuple[str, str]] = []
    for text in (d.before or "", d.after or ""):
        machines: set[str] = set()
        rest: set[str] = set()
        for word in text.split():
            *beginning, end = word.split("-", 2) if d.attribute == "tags" else (word,)
            told = re.match(pattern, end)
            if told is None:
                return None
            machines.add(_machine(told[2]))
            kind = re.match(r"[a-z]*", told[1])
            rest.add("-".join((*beginning, kind[0] if kind else "", end[told.end() :])))
        if len(machines) != 1:
            return None
        found.append((machines.pop(), " ".join(sorted(rest))))
    (old, before), (new, after) = found
    return (old, new) if before == after else None
