"""Commands that turn the second side's environment into the first one's (`diff --fix`).

A subject is what a difference is about: one package of one environment, one variable, one fact of the
machine. Every subject that differs is undone by one step, or stands among what no command puts right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reprocheck.explain.mending_consequences import follow_framework, follow_library, follow_owners, restore
from reprocheck.explain.mending_ground import Ground, ground_of
from reprocheck.explain.mending_packages import ask_package, owners_of
from reprocheck.explain.mending_plan import Ask, Key, key_of, steps_of
from reprocheck.explain.mending_reasons import reason_of
from reprocheck.explain.mending_settings import BY_WHOM, ask_limit, ask_variable
from reprocheck.explain.sides import sides_of
from reprocheck.model.change import SECTIONS, Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.mending import Mending, Unmended

_Groups = dict[str, list[Difference]]


def mend(a: Manifest, b: Manifest, delta: Delta) -> Mending:
    """Return the steps that turn `b` into `a`, in an order that works, and what no command puts right.

    Pure. `delta` is what `compare(a, b)` found, or the part of it that counts. A step promises that what it
    `undoes` differs no more once the container or shell is looked at again.
    """
    sides = sides_of(a, b)
    ground = ground_of(sides)
    groups: _Groups = {}
    for d in delta.differences:
        groups.setdefault(subject_of(d), []).append(d)
    asked: dict[str, Ask] = {}
    reasons: dict[str, str] = {}
    owned: dict[str, frozenset[Key]] = {}
    for subject, group in groups.items():
        if group[0].section == "packages" and (owners := owners_of(group, sides)):
            owned[subject] = owners
            continue
        answer = _direct(group, ground)
        if isinstance(answer, Ask):
            asked[subject] = answer
        else:
            reasons[subject] = answer or ""
    _follow(groups, owned, asked, reasons, ground)
    _one_value_per_flag(asked, reasons)
    unmended = [
        Unmended(
            section=groups[subject][0].section,
            name=subject.removeprefix(f"{groups[subject][0].section}:"),
            reason=reason or reason_of(groups[subject]),
        )
        for subject, reason in reasons.items()
    ]
    return Mending(
        steps=steps_of(sorted(asked.items(), key=lambda item: (key_of(item[1]), item[0]))),
        unmended=tuple(sorted(unmended, key=_place)),
    )


def subject_of(d: Difference) -> str:
    """Return what a difference is about, as steps name it: `pypi:x in /usr/bin/python3`, `environment:TZ`."""
    kind = d.type if d.section == "packages" and d.type else d.section
    if d.section == "environment" and d.attribute in BY_WHOM:
        return f"{kind}:{d.name} (who sets it)"  # no matter of the value, and no command's
    return f"{kind}:{d.name} in {d.where}" if d.where else f"{kind}:{d.name}"


def _place(unmended: Unmended) -> tuple[int, str, str]:
    sections: tuple[str, ...] = SECTIONS
    return sections.index(unmended.section), unmended.name, unmended.reason


def _direct(group: list[Difference], ground: Ground) -> Ask | str | None:
    """Ask of the tool that the subject belongs to; None when there is none."""
    match group[0].section:
        case "packages":
            return ask_package(group, ground)
        case "environment":
            return ask_variable(group, ground.sides)
        case "run" if len(group) == 1 and group[0].attribute == "value":
            return ask_limit(group, ground.sides)
        case "host" if len(group) == 1:
            return ask_limit(group, ground.sides)
    return None


_FOLLOWERS: Mapping[str, Callable[[list[Difference], Mapping[Key, Ask], Ground], Ask | None]] = {
    "libraries": follow_library,
    "frameworks": follow_framework,
    "integrity": restore,
}
"""Sections whose differences are put right with a package; `restore` may ask for one that is equal."""


def _follow(
    groups: _Groups,
    owned: dict[str, frozenset[Key]],
    asked: dict[str, Ask],
    reasons: dict[str, str],
    ground: Ground,
) -> None:
    """Add to the asks what is put right along with a package that another manager asks for."""
    by_key: dict[Key, Ask] = {}
    for _, ask in sorted(asked.items()):
        if ask.key[0]:
            by_key.setdefault(ask.key, ask)
    for subject, owners in owned.items():
        ask_or_reason = follow_owners(owners, by_key)
        if isinstance(ask_or_reason, Ask):
            asked[subject] = ask_or_reason
        else:
            reasons[subject] = ask_or_reason
    for subject in list(reasons):
        group = groups[subject]
        follower = _FOLLOWERS.get(group[0].section)
        followed = follower(group, by_key, ground) if follower is not None else None
        if followed is not None:
            asked[subject] = followed
            del reasons[subject]


def _one_value_per_flag(asked: dict[str, Ask], reasons: dict[str, str]) -> None:
    """Keep one value of each option: the limit of the run and that of the machine may disagree."""
    values: dict[str, str] = {}
    for subject in sorted(subject for subject, ask in asked.items() if ask.tool == "docker"):
        flag, _, value = asked[subject].word.partition(" ")
        if flag == "-e" or values.setdefault(flag, value) == value:
            continue
        del asked[subject]
        reasons[subject] = f"`{flag}` takes one value, and another difference asks for another one"
