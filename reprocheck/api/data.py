"""Data that a result comes from: hashed whole, each file listed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable

from reprocheck.api.outside import Outside
from reprocheck.codec import canonical
from reprocheck.engine.inputs import hash_with_listing
from reprocheck.errors import UsageFault
from reprocheck.model.base import Frozen
from reprocheck.model.context import DataFile, DataSet

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

ListingSink = Callable[[str, bytes], None]
"""Takes the name of a data set and the JSON Lines that list its files."""


class DataRequest(Frozen, frozen=True, kw_only=True):
    """One `--data`."""

    name: str
    path: str

    @classmethod
    def parse(cls, text: str) -> DataRequest:
        """Read `[NAME=]PATH`; a `=` after what is no name belongs to the path. Raises UsageFault (E_DATA)."""
        name, equals, path = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            name, path = "", text
        name = name or os.path.basename(os.path.abspath(os.path.expanduser(path)))
        if not path or not _NAME.fullmatch(name):
            raise UsageFault(
                "E_DATA",
                f"{text!a} gives no name for the data",
                hint="Write --data NAME=PATH with a NAME of letters, digits, '.', '_' and '-'.",
            )
        return cls(name=name, path=path)


def see_data(
    requests: Iterable[DataRequest], outside: Outside, keep: ListingSink | None
) -> tuple[tuple[DataSet, ...], tuple[str, ...]]:
    """Hash each request; give the data sets sorted by name, and notes.

    Above `limits.data_listed` files the listing goes to `keep`, or is left out where there is none. Raises
    UsageFault (E_DATA), and what `engine.inputs.hash_with_listing` raises.
    """
    found: dict[str, DataSet] = {}
    notes: list[str] = []
    for request in requests:
        if request.name in found:
            raise UsageFault(
                "E_DATA",
                f"two sets of data are named {request.name!r}",
                hint="Name them apart: --data train=a/data --data test=b/data.",
            )
        outside.progress(f"hashing data {request.name}")
        whole, files = hash_with_listing(
            outside.absolute(request.path), f"--data {request.path}", limits=outside.limits
        )
        assert whole.sha256 is not None
        listing, digest = files, ""
        if len(files) > outside.limits.data_listed:
            listing = ()
            if keep is None:
                notes.append(f"data {request.name}: its {len(files)} files are not listed on standard output")
            else:
                document = listing_document(files)
                digest = hashlib.sha256(document).hexdigest()
                keep(request.name, document)
        found[request.name] = DataSet(
            name=request.name,
            kind=whole.kind,
            files=whole.files,
            bytes=whole.bytes,
            sha256=whole.sha256,
            listing=listing,
            listing_sha256=digest,
        )
    return tuple(found[name] for name in sorted(found)), tuple(notes)


def listing_document(files: Iterable[DataFile]) -> bytes:
    """Write one file a line: RFC 8785 JSON of path, sha256 and size, each line ended by LF."""
    return b"".join(canonical(file) + b"\n" for file in files)
