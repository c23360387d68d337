"""The one place where JSON is parsed: strict UTF-8, no duplicates, no NaN unless asked for, all bounded.

RFC 8259 leaves duplicate keys, depth and number range open; I-JSON (RFC 7493) closes them, and so do we.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from reprocheck.errors import InputFault
from reprocheck.limits import DEFAULT, Limits

_SURROGATE = re.compile(rb"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
"""An escape that is, or is half of, a surrogate; as UTF-8 they are refused with the rest that is no UTF-8."""
_NOT_BRACKET = bytes(c for c in range(256) if c not in b"[]{}")
_MAX_INTEGER = 2**53 - 1
_LONGEST_INTEGER = 41
_HINT = "Check where the file came from; a document written by reprocheck never looks like this."


def loads(
    raw: bytes,
    *,
    where: str,
    limits: Limits = DEFAULT,
    max_bytes: int | None = None,
    bounded_strings: bool = True,
    allow_constants: bool = False,
) -> object:
    """Parse one JSON document.

    `where` names the document in messages. `max_bytes` defaults to `limits.manifest_bytes`.
    `bounded_strings=False` lifts the limit on single strings (for tool output that is filtered afterwards).
    `allow_constants=True` takes what Python's json writes in files of other programs: NaN, Infinity and
    -Infinity as floats, and integers of up to 40 digits (times in nanoseconds, 64-bit seeds).
    Raises InputFault (E_JSON, E_TOO_LARGE) and nothing else.
    """
    ceiling = limits.manifest_bytes if max_bytes is None else max_bytes
    if len(raw) > ceiling:
        raise InputFault(
            "E_TOO_LARGE",
            f"{where} has {len(raw)} bytes, more than the limit of {ceiling}",
            hint="Raise it with --limit-scale if you trust the file.",
        )
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise _fault(where, f"is not UTF-8 (byte {error.start})") from None
    if text.startswith("\ufeff"):
        raise _fault(where, "starts with a byte order mark")
    outside, longest = _outline(raw)
    _check_depth(outside, where, limits.json_depth)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=float if allow_constants else _no_constant,
            parse_float=_finite,
            parse_int=_long if allow_constants else _exact,
        )
    except _BadValue as error:
        raise _fault(where, str(error)) from None
    except json.JSONDecodeError as error:
        if not text.strip():
            raise _fault(where, "is empty") from None
        end = error.pos >= len(text.rstrip())
        problem = "ends in the middle of the document" if end else f"is not JSON: {error.msg}"
        raise _fault(where, f"{problem} (line {error.lineno}, column {error.colno})") from None
    except (RecursionError, MemoryError):
        raise _fault(where, "is nested too deeply") from None
    bound = limits.json_string if bounded_strings else ceiling
    if longest > bound or _SURROGATE.search(raw) is not None:
        _check_strings(document, where, bound)
    return document


def _outline(raw: bytes) -> tuple[bytes, int]:
    """Return the brackets outside strings, and the bytes of the longest string as written.

    A string is never longer than it is written, so that nothing else need be looked at when this is short.
    """
    pieces = raw.replace(b"\\\\", b"__").replace(b'\\"', b"__").split(b'"')
    longest = max(map(len, pieces[1::2]), default=0)
    return b"".join(pieces[::2]).translate(None, _NOT_BRACKET), longest


class _BadValue(ValueError):
    """A value that JSON allows or Python accepts, and we do not."""


def _fault(where: str, problem: str) -> InputFault:
    return InputFault("E_JSON", f"{where} {problem}", hint=_HINT)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _BadValue(f"has the key {key[:80]!r} twice in one object")
            seen.add(key)
    return document


def _no_constant(name: str) -> NoReturn:
    raise _BadValue(f"holds {name}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _BadValue(f"holds the number {text[:40]}, which is out of range")
    return number


def _exact(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _MAX_INTEGER:
        raise _BadValue(f"holds the integer {text[:40]}, beyond 2**53-1")
    return int(text)


def _long(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise _BadValue(f"holds an integer of {len(text)} digits")
    return int(text)


def _check_depth(brackets: bytes, where: str, ceiling: int) -> None:
    rest = brackets
    for _ in range(ceiling // 2):  # each turn takes away two levels at most
        rest = rest.replace(b"[]", b"").replace(b"{}", b"")
        if not rest:
            return
    depth = 0
    for bracket in brackets:
        if bracket in b"[{":
            depth += 1
            if depth > ceiling:
                raise _fault(where, f"is nested more than {ceiling} deep")
        else:
            depth -= 1


def _check_strings(document: object, where: str, ceiling: int) -> None:
    stack = [document]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if len(item) > ceiling:
                raise _fault(where, f"holds a string of {len(item)} characters")
            if not item.isascii() and any("\ud800" <= c <= "\udfff" for c in item):
                raise _fault(where, "holds a lone surrogate")
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
