"""Which of several sources tells a library's version, and which of them disagree. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reprocheck.model.base import replace
from reprocheck.model.package import NativeLibrary, VersionClaim

_ORDER = (
    "string",
    "file-name",
    "version.json",
    "version.txt",
    "wheel",
    "conda",
    "deb",
    "rpm",
    "apk",
    "cudnn_version.h",
)
"""From what the bytes themselves say to what lies beside them."""
_EPOCH = re.compile(r"[0-9]{1,9}:")
_RELEASE = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})*")


def with_claims(library: NativeLibrary, claims: Iterable[VersionClaim]) -> NativeLibrary:
    """Return the library with what these sources say of its version beside what it has already.

    The most direct source gives `version`; the rest stays in `others` where it disagrees with that.
    """
    own = (VersionClaim(version=library.version, source=library.source),) if library.version else ()
    every = {(c.source, c.version): c for c in (*own, *library.others, *claims) if c.version}
    if not every:
        return library
    ranked = sorted(every.values(), key=lambda c: (_rank(c.source), c.source, c.version))
    first = ranked[0]
    others = tuple(c for c in ranked[1:] if not agree(first.version, c.version, library.kind))
    return replace(
        library,
        version=first.version,
        source=first.source,
        others=tuple(sorted(others, key=lambda c: (c.source, c.version))),
    )


def agree(one: str, other: str, kind: str) -> bool:
    """Whether two sources may mean one release: `9.1.0` and `9.1.0.70`, `0.3.21` and `0.3.21+ds-4`.

    Conda's cudatoolkit counts releases of the toolkit, in which the runtime's last number is another.
    """
    left, right = _numbers(one), _numbers(other)
    if not left or not right:
        return one == other
    length = min(len(left), len(right), 2 if kind == "cuda-runtime" else 8)
    return left[:length] == right[:length]


def _numbers(version: str) -> tuple[int, ...]:
    match = _RELEASE.match(_EPOCH.sub("", version, count=1))
    return tuple(map(int, match[0].split("."))) if match is not None else ()


def _rank(source: str) -> int:
    return _ORDER.index(source) if source in _ORDER else len(_ORDER)
