"""What a side did not capture, and that could have explained a difference: each with a way to capture it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from reprocheck.model.change import Gap
from reprocheck.model.manifest import Manifest

Side = Literal["first", "second", "both"]
_NUMERIC_KINDS = ("cuda", "cudnn", "cublas", "nccl")


def gaps_of(a: Manifest, b: Manifest) -> tuple[Gap, ...]:
    """List the gaps of both sides, those that hide most first; then failed readings, then the source's."""
    found = [
        gap for what, lacks, remedy in _CHECKS if (gap := _gap(what, lacks(a), lacks(b), remedy)) is not None
    ]
    sections = [sorted({unknown.section for unknown in side.unknowns}) for side in (a, b)]
    for section in sorted({*sections[0], *sections[1]}):
        remedy = "see what was not compared, and take the snapshot again where that can be read"
        gap = _gap(f"part of {section}", section in sections[0], section in sections[1], remedy)
        found += [gap] if gap is not None else []
    missing = [set(side.source.missing) for side in (a, b)]
    for what in sorted(missing[0] | missing[1]):
        remedy = "take the snapshot of a source that tells it, such as the image or a container of it"
        gap = _gap(what, what in missing[0], what in missing[1], remedy)
        found += [gap] if gap is not None else []
    return tuple(found)


def _gap(what: str, first: bool, second: bool, remedy: str) -> Gap | None:
    if not first and not second:
        return None
    side: Side = "both" if first and second else "first" if first else "second"
    return Gap(what=what, side=side, remedy=remedy)


def _no_run(side: Manifest) -> bool:
    return side.run is None


def _no_data(side: Manifest) -> bool:
    return not side.data and (side.run is None or not side.run.inputs)


def _unhashed(side: Manifest) -> bool:
    return side.run is not None and any(item.sha256 is None for item in side.run.inputs)


def _no_code(side: Manifest) -> bool:
    return not side.code


def _unobserved(side: Manifest) -> bool:
    return side.loaded is None


def _unhooked(side: Manifest) -> bool:
    return side.loaded is not None and all(process.seen == "maps" for process in side.loaded.processes)


def _no_machine(side: Manifest) -> bool:
    return side.host is None


def _no_gpu(side: Manifest) -> bool:
    """No GPU to be seen where something is installed that computes on one."""
    if side.host is None or side.host.gpus:
        return False
    for_gpu = any(framework.cuda or framework.hip for framework in side.frameworks)
    return for_gpu or any(x.kind.startswith(_NUMERIC_KINDS) for x in side.libraries)


def _unchecked(side: Manifest) -> bool:
    return side.integrity is None


def _withheld(side: Manifest) -> bool:
    return any(variable.state != "recorded" or variable.value is None for variable in side.environment)


_CHECKS: tuple[tuple[str, Callable[[Manifest], bool], str], ...] = (
    ("run: command, inputs and outputs", _no_run, "reprocheck run"),
    ("data", _no_data, "snapshot or run with --data NAME=PATH"),
    ("content of an input", _unhashed, "hand the input in where it can be read"),
    ("code: commit and uncommitted changes", _no_code, "snapshot or run with --code PATH"),
    ("loaded libraries and modules", _unobserved, "run --observe, or snapshot --probe of a container"),
    ("imported modules and settings of the process", _unhooked, "run --observe"),
    ("machine", _no_machine, "take the snapshot on the machine that computes, of a container or a run"),
    ("GPU", _no_gpu, "take the snapshot where the GPU is visible: run --gpus all"),
    ("edits of installed files", _unchecked, "snapshot --integrity"),
    ("values of withheld variables", _withheld, "--env-value NAME for each that may count"),
)
"""What, whether a side lacks it, and how it is captured; in the order of suspects."""
