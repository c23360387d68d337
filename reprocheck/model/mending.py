"""Commands that turn the second side's environment into the first one's."""

from __future__ import annotations

from typing import Literal

from reprocheck.model.base import Value

Tool = Literal["conda", "apt", "dnf", "apk", "pip", "export", "docker"]


class Step(Value, frozen=True, kw_only=True):
    """One command. Steps stand in the order in which they work."""

    tool: Tool
    command: str
    """For a POSIX shell; every foreign word is quoted. For `docker`: options of `docker run`."""
    undoes: tuple[str, ...]
    """Names of what it puts right, sorted."""
    caution: str = ""
    """What it may need or change beside: a network, root, an index that still has the version."""


class Unmended(Value, frozen=True, kw_only=True):
    """A difference that no command puts right."""

    section: str
    name: str
    reason: str
    """In words that end a sentence: `another CPU`, `the wheel's build is not on an index by its name`."""


class Mending(Value, frozen=True, kw_only=True):
    """The result of `diff --fix`."""

    steps: tuple[Step, ...]
    unmended: tuple[Unmended, ...]
