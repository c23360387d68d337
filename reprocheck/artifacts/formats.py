"""What formats there are, and the description of one output file.

One format is one module, one line in `FORMATS` and one test file.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from reprocheck.artifacts import (
    csv_table,
    json_document,
    json_lines,
    npy,
    npz,
    pickled,
    raw,
    safetensors,
    tar_archive,
    tfevents,
    torch_zip,
    zip_archive,
)
from reprocheck.artifacts.elements import BLOCK
from reprocheck.artifacts.reading import Content, Format, Unreadable, seal
from reprocheck.globs import matches
from reprocheck.limits import Limits
from reprocheck.model.run import IgnoredKey, Output

FORMATS: tuple[Format, ...] = (
    tfevents,
    tar_archive,
    zip_archive,
    safetensors,
    npy,
    npz,
    pickled,
    torch_zip,
    json_lines,
    json_document,
    csv_table,
    raw,
)
"""The first that recognises a file reads it; `raw` recognises everything."""

HEAD = 512


def format_of(name: str, head: bytes) -> Format:
    """Choose the format by the file's name (case does not matter) and its first bytes."""
    lower = name.lower()
    return next(form for form in FORMATS if form.recognises(lower, head))


def describe(
    name: str, size: int, stream: BinaryIO, *, limits: Limits, ignore_keys: tuple[IgnoredKey, ...] = ()
) -> Output:
    """Describe one output file: size, digest of its bytes and, where the format is known, of its content.

    `stream` must be seekable. A damaged or hostile file never raises: its `note` says why there is no content
    digest. I/O errors of the stream while its bytes are hashed (OSError) are the caller's.
    """
    digest = hashlib.sha256()
    counted = 0
    stream.seek(0)
    head = b""
    while block := stream.read(BLOCK):
        if not counted:
            head = block[:HEAD]
        digest.update(block)
        counted += len(block)
    form = format_of(name, head)
    content: Content | None = None
    note = ""
    try:
        if counted != size:
            raise Unreadable(f"it had {size} bytes and then {counted}: it changed while it was read")
        reading = form.read(stream, size, limits=limits)
        if reading is not None:
            content = seal(form.name, reading, ignored=ignored_keys(name, ignore_keys))
    except Unreadable as fault:
        note = str(fault)
    return Output(
        name=name,
        size=counted,
        sha256=digest.hexdigest(),
        format=form.name,
        content=content.content if content else None,
        structure=content.structure if content else None,
        tensors=content.tensors if content else (),
        numbers=content.numbers if content else (),
        note=note,
        ignored_keys=content.ignored if content else (),
    )


def unmatched_keys(
    outputs: tuple[Output, ...], ignore_keys: tuple[IgnoredKey, ...]
) -> tuple[IgnoredKey, ...]:
    """Those that named nothing in any described output, in the order given: probably misspelled."""
    return tuple(
        entry
        for entry in ignore_keys
        if not any(
            entry.key in output.ignored_keys and matches(output.name, entry.file) for output in outputs
        )
    )


def ignored_keys(name: str, ignore_keys: tuple[IgnoredKey, ...]) -> tuple[str, ...]:
    """Sorted keys that are named as volatile for this file."""
    return tuple(sorted({entry.key for entry in ignore_keys if matches(name, entry.file)}))
