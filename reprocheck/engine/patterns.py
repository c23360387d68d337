"""Which paths a declared output means: a file, a directory with all below it, or a glob."""

from __future__ import annotations

import re
from fnmatch import translate

from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen

_WILD = re.compile(r"[*?\[]")
_LENGTH = 4096


class _Pattern(Frozen, frozen=True):
    base: str
    """The part before the first wildcard, '' for the root: nothing outside it can match."""
    parts: tuple[re.Pattern[str] | None, ...]
    """One expression per component below `base`; None stands for `**`."""


class Patterns:
    """Declared outputs, compiled.

    A pattern is matched component by component, like `PurePath.full_match`: `*`, `?` and `[...]` stay inside
    a component, `**` is any number of components. Whatever lies below a matching directory matches too.
    Raises UsageFault (E_OUTPUT_PATTERN) for empty, climbing or oversized patterns.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = tuple(_compile(pattern) for pattern in patterns)

    @property
    def bases(self) -> tuple[str, ...]:
        """Fixed beginnings of the patterns, sorted; '' means the root."""
        return tuple(sorted({pattern.base for pattern in self._patterns}))

    def match(self, path: str) -> bool:
        """Whether the absolute `path`, or a directory above it, matches a pattern."""
        return any(_matches(pattern, path) for pattern in self._patterns)

    def leads(self, path: str) -> bool:
        """Whether the absolute `path` is a proper parent of the fixed beginning of a pattern."""
        return any(pattern.base.startswith(f"{path.rstrip('/')}/") for pattern in self._patterns)

    def reaches(self, path: str) -> bool:
        """Whether something at or below the absolute `path` can match, or it is on the way to that."""
        return self.leads(path) or any(_inside(path, pattern.base) for pattern in self._patterns)


def _inside(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")


def _compile(pattern: str) -> _Pattern:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not pattern or ".." in parts or "\0" in pattern or len(pattern) > _LENGTH:
        raise _fault(pattern, "must name a path without '..'")
    fixed = 0
    while fixed < len(parts) and not _WILD.search(parts[fixed]):
        fixed += 1
    base = "".join(f"/{part}" for part in parts[:fixed])
    # fnmatch's translation cannot backtrack without bound, whatever the pattern and the name are.
    return _Pattern(
        base, tuple(None if part == "**" else re.compile(translate(part)) for part in parts[fixed:])
    )


def _matches(pattern: _Pattern, path: str) -> bool:
    if not _inside(path, pattern.base):
        return False
    last = len(pattern.parts)
    names = path[len(pattern.base) + 1 :].split("/") if path != pattern.base else []
    # How many parts of the pattern the names so far can have used up; all of them means: it, or a parent.
    states = _closed({0}, pattern)
    for name in names:
        if last in states:
            break
        reached: set[int] = set()
        for state in states:
            part = pattern.parts[state]
            if part is None:
                reached.add(state)
            elif part.fullmatch(name):
                reached.add(state + 1)
        states = _closed(reached, pattern)
    return last in states


def _closed(states: set[int], pattern: _Pattern) -> set[int]:
    """Add what a `**` that stands for nothing reaches."""
    closed = set(states)
    for state in sorted(states):
        current = state
        while current < len(pattern.parts) and pattern.parts[current] is None:
            current += 1
            closed.add(current)
    return closed


def _fault(pattern: str, what: str) -> UsageFault:
    return UsageFault(
        "E_OUTPUT_PATTERN",
        f"the output {pattern!a} {what}; nothing was started",
        hint="Name a file, a directory, or a glob such as '/out/*.pt'.",
    )
