"""Describing the files that a stopped run left, and keeping copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO

from reprocheck.artifacts.formats import describe
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.store import Store
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.filetree import portable
from reprocheck.model.run import IgnoredKey, Output
from reprocheck.model.unknown import Unknown
from reprocheck.ports import OutputFile, RefusedOutput


class Described(Frozen, frozen=True, kw_only=True):
    """The outputs of a stopped run, sorted by name, while they can still be opened."""

    outputs: tuple[Output, ...]
    refused: tuple[RefusedOutput, ...]
    files: Mapping[str, OutputFile]
    """By the portable names that `outputs` have."""

    def open(self, output: Output) -> AbstractContextManager[BinaryIO] | None:
        """Open the bytes of an output; None when it was not described here."""
        file = self.files.get(output.name)
        return file.open() if file is not None else None


def describe_outputs(
    files: Iterable[OutputFile | RefusedOutput],
    *,
    limits: Limits,
    ignore_keys: tuple[IgnoredKey, ...] = (),
    then: Callable[[BinaryIO, Output], None] | None = None,
) -> Described:
    """Hash and describe each file; what cannot be read is refused with its reason.

    `then` gets each stream, at any position, with its description, before it is closed. Raises CouldNotRun
    (E_DISK_FULL).
    """
    outputs: list[Output] = []
    refused: list[RefusedOutput] = []
    opened: dict[str, OutputFile] = {}
    for file in files:
        name = portable(file.name)
        if isinstance(file, RefusedOutput):
            refused.append(RefusedOutput(name=name, reason=file.reason))
            continue
        try:
            with file.open() as stream:
                output = describe(name, file.size, stream, limits=limits, ignore_keys=ignore_keys)
                if then is not None:
                    then(stream, output)
        except (OSError, CouldNotRun) as error:
            if isinstance(error, CouldNotRun) and error.code == "E_DISK_FULL":
                raise
            refused.append(RefusedOutput(name=name, reason=f"could not be read: {error}"))
            continue
        outputs.append(output)
        opened[name] = file
    return Described(
        outputs=tuple(sorted(outputs, key=lambda output: output.name)),
        refused=tuple(sorted(refused, key=lambda entry: entry.name)),
        files=opened,
    )


class Collected(Frozen, frozen=True, kw_only=True):
    """Outputs of one run, what could not be read of them, and declared ones that are not there."""

    outputs: tuple[Output, ...]
    unknowns: tuple[Unknown, ...]
    missing: tuple[str, ...]
    """Declared patterns that match no file."""
    unkept: CouldNotRun | None = None
    """Why copies could not be kept, though everything was read."""


def collect_outputs(
    files: Iterable[OutputFile | RefusedOutput],
    patterns: tuple[str, ...],
    *,
    limits: Limits,
    ignore_keys: tuple[IgnoredKey, ...] = (),
    store: Store | None = None,
) -> Collected:
    """Hash and describe each file; keep it when a store is given. A full store loses no description."""
    unkept: CouldNotRun | None = None

    def keep(stream: BinaryIO, output: Output) -> None:
        nonlocal unkept
        if store is not None and unkept is None:
            stream.seek(0)
            unkept = _keep(store, stream, output)

    described = describe_outputs(files, limits=limits, ignore_keys=ignore_keys, then=keep)
    names = [output.name for output in described.outputs] + [entry.name for entry in described.refused]
    return Collected(
        outputs=described.outputs,
        unknowns=tuple(
            Unknown(section="outputs", where=entry.name, reason=entry.reason) for entry in described.refused
        ),
        missing=tuple(pattern for pattern in patterns if not _matched(pattern, names)),
        unkept=unkept,
    )


def _keep(store: Store, stream: BinaryIO, output: Output) -> CouldNotRun | None:
    try:
        store.keep(stream, output.sha256)
    except CouldNotRun as error:
        if error.code == "E_STORE_DIGEST":  # what was described is no longer what is there
            raise
        return error
    return None


def _matched(pattern: str, names: list[str]) -> bool:
    wanted = Patterns((pattern,))
    return any(wanted.match("/" + name.lstrip("/")) for name in names)
