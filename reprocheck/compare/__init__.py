"""Two manifests to a `Delta`: every difference, before anybody says what matters.

`source` and `observation` tell how and where was observed; they are never compared. One comparator is one
function in the table below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from reprocheck.compare.archives import differ_by_place_alone
from reprocheck.compare.code import compare_code
from reprocheck.compare.components import (
    compare_frameworks,
    compare_leftovers,
    compare_libraries,
    compare_pythons,
)
from reprocheck.compare.context import compare_data, compare_hub, compare_job
from reprocheck.compare.difference import differ, rank_key
from reprocheck.compare.images import compare_image, compare_os
from reprocheck.compare.integrity import compare_integrity
from reprocheck.compare.loaded import compare_loaded
from reprocheck.compare.loading import compare_linking, compare_loading
from reprocheck.compare.machine import compare_host
from reprocheck.compare.packages import compare_packages
from reprocheck.compare.runs import compare_inputs, compare_outputs, compare_run
from reprocheck.compare.variables import compare_environment
from reprocheck.model.base import replace
from reprocheck.model.change import Delta, Difference
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Section, Unknown

Comparator = Callable[[Manifest, Manifest], Delta]

COMPARATORS: tuple[Comparator, ...] = (
    compare_inputs,
    compare_data,
    compare_hub,
    compare_code,
    compare_run,
    compare_job,
    compare_environment,
    compare_loaded,
    compare_packages,
    compare_leftovers,
    compare_frameworks,
    compare_libraries,
    compare_loading,
    compare_linking,
    compare_pythons,
    compare_integrity,
    compare_os,
    compare_image,
    compare_host,
    compare_outputs,
)

_CONTENT = ("packages", "frameworks", "libraries", "pythons", "hub", "os")
_IDENTITY = ("environment", "image")
_OUTSIDE = ("source", "observation", "digests")


def compare(a: Manifest, b: Manifest) -> Delta:
    """Return all differences, sorted, and what could not or was not meant to be compared.

    Pure. `compare(m, m)` has no differences, and `compare(b, a)` mirrors `compare(a, b)`.
    """
    parts = [comparator(a, b) for comparator in COMPARATORS]
    differences = [d for part in parts for d in part.differences]
    differences += _unexplained_content(a, b, differences)
    unread = _unread(a, b)
    return Delta(
        differences=tuple(sorted(differences, key=rank_key)),
        unknowns=_sorted({u for part in parts for u in part.unknowns} | _unknowns(a, b) | unread),
        left_out=_sorted({u for part in parts for u in part.left_out}),
    )


def _sorted(open_ends: set[Unknown]) -> tuple[Unknown, ...]:
    return tuple(sorted(open_ends, key=lambda u: (u.section, u.where, u.reason)))


def _unexplained_content(a: Manifest, b: Manifest, found: list[Difference]) -> tuple[Difference, ...]:
    """Keep a difference from disappearing: the sealed content differs in a field that nobody compares."""
    if a.digests is None or b.digests is None:
        return ()
    sections = {d.section for d in found}
    unexplained: tuple[Difference, ...] = ()
    told = not sections.isdisjoint(_CONTENT) or differ_by_place_alone(a, b)
    if not told and a.schema_version == b.schema_version:
        unexplained += differ("image", "content digest", "digest", a.digests.content, b.digests.content)
    identities = (a.digests.identity, b.digests.identity)
    if sections.isdisjoint(_IDENTITY) and None not in identities:
        unexplained += differ("image", "identity digest", "digest", *identities)
    return unexplained


_PLACES: dict[str | int, Section] = {
    **{section: section for section in get_args(Section)},
    "frameworks": "libraries",
    "loading": "libraries",
    "job": "run",
    "labels": "run",
    "shadowed": "packages",
    "wheels": "packages",
    "remnants": "packages",
}


def _unread(a: Manifest, b: Manifest) -> set[Unknown]:
    """Name the fields of a newer schema that differ: what they mean cannot be told, and they are not lost."""
    paths = {field.path for field in {*a.unknown_fields} ^ {*b.unknown_fields}}
    reason = "a field of a newer schema differs, and this version cannot read it"
    return {
        Unknown(section=_PLACES.get(path[0], "image"), where=_dotted(path), reason=reason)
        for path in paths
        if path and path[0] not in _OUTSIDE
    }


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _unknowns(a: Manifest, b: Manifest) -> set[Unknown]:
    first, second = set(a.unknowns), set(b.unknowns)
    return (
        (first & second)
        | {replace(u, reason=f"{u.reason} (first manifest)") for u in first - second}
        | {replace(u, reason=f"{u.reason} (second manifest)") for u in second - first}
    )
