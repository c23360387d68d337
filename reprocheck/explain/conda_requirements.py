"""What conda packages require of each other: the `depends` of conda-meta, read as MatchSpec.

Source: conda's "Package match specifications" (CEP 29): `NAME [VERSION [BUILD]]`, where `,` joins versions by
and, `|` by or. What is outside that grammar forbids nothing: folding must not rest on a guess.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from reprocheck.model.package import Package
from reprocheck.versions import order

_LONGEST = 512
_MOST_TERMS = 32
_CLAUSE = re.compile(r"(==|!=|>=|<=|~=|>|<|=)?\s*([^\s<>=!~]+)")


def conda_demands(package: Package) -> dict[str, tuple[str, ...]]:
    """Return a package's specifications by the name that they are about, sorted."""
    lines: dict[str, set[str]] = {}
    for line in package.conda.depends if package.conda is not None else ():
        name = line[:_LONGEST].split(None, 1)[0].lower() if line.strip() else ""
        if name and not name.startswith("__"):  # virtual packages are facts of the machine
            lines.setdefault(name.partition("::")[2] or name, set()).add(line)
    return {name: tuple(sorted(found)) for name, found in lines.items()}


def conda_allows(lines: tuple[str, ...], version: str, build: str) -> bool:
    """Return whether every specification that can be read allows this version and build."""
    return all(_allows(line, version, build) for line in lines)


def _allows(line: str, version: str, build: str) -> bool:
    if len(line) > _LONGEST or "[" in line:
        return True
    parts = line.split()
    if len(parts) > 3:
        return True
    if len(parts) == 3 and not fnmatchcase(build, parts[2]):
        return False
    if len(parts) < 2 or parts[1] == "*":
        return True
    ways = parts[1].split("|")
    if len(ways) > _MOST_TERMS:
        return True
    return any(all(_holds(term, version) for term in way.split(",")[:_MOST_TERMS]) for way in ways)


def _holds(term: str, version: str) -> bool:
    match = _CLAUSE.fullmatch(term)
    if match is None or len(match[2]) > _LONGEST:
        return True
    operator, wanted = match[1] or "", match[2]
    if operator in ("", "==", "=", "!=") and wanted.endswith("*"):
        begins = _begins(version, wanted.rstrip("*").rstrip("."), wanted.endswith(".*"))
        return begins != (operator == "!=")
    if operator == "=":
        return _begins(version, wanted, True)
    if operator == "~=":
        series = wanted.rpartition(".")[0]
        return _at_least(version, wanted) and (not series or _begins(version, series, True))
    sign = order("conda", version, wanted.removesuffix(".*"))
    if sign is None:
        return True if operator not in ("", "==") else version == wanted
    return {
        "": sign == 0,
        "==": sign == 0,
        "!=": sign != 0,
        ">=": sign >= 0,
        "<=": sign <= 0,
        ">": sign > 0,
        "<": sign < 0,
    }[operator]


def _at_least(version: str, wanted: str) -> bool:
    sign = order("conda", version, wanted)
    return sign is None or sign >= 0


def _begins(version: str, prefix: str, whole: bool) -> bool:
    if not whole:
        return version.startswith(prefix)
    return version == prefix or version.startswith((f"{prefix}.", f"{prefix}+", f"{prefix}_"))
