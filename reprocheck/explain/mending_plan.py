"""What is asked of each tool, gathered to as few commands as work."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Literal

from reprocheck.model.base import Frozen
from reprocheck.model.mending import Step, Tool

Verb = Literal["remove", "install", "again", "remove-last", "export", "unset", "flag"]
Key = tuple[str, str]
"""Type and normalised name of a package."""


class Ask(Frozen, frozen=True, kw_only=True):
    """One thing that one tool is to do, for the difference of one subject."""

    tool: Tool
    verb: Verb
    word: str
    """What the tool is told, not yet quoted; for `docker` whole options, quoted."""
    place: str = ""
    """The pip that reaches the environment (`/opt/venv/bin/python -m pip`), a conda prefix; '' elsewhere."""
    options: str = ""
    """Options of this environment (`--break-system-packages`)."""
    index: str = ""
    """An index beside the default one."""
    key: Key = ("", "")


_TOOLS: tuple[Tool, ...] = ("apt", "dnf", "apk", "conda", "pip", "export", "docker")
"""The system first, since Python packages build on it; the shell's variables last."""
_VERBS: Mapping[str, tuple[Verb, ...]] = {
    # dnf and apk install first: the removal of a package takes those along that depend on it.
    "dnf": ("install", "again", "remove"),
    "apk": ("install", "again", "remove"),
    **dict.fromkeys(("apt", "conda", "pip"), ("remove", "install", "again", "remove-last")),
    "export": ("export", "unset"),
    "docker": ("flag",),
}
_APT = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
_ARCHIVE = "needs root; the archive may no longer have a version that another one replaced"
_INDEX = "needs an index that still has these versions"
_BUILD = "an index must still have the first side's build of them"


def key_of(ask: Ask) -> tuple[int, str, int]:
    """Return where an ask's command stands among all."""
    verb = "install" if ask.tool == "apt" and ask.verb == "remove" else ask.verb
    return (_TOOLS.index(ask.tool), ask.place, _VERBS[ask.tool].index(verb))


def steps_of(asks: Iterable[tuple[str, Ask]]) -> tuple[Step, ...]:
    """Return one command per tool, place and verb, in the order in which they work.

    apt takes removals and installations in one transaction, so that one can stand for the other.
    """
    groups: dict[tuple[int, str, int], list[tuple[str, Ask]]] = {}
    for subject, ask in asks:
        groups.setdefault(key_of(ask), []).append((subject, ask))
    steps: list[Step] = []
    for key in sorted(groups):
        group = groups[key]
        ask = group[0][1]
        if ask.tool == "apt" and not any(step.tool == "apt" for step in steps):
            steps.append(Step(tool="apt", command="apt-get update", undoes=(), caution="needs root"))
        command, caution = _command(ask, [ask for _, ask in group])
        undoes = tuple(sorted({subject for subject, _ in group}))
        steps.append(Step(tool=ask.tool, command=command, undoes=undoes, caution=caution))
    return tuple(steps)


def _command(ask: Ask, asks: list[Ask]) -> tuple[str, str]:
    words = " ".join(dict.fromkeys(sorted(shlex.quote(x.word) for x in asks)))
    match ask.tool:
        case "apt":
            again = "--reinstall" if ask.verb == "again" else "--allow-downgrades"
            return f"{_APT} {again} {words}", _ARCHIVE
        case "dnf":
            return _dnf(ask.verb, words), _ARCHIVE
        case "apk":
            return f"apk {'del' if ask.verb == 'remove' else 'add'} {words}", _ARCHIVE
        case "conda":
            return _conda(ask, words)
        case "pip":
            return _pip(ask, asks, words)
        case "export":
            if ask.verb == "unset":
                return f"unset {words}", "holds in the shell that reads this"
            return f"export {_assignments(asks)}", "holds in the shell that reads this"
        case "docker":
            flags = " ".join(dict.fromkeys(sorted(x.word for x in asks)))
            return flags, "the container is started anew with them, and its command behind the image's name"


def _assignments(asks: list[Ask]) -> str:
    pairs = sorted(ask.word.split("=", 1) for ask in asks)
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in pairs)


def _dnf(verb: Verb, words: str) -> str:
    match verb:
        case "install":
            # Given a version, it goes up or down to it (dnf command reference, install).
            return f"dnf install -y --allowerasing {words}"
        case "again":
            return f"dnf reinstall -y {words}"
        case _:
            # What it needed stays: the first side may need it for something else.
            return f"dnf remove -y --setopt=clean_requirements_on_remove=False {words}"


def _conda(ask: Ask, words: str) -> tuple[str, str]:
    prefix = f"-p {shlex.quote(ask.place)} " if ask.place else ""
    if ask.verb == "remove":
        return f"conda remove -y --force {prefix}{words}", "needs conda on the PATH"
    caution = "needs conda on the PATH and a channel that still has these builds"
    return f"conda install -y --no-deps {prefix}{words}", caution


def _pip(ask: Ask, asks: list[Ask], words: str) -> tuple[str, str]:
    options = f"{ask.options} " if ask.options else ""
    if ask.verb in ("remove", "remove-last"):
        return f"{ask.place} uninstall -y {options}{words}", ""
    indexes = "".join(f" --extra-index-url {index}" for index in sorted({x.index for x in asks} - {""}))
    # Every package that differs is pinned by itself; resolving would move others.
    if ask.verb == "again":
        return f"{ask.place} install {options}--no-deps --force-reinstall {words}{indexes}", _BUILD
    return f"{ask.place} install {options}--no-deps {words}{indexes}", _INDEX
