"""Whether a version is what a lock asks for, by the rules of its ecosystem.

PEP 440 through packaging; conda's match specification (its "Package match specifications"), with conda's
order of versions. `===` asks for one version and its local label.
"""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from reprocheck.versions import MAX_LENGTH, order

_EXACT = "==="
_CONSTRAINT = re.compile(r"(===|==|!=|<=|>=|~=|<|>|=)?\s*([^\s<>=~]+)")
_ALTERNATIVES = 64
"""Parts of a match specification; nothing real comes near it."""


def satisfies(type_: str, specifier: str, version: str) -> bool | None:
    """Whether a version is asked for; None when that cannot be told."""
    if not specifier:
        return True
    if len(version) > MAX_LENGTH or len(specifier) > 8 * MAX_LENGTH:
        return None
    if type_ == "pypi":
        return _pypi(specifier, version)
    return _conda(specifier, version) if type_ == "conda" else None


def shown(specifier: str) -> str:
    """Return a specifier for people: a locked version alone."""
    return specifier.removeprefix(_EXACT) if _is_exact(specifier) else specifier


def exact_version(specifier: str) -> str:
    """Return the one version that a specifier asks for, '' when it leaves a choice."""
    if _is_exact(specifier):
        return specifier[len(_EXACT) :]
    bare = specifier.removeprefix("==")
    return bare if bare != specifier and not set(bare) & set(",*|<>=~ ") else ""


def _is_exact(specifier: str) -> bool:
    return specifier.startswith(_EXACT) and not set(specifier[len(_EXACT) :]) & set(",|<>=~*")


def _pypi(specifier: str, version: str) -> bool | None:
    try:
        if _is_exact(specifier):
            wanted = specifier[len(_EXACT) :]
            return version == wanted or Version(version) == Version(wanted)
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None
    except ValueError:  # digits beyond the interpreter's own limit
        return None


def _conda(specifier: str, version: str) -> bool | None:
    answers = []
    parts = specifier.split("|")
    if len(parts) > _ALTERNATIVES or specifier.count(",") > _ALTERNATIVES:
        return None
    for alternative in parts:
        each = [_constraint(part.strip(), version) for part in alternative.split(",")]
        answers.append(False if False in each else None if None in each else True)
    return True if True in answers else None if None in answers else False


def _constraint(text: str, version: str) -> bool | None:
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        return None
    sign, wanted = match[1] or "", match[2]
    if wanted == "*" and sign in ("", "=", "=="):
        return True
    starred = wanted.endswith("*")
    stem = wanted.rstrip("*").rstrip(".")
    if "*" in stem or not stem:
        return None
    if sign == "=" or (starred and sign in ("", "=", "==", "!=")):
        return _below(stem, version) != (sign == "!=")
    if sign == "~=":
        least = order("conda", version, stem)
        family = stem.rpartition(".")[0]
        return None if least is None or not family else least >= 0 and _below(family, version)
    sign_of = order("conda", version, stem)
    if sign_of is None:
        return None
    match sign:
        case "" | "==" | "===":
            return sign_of == 0
        case "!=":
            return sign_of != 0
        case "<":
            return sign_of < 0
        case "<=":
            return sign_of <= 0
        case ">":
            return sign_of > 0
        case _:
            return sign_of >= 0


def _below(stem: str, version: str) -> bool:
    """Whether a version is the stem or continues it by further parts."""
    own, wanted = version.lower(), stem.lower()
    return own == wanted or own.startswith((f"{wanted}.", f"{wanted}_", f"{wanted}+"))
