"""Installed files that are not as their packages wrote them."""

from __future__ import annotations

from reprocheck.compare.difference import by_key, differ, recorded_once
from reprocheck.model.change import Delta, Difference
from reprocheck.model.integrity import FileFault, Integrity
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown

AS_PACKAGED = "as packaged"


def compare_integrity(a: Manifest, b: Manifest) -> Delta:
    """Differences of `integrity`: each faulty file, by path, as it is on either side."""
    before, after = a.integrity, b.integrity
    if before is None or after is None:
        return recorded_once(
            "integrity", "installed files (--integrity)", before is not None, after is not None
        )
    old, new = (by_key(side.faults, lambda x: f"{x.path} {x.kind}") for side in (before, after))
    found: list[Difference] = []
    for key in old.keys() | new.keys():
        one, other = old.get(key), new.get(key)
        fault = one or other
        assert fault is not None
        found += differ(
            "integrity", fault.path, fault.kind, _state(one, fault.kind), _state(other, fault.kind)
        )
    found += differ("integrity", "packages without a file list", "packages", *_listless(a, b))
    return Delta(
        differences=tuple(found), unknowns=_elsewhere(before, after), left_out=_counts(before, after)
    )


def _listless(a: Manifest, b: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Name the packages of both sides without a list; one that a side lacks is told by itself."""
    installed = [{_unversioned(package.purl) for package in side.packages} for side in (a, b)]
    alone = installed[0] ^ installed[1]
    old, new = (
        {_unversioned(purl) for purl in side.integrity.packages_without_list} - alone
        if side.integrity
        else ()
        for side in (a, b)
    )
    return tuple(sorted(old)), tuple(sorted(new))


def _unversioned(purl: str) -> str:
    return purl.partition("?")[0].rpartition("@")[0] or purl.partition("?")[0]


def _elsewhere(before: Integrity, after: Integrity) -> tuple[Unknown, ...]:
    """Say that one side was judged where the other was not: a fault there has no counterpart."""
    if before.places == after.places:
        return ()
    where = " ".join(sorted({*before.places} ^ {*after.places})) or "the whole target"
    reason = "the two sides were checked in different directories"
    return (Unknown(section="integrity", where=where, reason=reason),)


def _counts(before: Integrity, after: Integrity) -> tuple[Unknown, ...]:
    """How many files were checked follows from what is installed; told as a fact, never as a difference."""
    counts = [(x.checked, x.without_digest, x.left_out) for x in (before, after)]
    if counts[0] == counts[1]:
        return ()
    reason = "another number of them was checked, which follows from what is installed"
    return (Unknown(section="integrity", where="installed files", reason=reason),)


def _state(fault: FileFault | None, kind: str) -> str | None:
    """Tell a file's state; one without this fault was checked too, and an unowned one may not be there."""
    if fault is None:
        return None if kind == "unowned" else AS_PACKAGED
    states = (fault.kind, "(configuration)" if fault.configuration else "", fault.actual, *fault.owners)
    shown = " ".join(part for part in states if part)
    return f"{shown}, expected {fault.expected}" if fault.expected else shown
