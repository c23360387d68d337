"""What could not be observed, as a value."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Value

Section = Literal[
    "image",
    "os",
    "packages",
    "pythons",
    "libraries",
    "environment",
    "host",
    "run",
    "inputs",
    "outputs",
    "changes",
    "graph",
    "checks",
    "integrity",
    "hub",
    "code",
    "data",
    "loaded",
]


class Unknown(Value, frozen=True, kw_only=True):
    """A reading that failed.

    An absent thing (no GPU in the machine, no Python in the image) and a withheld one (a variable listed
    without its value) are facts, not unknowns.
    """

    section: Section
    where: str
    """The path, package or tool, as a reader would look for it."""
    reason: str
    """What went wrong, in words that end a sentence."""
