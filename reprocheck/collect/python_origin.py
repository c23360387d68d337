"""Where a distribution came from, and for which machines it was built: direct_url.json and WHEEL."""

from __future__ import annotations

import re

from reprocheck.collect.reading import text_of
from reprocheck.collect.secrets import redact_url
from reprocheck.model.package import DirectUrl

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(rb"Tag:[ \t]*([!-~]{1,200})")
_BUILD = re.compile(rb"Build:[ \t]*([!-~]{1,100})")


def parse_direct_url(document: dict[str, object]) -> DirectUrl | str:
    """Take what PEP 610 defines; return the reason as text when there is no usable URL."""
    url = redact_url(text_of(document.get("url")))
    if not url:
        return "has no usable url"
    vcs, archive, directory = (_member(document, key) for key in ("vcs_info", "archive_info", "dir_info"))
    sha256 = text_of(_member(archive, "hashes").get("sha256")) or text_of(archive.get("hash")).removeprefix(
        "sha256="
    )
    return DirectUrl(
        url=url,
        vcs=text_of(vcs.get("vcs")),
        commit=text_of(vcs.get("commit_id")),
        requested_revision=text_of(vcs.get("requested_revision")),
        archive_sha256=sha256 if _SHA256.fullmatch(sha256) else "",
        subdirectory=text_of(document.get("subdirectory")),
        editable=directory.get("editable") is True,
    )


def _member(document: dict[str, object], key: str) -> dict[str, object]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def parse_wheel(raw: bytes) -> tuple[tuple[str, ...], str]:
    """Return the sorted tags and the build tag of a WHEEL file."""
    tags: set[str] = set()
    build = ""
    for line in raw.split(b"\n"):
        if match := _TAG.fullmatch(line.rstrip()):
            tags.add(match[1].decode("ascii"))
        elif match := _BUILD.fullmatch(line.rstrip()):
            build = match[1].decode("ascii")
    return tuple(sorted(tags)), build
