"""Environment markers (PEP 508) as alternatives of clauses, so that most are told without a parser.

What is not of the usual shape (`in`, `~=`, reversed operands, many brackets) is left to `packaging`.
"""

from __future__ import annotations

import re

from reprocheck.graph.release import read_bounds
from reprocheck.model.base import Frozen

MOST_ALTERNATIVES = 16
"""Alternatives of one marker, once multiplied out; a marker with more is left to `packaging`."""

VERSIONS = frozenset({"python_version", "python_full_version", "implementation_version"})
_TEXTS = frozenset(
    {"os_name", "sys_platform", "platform_machine", "platform_system", "platform_python_implementation"}
    | {"implementation_name"}
)
_EXTRA = re.compile(r"""extra\s*==\s*(?:'([^'"\s]+)'|"([^'"\s]+)")""")
_ITEM = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<word>and|or)\b"""
    r"""|(?P<name>[a-z_]+)\s*(?P<sign>==|!=|<=|>=|<|>)\s*(?:'(?P<one>[^'"]*)'|"(?P<two>[^'"]*)"))\s*"""
)
_SEPARATORS = re.compile(r"[-_.]+")

_END = ""

Clause = tuple[str, str, str]
"""Variable, operator, value."""


def normalise(name: str) -> str:
    """Write a project or extra name as PEP 503 does."""
    if "_" in name or "." in name or "--" in name:
        name = _SEPARATORS.sub("-", name)
    return name.lower()


class Alternative(Frozen, frozen=True, kw_only=True):
    """Clauses that hold together: those on the environment, and those on the extra that is asked for."""

    clauses: tuple[Clause, ...] = ()
    wants: tuple[str, ...] = ()
    """Normalised extras of `extra == '...'`."""
    refuses: tuple[str, ...] = ()
    """Normalised extras of `extra != '...'`."""


Alternatives = tuple[Alternative, ...]

NOTHING_ASKED: Alternatives = (Alternative(),)
"""A requirement without a marker."""


def read_marker(text: str) -> Alternatives | None:
    """Read a marker; None for what `packaging` has to read, malformed ones among them."""
    only = _EXTRA.fullmatch(text)
    if only is not None:
        return (Alternative(wants=(normalise(only[1] or only[2]),)),)
    items = _words(text)
    return None if items is None else _multiply(items)


def _words(text: str) -> list[str | Alternative] | None:
    items: list[str | Alternative] = []
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            return None
        position = match.end()
        plain = match["bracket"] or match["word"]
        clause = None if plain else _clause(match["name"], match["sign"], match["one"] or match["two"] or "")
        if not plain and clause is None:
            return None
        items.append(plain or clause or "")
    return items


def _clause(name: str, sign: str, value: str) -> Alternative | None:
    if name == "extra" and sign in ("==", "!=") and value and not value.isspace():
        own = (normalise(value),)
        return Alternative(wants=own) if sign == "==" else Alternative(refuses=own)
    text = name in _TEXTS and sign in ("==", "!=")
    if text or (name in VERSIONS and read_bounds(sign + value) is not None):
        return Alternative(clauses=((name, sign, value),))
    return None


def _multiply(items: list[str | Alternative]) -> Alternatives | None:
    """Turn items into alternatives with two stacks, `and` before `or`; None when they make no expression."""
    values: list[Alternatives] = []
    operators: list[str] = []
    value_next = True
    for item in (*items, _END):
        if isinstance(item, Alternative) or item == "(":
            if not value_next:
                return None
            if isinstance(item, Alternative):
                values.append((item,))
                value_next = False
            else:
                operators.append(item)
            continue
        if value_next:
            return None
        while operators and operators[-1] != "(" and not (operators[-1] == "or" and item == "and"):
            second, first = values.pop(), values.pop()
            joined = first + second if operators.pop() == "or" else _product(first, second)
            if len(joined) > MOST_ALTERNATIVES:
                return None
            values.append(joined)
        if item in (")", _END):
            if (operators.pop() if operators else _END) != ("(" if item == ")" else _END):
                return None
        else:
            operators.append(item)
            value_next = True
    return values[0]


def _product(first: Alternatives, second: Alternatives) -> Alternatives:
    return tuple(
        Alternative(clauses=a.clauses + b.clauses, wants=a.wants + b.wants, refuses=a.refuses + b.refuses)
        for a in first
        for b in second
    )
