"""The style sheets and scripts that go into a page, and what they are allowed to be."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from reprocheck import strictjson
from reprocheck.model.base import Frozen

VERSIONS = "VERSIONS.json"
_NONE = "'none'"


class Library(Frozen, frozen=True, kw_only=True):
    """A foreign library in `assets/`, as `VERSIONS.json` names it."""

    name: str
    version: str
    license: str
    """SPDX identifier."""
    license_file: str
    integrity: str
    """Of the package on the npm registry: `sha512-` and base64."""
    files: tuple[tuple[str, str], ...]
    """(name in `assets/`, SHA-256 in hexadecimal)."""


@cache
def libraries() -> tuple[Library, ...]:
    """Return every library that ships with the package, by name."""
    rows = strictjson.loads(files(__package__).joinpath("assets", VERSIONS).read_bytes(), where=VERSIONS)
    assert isinstance(rows, list)
    found = []
    for row in rows:
        assert isinstance(row, dict)
        found.append(Library(**row | {"files": tuple(sorted(row["files"].items()))}))
    return tuple(sorted(found, key=lambda library: library.name))


@cache
def asset(name: str) -> str:
    """Return the text of a file in `assets/`. It must be safe inside `<script>` and `<style>`."""
    text = files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
    lowered = text.lower()
    # A parser of HTML makes LF of CR, after which the hash would be another one.
    assert not any(mark in lowered for mark in ("</script", "</style", "<!--", "\r", "\0")), name
    return text


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """Return a Content-Security-Policy under which these texts may run and style, and nothing else.

    Source: CSP Level 3, sections 2.3 and 8.4 (a hash names the exact text of an inline element).
    """
    allowed = {"script-src": scripts, "style-src": styles}
    rules = [f"{name} {' '.join(map(_source, texts)) or _NONE}" for name, texts in allowed.items()]
    return "; ".join(["default-src 'none'", *rules, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
