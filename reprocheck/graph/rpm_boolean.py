"""Boolean dependencies of rpm: `(a or (b and c))`, `(a if b else c)` (manual, "Boolean dependencies")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reprocheck.model.base import Frozen

LONGEST = 16_384
"""Characters of one expression."""

_WORD = re.compile(r"\s*(\(|\)|[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)")
_OPERATORS = frozenset({"and", "or", "if", "unless", "with", "without", "else"})
_SIGNS = frozenset({"<", "<=", "=", ">=", ">"})


class BadExpression(ValueError):
    """An expression that cannot be evaluated; the text says why and can end a sentence."""


class Item(Frozen, frozen=True, kw_only=True):
    """A capability, or an operator over the last `count` values."""

    text: str = ""
    operator: str = ""
    count: int = 0


class Expression(Frozen, frozen=True, kw_only=True):
    """An expression as a machine with a stack takes it: operands first."""

    postfix: tuple[Item, ...]


@dataclass(kw_only=True, slots=True)
class _Group:
    """What stands between two brackets, so far."""

    operators: list[str]
    operands: int = 0
    words: list[str]


def read_expression(text: str) -> Expression:
    """Read one expression, brackets included, without recursion. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"has {len(text)} characters, more than {LONGEST}")
    postfix: list[Item] = []
    groups: list[_Group] = []
    place = 0
    closed = False
    while place < len(text):
        match = _WORD.match(text, place)
        if match is None or closed:
            raise BadExpression("is malformed")
        word, place = match[1], match.end()
        if word == "(":
            if groups and groups[-1].words:
                raise BadExpression("is malformed")
            groups.append(_Group(operators=[], words=[]))
        elif not groups:
            raise BadExpression("is malformed")
        elif word == ")":
            _end_operand(groups[-1], postfix)
            _end_group(groups.pop(), postfix)
            if groups:
                groups[-1].operands += 1
            closed = not groups
        elif word in _OPERATORS:
            _end_operand(groups[-1], postfix)
            groups[-1].operators.append(word)
            if groups[-1].operands != len(groups[-1].operators):
                raise BadExpression("is malformed")
        else:
            groups[-1].words.append(word)
    if not closed:
        raise BadExpression("is malformed")
    return Expression(postfix=tuple(postfix))


def _end_operand(group: _Group, postfix: list[Item]) -> None:
    words = group.words
    if not words:
        return
    if len(words) not in (1, 3) or (len(words) == 3 and words[1] not in _SIGNS):
        raise BadExpression("is malformed")
    postfix.append(Item(text=" ".join(words)))
    group.operands += 1
    group.words = []


def _end_group(group: _Group, postfix: list[Item]) -> None:
    kinds = tuple(dict.fromkeys(group.operators))
    if group.operands != len(group.operators) + 1:
        raise BadExpression("is malformed")
    if not kinds:
        return
    chained = len(kinds) == 1 and kinds[0] in ("and", "or", "with")
    single = group.operators in (["if"], ["unless"], ["without"], ["if", "else"], ["unless", "else"])
    if not chained and not single:  # rpm allows no mixture without brackets
        raise BadExpression("mixes operators without brackets")
    postfix.append(Item(operator=group.operators[0], count=group.operands))
