"""Describing the files that a stopped run left, and keeping copies of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    missing = tuple(pattern for pattern in patterns if not _matched(pattern, names))
    return Collected(outputs=tuple(outputs), unknowns=tuple(unknowns), missing=missing)


def _matched(pattern: str, names: list[str]) -> bool:
    wanted = Patterns((pattern,))
    return any(wanted.match("/" + name.lstrip("/")) for name in names)
