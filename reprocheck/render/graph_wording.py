"""What a conflict says, as a sentence that the text and the page share."""

from __future__ import annotations

import re
from typing import TypeAlias

from reprocheck.model.conflict import Cause, Conflict

Piece: TypeAlias = "tuple[str, bool]"
"""(text, whether it is quoted from the manifest). Foreign text is not made safe here."""

COPIES = frozenset({"two-copies", "two-runtimes"})
"""Kinds whose causes are the copies themselves and who gets them, not requirements of packages."""
_ALONE = frozenset({"cycle", "shadowed"})
_STATES = COPIES | {"duplicate", "file-owned-twice"}
_FIELD = re.compile(r"[A-Z][A-Za-z-]{2,20}: ")
"""`Breaks: libfoo (<< 2)`: what a package forbids, with the name of the field."""


def subject(conflict: Conflict) -> str:
    """Return whom the sentence is about, with a version where one is known; '' where it names them itself."""
    if conflict.kind in _ALONE:
        return ""
    own = conflict.causes[0].parent if conflict.causes else ""
    return (
        own if own.startswith(f"{conflict.package} ") and conflict.kind not in _STATES else conflict.package
    )


def colon(conflict: Conflict) -> bool:
    """Whether a colon stands between the subject and the rest: it is no verb of the subject."""
    return conflict.kind in _STATES


def told(conflict: Conflict) -> tuple[Piece, ...]:
    """Return the rest of the sentence: what is wrong."""
    asked, found = (conflict.requirement, True), (conflict.found, True)
    match conflict.kind:
        case "cycle":
            return found, (": ", False), asked
        case "shadowed":
            return asked, (" is hidden by ", False), found
        case "duplicate" | "file-owned-twice":
            return ("there should be ", False), asked, (", found ", False), found
        case "two-copies" | "two-runtimes":
            if conflict.requirement.startswith("all of "):
                return asked, (" is wanted, found ", False), found
            if conflict.requirement.startswith("one "):
                return ("there should be ", False), asked, (", found ", False), found
            return asked, (" is passed over: the loader takes ", False), found
        case "wheel-tag":
            return ("has a wheel for ", False), asked, (", and this is ", False), found
        case "gpu-architecture":
            return ("needs ", False), asked, (", and was built for ", False), found
        case _:
            return _wanting(conflict)


def _wanting(conflict: Conflict) -> tuple[Piece, ...]:
    asked, found = (conflict.requirement, True), (conflict.found, True)
    if conflict.found and _FIELD.match(conflict.requirement):
        return ("declares ", False), asked, (", and ", False), found, (" is installed", False)
    below = conflict.kind in ("needed-library", "symbol-version", "driver-too-old")
    verb = ("needs " if below else "requires ", False)
    extra = ((" (extra ", False), (conflict.extra, True), (")", False)) if conflict.extra else ()
    if not conflict.found:
        return verb, asked, *extra, (", which is not installed", False)
    if conflict.kind == "needed-library":
        return verb, asked, *extra, (", which lies where the loader does not look: ", False), found
    if conflict.kind == "symbol-version" and conflict.found.startswith("not in "):
        return verb, asked, *extra, (", which is ", False), found
    return verb, asked, *extra, (", found ", False), found


def because(conflict: Conflict, cause: Cause) -> tuple[Piece, ...]:
    """Return what one cause adds to the sentence; nothing where the sentence has said it."""
    chain = cause.chain or (cause.parent,)
    steps = (" → ".join(chain), True)
    if conflict.kind in COPIES:
        if len(chain) > 1:
            asks = (f"{chain[0]} asks for ", True), (cause.requirement, True)
            return *asks, (" and gets ", False), (chain[-1], True)
        if chain[0] in conflict.found:
            return ()
        return steps, (": ", False), (f"{cause.parent} {cause.requirement}", True)
    if conflict.kind == "gpu-architecture" and len(chain) > 1:
        return ("because the GPU is ", False), (", ".join(chain[1:]), True)
    if cause.requirement == conflict.requirement:
        return () if chain == (subject(conflict),) else (("asked for by ", False), steps)
    between = "while " if conflict.kind in ("missing", "unsatisfied", "pins-collide") else ""
    return (between, False), steps, (" requires ", False), (cause.requirement, True)
