"""Which files dpkg was told not to unpack: `path-exclude` and `path-include` of its configuration.

Slim base images leave out documentation, manuals and translations so; dpkg(1), `--path-exclude`: the last
pattern that matches a path decides, and `*` matches `/` too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate

from reprocheck.collect.file_lists import Lists
from reprocheck.collect.reading import read
from reprocheck.limits import Limits
from reprocheck.model.unknown import Unknown
from reprocheck.ports import ContainerView

_MAIN = "/etc/dpkg/dpkg.cfg"
_PARTS = "/etc/dpkg/dpkg.cfg.d"
_PART_NAME = re.compile(r"[A-Za-z0-9_-]+")  # run-parts(8) names, as dpkg.cfg(5) takes them
_LINE = re.compile(r"(?:--)?path-(exclude|include)[ \t]*[=\s][ \t]*(\S.*)")
_MOST = 1_000


def path_filters(view: ContainerView, limits: Limits, lists: Lists) -> Callable[[str], bool]:
    """Return a function that says whether dpkg left out the file at a listed path."""
    rules: list[tuple[bool, str]] = []
    files = [_MAIN, *(f"{_PARTS}/{name}" for name in view.tree.names(_PARTS) if _PART_NAME.fullmatch(name))]
    for path in files:
        if not view.tree.exists(path):
            continue
        raw = read(view, path, limits.metadata_file, "integrity")
        if isinstance(raw, Unknown):
            lists.unknowns.append(raw)
            continue
        rules += _rules(raw.decode("utf-8", "surrogateescape"))
    if not rules:
        return lambda _path: False
    tests = [(exclude, _matcher(pattern)) for exclude, pattern in reversed(rules[:_MOST])]

    def excluded(path: str) -> bool:
        return next((exclude for exclude, matches in tests if matches(path)), False)

    return excluded


def _rules(text: str) -> list[tuple[bool, str]]:
    rules = []
    for line in text.split("\n"):
        match = _LINE.fullmatch(line.strip())
        if match is not None:
            pattern = match[2].strip()
            if len(pattern) > 1 and pattern[0] == pattern[-1] and pattern[0] in "\"'":
                pattern = pattern[1:-1]
            rules.append((match[1] == "exclude", pattern))
    return rules


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Compile a shell pattern. Runs of `*` are one; Python's translation of the rest never backtracks into
    a `*` that it has passed (bpo-40480)."""
    compiled = re.compile(translate(re.sub(r"\*+", "*", pattern[:1_000])))
    return lambda path: compiled.match(path) is not None
