"""What the user names as a side of a comparison: a document, or something that is looked at now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reprocheck.cli.results import read_document

if TYPE_CHECKING:
    from reprocheck.api.outside import Outside
    from reprocheck.model.manifest import Manifest


def is_target(text: str) -> bool:
    """Whether this names a target and not a file: `SCHEME:...`, or `local`. `./local` is a file."""
    from reprocheck.api.targets import SCHEMES

    scheme, colon, _ = text.partition(":")
    if os.path.lexists(text) and text != "local":
        return False
    return text == "local" or (bool(colon) and scheme in SCHEMES)


def read_side(text: str, outside: Outside, *, with_syft: bool) -> Manifest:
    """Read a manifest or a document of another tool ('-' is stdin), or take a snapshot of a target.

    Raises InputFault for documents, and what a snapshot raises.
    """
    if is_target(text):
        from reprocheck.api.snapshot import SnapshotOptions, snapshot

        return snapshot(None if text == "local" else text, SnapshotOptions(with_syft=with_syft), outside)
    from reprocheck.api.foreign import read_side as read_any

    return read_any(read_document(text, outside.limits), where=text, limits=outside.limits)
