"""The digest of a directory: one number for every name, kind, executable bit, link and byte in it.

Format `reprocheck-tree-v1`: SHA-256 over a header `reprocheck-tree-v1` NUL and then, for each entry below the
top directory, sorted by the bytes of its path, five fields each ended by NUL:

    KIND NUL MODE NUL SIZE NUL CONTENT NUL PATH NUL

- KIND is `file`, `directory` or `link`.
- MODE is `x` for a file that its owner may execute, else `-`: the other bits come from the umask of whoever
  copied the data, and owners and times are not content.
- SIZE is the decimal number of bytes of a file, `0` for the others.
- CONTENT is a file's SHA-256 in lower-case hexadecimal, a link's target as stored, empty for a directory.
- PATH is relative, separated by `/`, without a leading `./`.

No field can hold NUL, so no two trees have one encoding. Empty directories count. Hard links are plain files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from reprocheck.model.base import Frozen

_HEADER = b"reprocheck-tree-v1\0"


class TreeEntry(Frozen, frozen=True, kw_only=True):
    """One entry of a tree. Undecodable bytes of `path` and of a link's target stand as surrogates."""

    path: str
    kind: Literal["file", "directory", "link"]
    executable: bool = False
    size: int = 0
    content: str = ""
    """SHA-256 in hexadecimal for a file, the target for a link."""


def tree_digest(entries: Iterable[TreeEntry]) -> str:
    """Return the digest (64 hexadecimal digits) of the entries, in whatever order they come.

    Raises ValueError when a path comes twice or a field holds NUL.
    """
    by_path: dict[bytes, TreeEntry] = {}
    for entry in entries:
        path = entry.path.encode("utf-8", "surrogateescape")
        if path in by_path:
            raise ValueError("a path comes twice in one tree")
        by_path[path] = entry
    digest = hashlib.sha256(_HEADER)
    for path in sorted(by_path):
        entry = by_path[path]
        content = entry.content.encode("utf-8", "surrogateescape")
        mode = b"x" if entry.executable else b"-"
        fields = (entry.kind.encode("ascii"), mode, b"%d" % entry.size, content, path)
        if any(b"\0" in field for field in fields):
            raise ValueError("a field of a tree entry holds NUL")
        digest.update(b"\0".join(fields) + b"\0")
    return digest.hexdigest()
