"""Installed files that are not as their packages wrote them."""

from __future__ import annotations

from reprocheck.compare.difference import by_key, differ, recorded_once
from reprocheck.model.change import Delta, Difference
from reprocheck.model.integrity import FileFault
from reprocheck.model.manifest import Manifest

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
    gaps = (side.packages_without_list for side in (before, after))
    found += differ("integrity", "packages without a file list", "packages", *gaps)
    return Delta(differences=tuple(found), unknowns=())


def _state(fault: FileFault | None, kind: str) -> str | None:
    """Tell a file's state; one without this fault was checked too, and an unowned one may not be there."""
    if fault is None:
        return None if kind == "unowned" else AS_PACKAGED
    return " ".join(part for part in (fault.kind, fault.actual, *fault.owners) if part)
