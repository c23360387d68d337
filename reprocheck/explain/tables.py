"""The knowledge tables: rules, variables and packages that bear on numbers, noise, look-alike characters.

They are data files of the package, each row with a source and the day it was checked. A pattern that ends in
`*` matches every name that begins so; an exact name wins over a pattern, and a longer pattern over a shorter.
"""

from __future__ import annotations

import importlib.resources
from functools import cache, lru_cache
from typing import Any, cast

from reprocheck import strictjson
from reprocheck.model.base import Frozen
from reprocheck.model.change import Effect
from reprocheck.model.rule import Rule


class RankedRule(Rule, frozen=True, kw_only=True):
    """A rule of `explain`, with the effect of what it finds."""

    effect: Effect


class Knowledge(Frozen, frozen=True, kw_only=True):
    """One row about names: what a variable or a package has to do with results."""

    patterns: tuple[str, ...]
    code: str
    weight: int
    """The higher, the earlier within its group; 0 for what changes no result."""
    why: str
    source: str
    date: str
    types: tuple[str, ...] = ()
    """Package types it speaks of; empty for variables."""
    role: str = ""
    """For packages: `numeric`, `blas`, `openmp`, `libc`, `decoder`, `tool`, ..."""


class Noise(Frozen, frozen=True, kw_only=True):
    """One row about differences that tell nothing anywhere."""

    section: str
    globs: tuple[str, ...]
    why: str
    source: str
    date: str
    attributes: tuple[str, ...] = ()
    """Only differences of these attributes; empty for all."""


@cache
def rules() -> tuple[RankedRule, ...]:
    """Return every rule of this room, sorted by code."""
    return tuple(sorted((RankedRule(**row) for row in _rows("rules.json")), key=lambda rule: rule.code))


@cache
def variables() -> tuple[Knowledge, ...]:
    """Return what is known of environment variables."""
    return tuple(_knowledge(row) for row in _rows("variables.json"))


@cache
def packages() -> tuple[Knowledge, ...]:
    """Return what is known of packages."""
    return tuple(_knowledge(row) for row in _rows("packages.json"))


@cache
def confusables() -> dict[int, str]:
    """Return which characters look like which ASCII ones, for `str.translate`."""
    return {
        int(point, 16): row["looks_like"] for row in _rows("confusables.json") for point in row["code_points"]
    }


@cache
def noise() -> tuple[Noise, ...]:
    """Return the differences that are noise everywhere, in the order of the table."""
    return tuple(
        Noise(
            section=row["section"],
            globs=tuple(row["globs"]),
            attributes=tuple(row.get("attributes", ())),
            why=row["why"],
            source=row["source"],
            date=row["date"],
        )
        for row in _rows("noise.json")
    )


def variable(name: str) -> Knowledge | None:
    """Return what is known of the variable `name`."""
    return _find(_variable_index(), name)


@lru_cache(maxsize=65536)
def package(type: str, name: str) -> Knowledge | None:  # noqa: A002 - named as the field it takes
    """Return what is known of a package; `name` is normalised by the caller."""
    return _find(_package_index().get(type, {}), name)


def _rows(name: str) -> list[dict[str, Any]]:
    raw = importlib.resources.files("reprocheck.explain").joinpath("data", name).read_bytes()
    return cast("list[dict[str, Any]]", strictjson.loads(raw, where=name))


def _knowledge(row: dict[str, Any]) -> Knowledge:
    lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Knowledge(**{**row, **lists})


@cache
def _variable_index() -> dict[str, Knowledge]:
    return {pattern: row for row in variables() for pattern in row.patterns}


@cache
def _package_index() -> dict[str, dict[str, Knowledge]]:
    index: dict[str, dict[str, Knowledge]] = {}
    for row in packages():
        for kind in row.types:
            index.setdefault(kind, {}).update(dict.fromkeys(row.patterns, row))
    return index


def _find(index: dict[str, Knowledge], name: str) -> Knowledge | None:
    if name in index and not name.endswith("*"):
        return index[name]
    for length in _lengths():  # only these: a hostile name must not cost its length squared
        row = index.get(f"{name[:length]}*") if length <= len(name) else None
        if row is not None:
            return row
    return None


@cache
def _lengths() -> tuple[int, ...]:
    """Return how long the beginnings of names are that patterns tell, the longest first."""
    patterns = (pattern for row in (*variables(), *packages()) for pattern in row.patterns)
    return tuple(sorted({len(p) - 1 for p in patterns if p.endswith("*") and len(p) > 1}, reverse=True))
