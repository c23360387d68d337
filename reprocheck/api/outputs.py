"""Describing the files that a stopped run left, and keeping copies of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from reprocheck.artifacts import describe
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


def collect_outputs(
    files: Iterable[OutputFile | RefusedOutput],
    patterns: tuple[str, ...],
    *,
    limits: Limits,
    ignore_keys: tuple[IgnoredKey, ...] = (),
    store: Store | None = None,
) -> Collected:
    """Hash and describe each file; keep it when a store is given."""
    outputs: list[Output] = []
    unknowns: list[Unknown] = []
    for file in files:
        name = portable(file.name)
        if isinstance(file, RefusedOutput):
            unknowns.append(Unknown(section="outputs", where=name, reason=file.reason))
            continue
        try:
            with file.open() as stream:
                output = describe(name, file.size, stream, limits=limits, ignore_keys=ignore_keys)
                if store is not None:
                    stream.seek(0)
                    store.keep(stream, output.sha256)
        except (OSError, CouldNotRun) as error:
            if isinstance(error, CouldNotRun) and error.code == "E_DISK_FULL":
                raise
            unknowns.append(Unknown(section="outputs", where=name, reason=f"could not be read: {error}"))
            continue
        outputs.append(output)
    outputs.sort(key=lambda output: output.name)
    names = [output.name for output in outputs] + [unknown.where for unknown in unknowns]
    missing = tuple(p for p in patterns if not any(matches(name, p) for name in names))
    return Collected(outputs=tuple(outputs), unknowns=tuple(unknowns), missing=missing)


def matches(name: str, pattern: str) -> bool:
    """Whether an output's name is the pattern, lies below it, or matches it as a glob."""
    from reprocheck.engine.outputs import name_matches

    return name_matches(PurePosixPath(name).as_posix(), pattern)
