"""TOML to a `Configuration`."""

from __future__ import annotations

import tomllib

from reprocheck.codec.documents import convert
from reprocheck.errors import InputFault
from reprocheck.model.configuration import Configuration


def decode_configuration(raw: bytes, *, where: str, whole: bool) -> Configuration | None:
    """Read a configuration; `whole` for a file of ours, else the table `[tool.reprocheck]` of a pyproject.

    Keys are written with `-` or `_`. None when a pyproject has no such table. Raises InputFault (E_CONFIG):
    broken TOML, an unknown key, a value of a wrong type.
    """
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _fault(where, f"is no TOML: {error}") from None
    except ValueError as error:  # digits beyond the interpreter's own limit
        raise _fault(where, f"holds a number that cannot be read: {error}") from None
    table: object = document
    if not whole or "tool" in document:
        tool = document.get("tool", {})
        table = tool.get("reprocheck") if isinstance(tool, dict) else None
        if table is None:
            return None
    try:
        return convert(_plain(table), Configuration, where)
    except InputFault as error:
        raise _fault(where, error.message.removeprefix(f"{where} ")) from None


def _plain(value: object) -> object:
    """Write keys with `_`, and dates (which TOML knows and JSON does not) as text."""
    if isinstance(value, dict):
        return {str(key).replace("-", "_"): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _fault(where: str, problem: str) -> InputFault:
    return InputFault(
        "E_CONFIG",
        f"the configuration {where}: {problem}",
        hint="Mend it, or leave it out with --no-config; docs/configuration.md says what may stand there.",
    )
