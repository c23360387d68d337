"""Describing the files that a stopped run left, and keeping copies of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from reprocheck.artifacts import describe
from reprocheck.engine.patterns import Patterns
from reprocheck.engine.store import Store
from reprocheck.errors import CouldNotRun
from reprocheck.limits import Limits
from reprocheck.model.filetree import portable
from reprocheck.model.run import IgnoredKey, Output
from reprocheck.model.unknown import Unknown
from reprocheck.ports import OutputFile, RefusedOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
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
    outputs: list[Output] = []
    unknowns: list[Unknown] = []
    unkept: CouldNotRun | None = None
    for file in files:
        name = portable(file.name)
        if isinstance(file, RefusedOutput):
            unknowns.append(Unknown(section="outputs", where=name, reason=file.reason))
            continue
        try:
            with file.open() as stream:
                output = describe(name, file.size, stream, limits=limits, ignore_keys=ignore_keys)
                if store is not None and unkept is None:
                    stream.seek(0)
                    unkept = _keep(store, stream, output)
        except (OSError, CouldNotRun) as error:
            if isinstance(error, CouldNotRun) and error.code == "E_DISK_FULL":
                raise
            unknowns.append(Unknown(section="outputs", where=name, reason=f"could not be read: {error}"))
            continue
        outputs.append(output)
    outputs.sort(key=lambda output: output.name)
    names = [output.name for output in outputs] + [unknown.where for unknown in unknowns]
    missing = tuple(pattern for pattern in patterns if not _matched(pattern, names))
    return Collected(outputs=tuple(outputs), unknowns=tuple(unknowns), missing=missing, unkept=unkept)


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
