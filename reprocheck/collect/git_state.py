"""What git prints, as values. Pure; every format here is one of the NUL-separated (`-z`) ones."""

from __future__ import annotations

import re

from reprocheck.collect.secrets import redact_url
from reprocheck.model.base import Frozen

LFS_LARGEST = 1024
"""Bytes: a pointer file is smaller than this (git-lfs, docs/spec.md)."""
LFS_SMALLEST = 120
"""Bytes of version line, oid line and the shortest size line."""

_OBJECT = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_SCP = re.compile(
    r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:]+\]):(?P<path>(?!//).+)"
)
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(rb"^oid sha256:[0-9a-f]{64}$", re.MULTILINE)
_SUBMODULE = b"160000"


class IndexEntry(Frozen, frozen=True, kw_only=True):
    """A path that git tracks. Undecodable bytes of the path stand as surrogates."""

    path: str
    commit: str
    """The recorded commit of a submodule, '' for any other path."""


def parse_settings(raw: bytes) -> tuple[tuple[str, bytes], ...]:
    """Read `git config --list -z`: `KEY LF VALUE NUL`; a key without a value is boolean true.

    Git writes section and last part of a key in lower case.
    """
    pairs = []
    for item in raw.split(b"\0"):
        key, _, value = item.partition(b"\n")
        if key:
            pairs.append((_text(key), value))
    return tuple(pairs)


def remote_of(settings: tuple[tuple[str, bytes], ...]) -> str:
    """Return the URL of `origin`, else of the only remote, without credentials; '' for a local path."""
    urls: dict[str, str] = {}
    for key, value in settings:
        if key.startswith("remote.") and key.endswith(".url"):
            urls.setdefault(key[len("remote.") : -len(".url")], _text(value))
    url = urls.get("origin") or (next(iter(urls.values())) if len(urls) == 1 else "")
    return _public_url(url)


def _public_url(url: str) -> str:
    """Leave out what names a directory of this machine or a program (`ext::`), and users but `git`."""
    try:
        url.encode()
    except UnicodeEncodeError:
        return ""
    if "::" in url.partition("//")[0] or not url.isprintable():
        return ""
    if "://" in url:
        return "" if url.lower().startswith("file:") else redact_url(url)
    match = _SCP.fullmatch(url)
    if match is None:
        return ""
    # `host:path` has no port and no query; as a URL its path goes through the same scan.
    path = redact_url(f"ssh://host/{match['path'].lstrip('/')}").removeprefix("ssh://host/")
    return f"{'git@' if match['user'] == 'git' else ''}{match['host']}:{path}"


def parse_branch(raw: bytes | None) -> str:
    """Read `git symbolic-ref -q HEAD`; '' when HEAD is detached."""
    return "" if raw is None else _text(raw.rstrip(b"\n")).removeprefix("refs/heads/")


def parse_object(raw: bytes | None) -> str:
    """Read one object id; '' when there is none."""
    name = b"" if raw is None else raw.strip()
    return name.decode("ascii") if _OBJECT.fullmatch(name) else ""


def parse_index(raw: bytes) -> tuple[IndexEntry, ...]:
    """Read `git ls-files --stage -z`: `MODE OBJECT STAGE TAB PATH NUL`; a conflict lists its path once."""
    found: dict[str, IndexEntry] = {}
    for item in raw.split(b"\0"):
        head, tab, path = item.partition(b"\t")
        fields = head.split(b" ")
        if not tab or len(fields) != 3:
            continue
        commit = fields[1].decode("ascii", "replace") if fields[0] == _SUBMODULE else ""
        entry = IndexEntry(path=_text(path), commit=commit)
        found.setdefault(entry.path, entry)
    return tuple(found[path] for path in sorted(found))


def parse_paths(raw: bytes) -> tuple[str, ...]:
    """Read a list of paths, each ended by NUL; sorted, each once."""
    return tuple(sorted({_text(path) for path in raw.split(b"\0") if path}))


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a file's bytes are a git-lfs pointer and not what it points to."""
    return len(content) <= LFS_LARGEST and content.startswith(_POINTER) and _OID.search(content) is not None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
