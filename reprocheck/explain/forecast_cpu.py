"""The processor and the C library: what decides which kernels compute."""

from __future__ import annotations

from reprocheck.explain.forecast_dispatch import dispatch
from reprocheck.explain.forecast_facts import Facts, alike
from reprocheck.explain.forecast_table import state
from reprocheck.model.forecast import Statement

_SETTLED_KINDS = frozenset({"openblas", "mkl", "onednn", "blas", "lapack", "openmp", "libm", "tbb"})
"""Native libraries whose choice is stated on its own, or that make none."""
_SETTLED_FRAMEWORKS = frozenset({"torch"})


def state_cpu(a: Facts, b: Facts) -> list[Statement]:
    """State architecture, instruction sets, model, C library and every library that chooses kernels."""
    architectures = a.architecture, b.architecture
    found = [_libc(a, b)]
    if not all(architectures):
        return [*found, state("cpu.architecture", "untold", *_or_none(*architectures)), *_unseen()]
    case = "same" if architectures[0] == architectures[1] else "differs"
    found.append(state("cpu.architecture", case, *architectures))
    if case == "differs":
        return found  # nothing below could make it equal again
    if a.cpu is None or b.cpu is None:
        return [*found, *_unseen()]
    choices = dispatch(a, b)
    libm = _libm(a, b)
    return [*found, *choices, *libm, _level(a, b, [*choices, *libm]), _model(a, b, choices)]


def _or_none(*values: str) -> tuple[str | None, ...]:
    return tuple(value or None for value in values)


def _unseen() -> list[Statement]:
    return [state("cpu.level", "untold", None, None), state("cpu.model", "untold", None, None)]


def _level(a: Facts, b: Facts, choices: list[Statement]) -> Statement:
    before, after = _instructions(a, b), _instructions(b, a)
    levels = [side.cpu.level if side.cpu is not None else "" for side in (a, b)]
    if a.features == b.features and levels[0] == levels[1]:
        return state("cpu.level", "same", levels[0] or None, levels[1] or None)
    verdicts = {choice.expectation for choice in choices if choice.subject != "libm.dispatch"}
    if any(choice.expectation == "differs" for choice in choices):
        return state("cpu.level", "differs", before, after)
    settled = bool(verdicts) and all(choice.expectation == "identical" for choice in choices)
    return state("cpu.level", "capped" if settled and _known(a, b) else "open", before, after)


def _instructions(side: Facts, other: Facts) -> str:
    """Return the level, and what this CPU has beyond the other."""
    own = sorted(side.features - other.features)
    shown = f"with {' '.join(own[:6])}" + (f" and {len(own) - 6} more" if len(own) > 6 else "") if own else ""
    level = side.cpu.level if side.cpu is not None else ""
    return f"{level} {shown}".strip() or "without the other's extensions"


def _known(a: Facts, b: Facts) -> bool:
    """Whether every library and framework that was seen has a statement of its own."""
    kinds = {kind for kind in a.kinds() | b.kinds() if not _is_accelerator(kind)}
    frameworks = {x.name for side in (a, b) for x in side.frameworks}
    return kinds <= _SETTLED_KINDS and frameworks <= _SETTLED_FRAMEWORKS


def _is_accelerator(kind: str) -> bool:
    return kind.startswith(("cu", "nv")) or kind in ("nccl", "tensorrt", "")


def _model(a: Facts, b: Facts, choices: list[Statement]) -> Statement:
    models = [
        f"{side.cpu.vendor} {side.cpu.model}".strip() if side.cpu is not None else "" for side in (a, b)
    ]
    shown = models[0] or None, models[1] or None
    if not all(side.cpu is not None and side.cpu.model for side in (a, b)):
        return state("cpu.model", "untold", *shown)
    if alike(a, b) or models[0] == models[1]:
        return state("cpu.model", "same", *shown)
    settled = bool(choices) and all(choice.expectation == "identical" for choice in choices)
    return state("cpu.model", "settled" if settled and _known(a, b) else "open", *shown)


def _libc(a: Facts, b: Facts) -> Statement:
    names = [side.manifest.os.libc if side.manifest.os is not None else "" for side in (a, b)]
    shown = names[0] or None, names[1] or None
    if not all(names):
        return state("libc", "untold", *shown)
    if names[0] != names[1]:
        return state("libc", "differs", *shown)
    own, other = (
        {x.sha256 for x in side.manifest.libraries if x.kind == "libm" and x.sha256} for side in (a, b)
    )
    return state("libc", "rebuilt" if own and other and own != other else "same", *shown)


def _libm(a: Facts, b: Facts) -> list[Statement]:
    """State glibc's own dispatch; musl has none."""
    glibc = [side.manifest.os is not None and side.manifest.os.libc.startswith("glibc") for side in (a, b)]
    if not all(glibc) or a.architecture != "x86_64":
        return []
    name = "GLIBC_TUNABLES"
    own, other = (" ".join(x for x in ("fma", "fma4", "avx2") if x in side.features) for side in (a, b))
    shown = (
        f"{own or 'none'} {a.shown(name) or ''}".strip(),
        f"{other or 'none'} {b.shown(name) or ''}".strip(),
    )
    if not (a.tells(name) and b.tells(name)):
        return [state("libm.dispatch", "untold", *shown)]
    if a.value(name) != b.value(name):
        return [state("libm.dispatch", "open", *shown)]
    masked = "hwcaps" in (a.value(name) or "")
    if own != other:
        return [state("libm.dispatch", "open" if masked else "differs", *shown)]
    return [state("libm.dispatch", "same", *shown)]
