"""File names that say whose manifest it is: `-o runs/%h-%r.json`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reprocheck.collect.job import rank_of
from reprocheck.errors import UsageFault

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_CODE = re.compile(r"%(.?)", re.DOTALL)
_HOST_LABELS = ("node", "host")
_LONGEST = 100


def expand_name(
    pattern: str, *, labels: Iterable[tuple[str, str]], environ: Mapping[str, str], machine: str
) -> str:
    """Replace `%h` by the host, `%r` by the rank and `%%` by `%`.

    The host is the label `node`, else `host`, else the first part of the machine's name. Raises UsageFault
    (E_NAME_PATTERN) for any other `%`.
    """
    given = dict(labels)
    host = next((given[name] for name in _HOST_LABELS if given.get(name)), machine.partition(".")[0])
    values = {"%": "%", "h": file_part(host), "r": file_part(rank_of(environ))}

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UsageFault(
                "E_NAME_PATTERN",
                f"{match[0]!a} in the file name {pattern!a} has no meaning",
                hint="Write %h for the host, %r for the rank, and %% for a percent sign.",
            )
        return values[match[1]]

    return _CODE.sub(value, pattern)


def file_part(text: str) -> str:
    """Make a text that may stand in a file name: no separator, no leading dot, not empty."""
    safe = _UNSAFE.sub("_", text)[:_LONGEST]
    return f"_{safe[1:]}" if not safe or safe[0] in ".-" else safe
