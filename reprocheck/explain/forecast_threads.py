"""How many threads split a sum on either side: by variable, as the run reported it, or by the CPUs."""

from __future__ import annotations

from reprocheck.explain.forecast_facts import Facts, told_alike
from reprocheck.explain.forecast_table import state
from reprocheck.model.forecast import Statement

_POOLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("threads.openmp", "openmp", ("OMP_NUM_THREADS",)),
    ("threads.openblas", "openblas", ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")),
    ("threads.mkl", "mkl", ("MKL_NUM_THREADS", "OMP_NUM_THREADS")),
)
"""Subject, kind of library, and the variables that it heeds, first the one that wins."""


def state_threads(a: Facts, b: Facts) -> list[Statement]:
    """State the threads of every pool that a side has; of one pool in general when none is known."""
    kinds = a.kinds() | b.kinds()
    torch = any(side.has("torch", "pytorch", "libtorch") for side in (a, b))
    found = [
        _pool(subject, names, a, b)
        for subject, kind, names in _POOLS
        if kind in kinds or (torch and kind == "openmp")
    ]
    return found or [_pool("threads", ("OMP_NUM_THREADS",), a, b)]


def _pool(subject: str, names: tuple[str, ...], a: Facts, b: Facts) -> Statement:
    if subject == "threads.openmp":
        reported = told_alike(a, b, "torch.get_num_threads")
        if reported is not None:
            return state(subject, "observed" if reported[0] == reported[1] else "differs", *reported)
    if not (a.tells(*names) and b.tells(*names)):
        return state(subject, "untold", a.shown(*names), b.shown(*names))
    pinned = [side.value(*names) for side in (a, b)]
    counts = [value or _cpus(side) for value, side in zip(pinned, (a, b), strict=True)]
    shown = [f"{count} (CPUs)" if value is None and count else count or None
             for value, count in zip(pinned, counts, strict=True)]  # fmt: skip
    if not all(counts):
        return state(subject, "untold", *shown)
    if counts[0] != counts[1]:
        return state(subject, "differs", *shown)
    if all(pinned):
        # OpenBLAS built with its own threads heeds no OMP_NUM_THREADS: then the CPUs decide after all.
        weak = subject == "threads.openblas" and not all(side.value(*names[:2]) for side in (a, b))
        return state(subject, "open" if weak and _cpus(a) != _cpus(b) else "pinned", *shown)
    return state(subject, "cpus", *shown)


def _cpus(side: Facts) -> str:
    """Return what threads are counted by where nothing pins them, '' when no machine is told."""
    cpu = side.cpu
    if cpu is None or not (cpu.allowed or cpu.logical):
        return ""
    quota = f", quota {cpu.quota_millicpus / 1000:g}" if cpu.quota_millicpus is not None else ""
    return f"{cpu.allowed or cpu.logical}{quota}"
