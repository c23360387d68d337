"""Installed files held against what their packages say of them (`snapshot --integrity`)."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Name, Value


class FileFault(Value, frozen=True, kw_only=True):
    """One installed file that is not as its package wrote it."""

    kind: Literal["changed", "missing", "unowned", "owned-twice"]
    path: Name
    owners: tuple[str, ...] = ()
    """purls of the packages that list it, sorted; none for `unowned`."""
    expected: str = ""
    """`sha256:HEX` or `md5:HEX` as the package says."""
    actual: str = ""
    """The same of the file that is there; '' where there is none."""
    configuration: bool = False
    """A configuration file of dpkg (conffile): it is there to be edited, and `dpkg -V` marks it `c`."""


class Integrity(Value, frozen=True, kw_only=True):
    """The result of checking every file that RECORD, conda or dpkg lists with a digest."""

    checked: Count
    """Files whose digest was computed and compared."""
    without_digest: Count
    """Files that a package lists without a digest, e.g. compiled bytecode and RECORD itself; only their
    existence was checked."""
    faults: tuple[FileFault, ...]
    """Sorted by kind and path."""
    packages_without_list: tuple[str, ...] = ()
    """purls of packages that have no list of files or digests (no RECORD: PEP 627 allows that), sorted."""
    left_out: Count = 0
    """Missing files that are no faults: what dpkg was told not to unpack (path-exclude), compiled bytecode
    (made again from its source), and paths without a digest in /var, /run and /tmp, whose content comes and
    goes."""
    places: tuple[str, ...] = ()
    """Directories that were judged, sorted; none means the whole target."""
