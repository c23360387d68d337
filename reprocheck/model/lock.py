"""A lock file, and whether an environment is still what it locks."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Count, Stamped, Value
from reprocheck.model.change import Suppression
from reprocheck.model.package import PackageType
from reprocheck.model.unknown import Unknown

LockFormat = Literal[
    "requirements.txt",
    "uv.lock",
    "poetry.lock",
    "pylock.toml",
    "conda-lock.yml",
    "environment.yml",
    "conda-explicit",
]


class Pin(Value, frozen=True, kw_only=True):
    """What a lock says of one package, where it applies to this environment."""

    type: PackageType
    name: str
    """Normalised."""
    specifier: str
    """`==2.1.0` for a pin, a range where the file has one, '' for any; in the ecosystem's own notation.

    `===2.1.0` where a resolver locked one version, so that another local label (`+cu126`) is another one.
    """
    hashes: tuple[str, ...] = ()
    """`sha256:HEX` of archives that it allows, sorted."""
    build: str = ""
    """conda build string."""
    channel: str = ""
    url: str = ""
    """Where it comes from if not from an index, without credentials; '' otherwise."""
    commit: str = ""
    """Of a repository; `url` is then `git+https://...`."""
    optional: bool = False
    """Behind an extra, a group or a category, or the project itself: its absence is no difference."""
    extras: tuple[str, ...] = ()
    """Extras of it that the lock names and whose requirements it need not list, normalised and sorted."""


class Lock(Value, frozen=True, kw_only=True):
    """A lock file as read."""

    format: LockFormat
    pins: tuple[Pin, ...]
    types: tuple[PackageType, ...]
    """Package types that this format can lock, sorted."""
    complete: bool
    """Whether it lists everything of its types that belongs to the environment, so that more is extra."""
    python: str = ""
    """Requires-Python, where the file has one."""
    unknowns: tuple[Unknown, ...] = ()
    """Lines that could not be read, markers that could not be evaluated."""


class LockDifference(Value, frozen=True, kw_only=True):
    """One package that is not as locked."""

    kind: Literal["missing", "extra", "version", "hash", "build", "channel", "source", "python"]
    type: PackageType
    name: str
    locked: str
    found: str
    """'' when it is missing."""
    fix: str = ""


class LockReport(Stamped, frozen=True, kw_only=True):
    """The result of `diff MANIFEST --lock FILE`."""

    verdict: Literal["identical", "differs", "inconclusive"]
    format: LockFormat
    file: str
    checked: Count
    """Pins that were held against the environment."""
    differences: tuple[LockDifference, ...]
    not_checked: tuple[Unknown, ...]
    """What no manifest tells: the hash of a wheel that was installed from an index, e.g.; and installed
    packages that the file need not name. They are facts and decide no verdict."""
    unknowns: tuple[Unknown, ...]
    """Readings that failed, of the lock or of the environment; any of them forbids `identical`."""
    suppressed: tuple[Suppression, ...] = ()
    """Patterns of the user, also one that matched nothing, and how many differences each took out."""
