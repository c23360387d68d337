"""Which kernels numeric libraries choose on either CPU, with the variables that hold them down.

A cap that is equal on both sides and lower than both CPUs makes the choice equal. ATen and NumPy choose by
instruction set alone; oneDNN, OpenBLAS and MKL look at vendor, model and caches too, so that without a cap
other CPUs leave the question open even where their instruction sets are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from reprocheck.explain.forecast_facts import Facts, alike, told_alike
from reprocheck.explain.forecast_table import state
from reprocheck.model.forecast import Statement

_X86 = "x86_64"
_SKX = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
_Tiers = tuple[tuple[str, frozenset[str]], ...]

ATEN: _Tiers = (
    ("default", frozenset()),
    ("avx2", frozenset({"avx2", "fma"})),
    ("avx512", frozenset({"avx2", "fma"}) | _SKX),
)
"""pytorch/pytorch#155552: the words of ATEN_CPU_CAPABILITY and what each needs."""
ONEDNN: _Tiers = (
    ("SSE41", frozenset({"sse4_1"})),
    ("AVX", frozenset({"avx"})),
    ("AVX2", frozenset({"avx2"})),
    ("AVX2_VNNI", frozenset({"avx2", "avx_vnni"})),
    ("AVX512_CORE", _SKX),
    ("AVX512_CORE_VNNI", _SKX | {"avx512_vnni"}),
    ("AVX512_CORE_BF16", _SKX | {"avx512_vnni", "avx512_bf16"}),
    ("AVX512_CORE_FP16", _SKX | {"avx512_vnni", "avx512_bf16", "avx512_fp16"}),
    ("AVX512_CORE_AMX", _SKX | {"avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"}),
)
"""oneDNN developer guide, CPU Dispatcher Control."""
_OPENBLAS: _Tiers = (
    ("older", frozenset()),
    ("avx", frozenset({"avx"})),
    ("avx2", frozenset({"avx", "avx2"})),
    ("avx512", frozenset({"avx", "avx2", "avx512f"})),
)
"""OpenBLAS, driver/others/dynamic.c: support_avx, support_avx2, support_avx512."""
_CORES = {
    **dict.fromkeys(("prescott", "core2", "nehalem", "barcelona", "penryn", "atom"), "older"),
    **dict.fromkeys(("sandybridge", "bulldozer", "piledriver", "steamroller"), "avx"),
    **dict.fromkeys(("haswell", "zen", "excavator"), "avx2"),
    **dict.fromkeys(("skylakex", "cooperlake", "sapphirerapids"), "avx512"),
}
"""Words of OPENBLAS_CORETYPE (the same file), by the tier whose kernels they stand for."""
_NUMPY: _Tiers = (
    ("baseline", frozenset()),
    ("avx2", frozenset({"avx2", "fma"})),
    ("avx512", _SKX),
)
_NUMPY_NAMES = {
    "avx512_skx": _SKX,
    "avx512f": frozenset({"avx512f"}),
    "avx512cd": frozenset({"avx512cd"}),
    "x86_v4": _SKX,
    "avx2": frozenset({"avx2"}),
    "fma3": frozenset({"fma"}),
    "x86_v3": frozenset({"avx2", "fma"}),
}
"""Names of NPY_DISABLE_CPU_FEATURES that decide between the tiers (numpy/numpy#23523)."""


def dispatch(a: Facts, b: Facts) -> list[Statement]:
    """State of every library that is seen on a side which kernels it will choose; both CPUs are known."""
    kinds = a.kinds() | b.kinds()
    torch = any(side.has("torch", "pytorch", "libtorch") for side in (a, b))
    found: list[Statement] = []
    if torch:
        found.append(_aten(a, b))
    if torch or "onednn" in kinds:
        found.append(_onednn(a, b))
    if any(side.has("numpy", "numpy-base") for side in (a, b)):
        found.append(_numpy(a, b))
    if "openblas" in kinds:
        found.append(_openblas(a, b))
    # PyTorch's wheels hold MKL inside their own library; with equal CPUs nothing more is to be said of it.
    if "mkl" in kinds or (torch and a.architecture == _X86 and not alike(a, b)):
        found.append(_mkl(a, b, seen="mkl" in kinds))
    return found


def tier(features: frozenset[str], tiers: _Tiers, cap: str = "") -> str:
    """Return the highest tier that a CPU offers and a cap allows; a cap that is no tier allows all."""
    words = [word for word, _ in tiers]
    last = words.index(cap) if cap in words else len(words) - 1
    fit = [word for word, needs in tiers[: last + 1] if needs <= features]
    return fit[-1] if fit else words[0]


def _by_feature(
    subject: str, a: Facts, b: Facts, ends: tuple[str, str], capped: bool, shown: Sequence[str | None]
) -> Statement:
    """State a library that chooses by instruction set alone."""
    before, after = (f"{end} ({note})" if note else end for end, note in zip(ends, shown, strict=True))
    if a.architecture != _X86:
        case = "same" if a.features == b.features else "open"
        return state(subject, case, _features(a), _features(b))
    if ends[0] != ends[1]:
        return state(subject, "differs", before, after)
    return state(subject, "capped" if capped else "same", before, after)


def _features(side: Facts) -> str:
    return " ".join(sorted(side.features)) or "none"


def _aten(a: Facts, b: Facts) -> Statement:
    subject, name = "aten.dispatch", "ATEN_CPU_CAPABILITY"
    reported = told_alike(a, b, "torch.backends.cpu.get_cpu_capability")
    if reported is not None:
        return state(subject, "observed" if reported[0] == reported[1] else "observed-differs", *reported)
    if not (a.tells(name) and b.tells(name)):
        return state(subject, "untold", a.shown(name), b.shown(name))
    caps = [(side.value(name) or "").lower() for side in (a, b)]
    ends = (tier(a.features, ATEN, caps[0]), tier(b.features, ATEN, caps[1]))
    return _by_feature(subject, a, b, ends, any(caps), (a.shown(name), b.shown(name)))


def _numpy(a: Facts, b: Facts) -> Statement:
    subject, name = "numpy.dispatch", "NPY_DISABLE_CPU_FEATURES"
    if not (a.tells(name) and b.tells(name)):
        return state(subject, "untold", a.shown(name), b.shown(name))
    ends = (tier(_left_by_numpy(a, name), _NUMPY), tier(_left_by_numpy(b, name), _NUMPY))
    capped = a.value(name) is not None or b.value(name) is not None
    return _by_feature(subject, a, b, ends, capped, (a.shown(name), b.shown(name)))


def _left_by_numpy(side: Facts, name: str) -> frozenset[str]:
    words = (side.value(name) or "").lower().replace(",", " ").split()
    disabled: frozenset[str] = frozenset().union(*(_NUMPY_NAMES.get(w, frozenset()) for w in words))
    return side.features - disabled


def _onednn(a: Facts, b: Facts) -> Statement:
    subject, names = "onednn.dispatch", ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
    shown = a.shown(*names), b.shown(*names)
    if not (a.tells(*names) and b.tells(*names)):
        return state(subject, "untold", *shown)
    caps = [(side.value(*names) or "ALL").upper() for side in (a, b)]
    if a.architecture != _X86:
        return state(subject, "same" if alike(a, b) and caps[0] == caps[1] else "open", *shown)
    ends = [tier(side.features, ONEDNN, cap) for side, cap in zip((a, b), caps, strict=True)]
    if ends[0] != ends[1]:
        return state(subject, "differs", ends[0], ends[1])
    if alike(a, b):
        return state(subject, "same", ends[0], ends[1])
    held = caps[0] == caps[1] == ends[0]
    return state(subject, "capped" if held else "open", ends[0], ends[1])


def _openblas(a: Facts, b: Facts) -> Statement:
    subject, name = "openblas.dispatch", "OPENBLAS_CORETYPE"
    shown = a.shown(name) or _kind(a), b.shown(name) or _kind(b)
    if not (a.tells(name) and b.tells(name)):
        return state(subject, "untold", a.shown(name), b.shown(name))
    cores = [(side.value(name) or "").lower() for side in (a, b)]
    if cores[0] and cores[0] == cores[1]:
        return state(subject, "capped", *shown)
    if all(cores):
        return state(subject, "differs", *shown)
    if not any(cores) and alike(a, b):
        return state(subject, "same", *shown)
    tiers = [
        _CORES.get(core, "") if core else tier(side.features, _OPENBLAS)
        for side, core in zip((a, b), cores, strict=True)
    ]
    unlike = a.architecture == _X86 and all(tiers) and tiers[0] != tiers[1]
    return state(subject, "differs" if unlike else "open", *shown)


def _kind(side: Facts) -> str:
    vendor = side.cpu.vendor if side.cpu is not None else ""
    words = tier(side.features, _OPENBLAS) if side.architecture == _X86 else side.architecture
    return f"{vendor} {words}".strip()


def _mkl(a: Facts, b: Facts, *, seen: bool) -> Statement:
    subject, name = "mkl.dispatch", "MKL_CBWR"
    shown = a.shown(name) or _kind(a), b.shown(name) or _kind(b)
    if not (a.tells(name) and b.tells(name)):
        return state(subject, "untold", a.shown(name), b.shown(name))
    own, other = (_branch(side.value(name)) for side in (a, b))
    if own != other:
        free = {own, other} == {"", "AUTO"}
        return state(subject, "open" if free and alike(a, b) else "differs", *shown)
    if own == "COMPATIBLE":
        return state(subject, "capped", *shown)
    if alike(a, b):
        return state(subject, "free" if seen and not own else "same", *shown)
    intel = all(side.cpu is not None and side.cpu.vendor == "GenuineIntel" for side in (a, b))
    if own not in ("", "AUTO"):
        return state(subject, "capped" if intel and _offers(a, b, own) else "open", *shown)
    return state(subject, "differs" if _kind(a) != _kind(b) else "open", *shown)


def _branch(value: str | None) -> str:
    """Return the branch of `BRANCH=AVX2,STRICT`."""
    return (value or "").upper().partition(",")[0].removeprefix("BRANCH=").strip()


def _offers(a: Facts, b: Facts, branch: str) -> bool:
    """Whether both CPUs have what an Intel branch needs, as far as that is simple to tell."""
    needs = {"SSE2": "sse2", "SSE4_2": "sse4_2", "AVX": "avx", "AVX2": "avx2", "AVX512": "avx512f"}.get(
        branch
    )
    return needs is not None and needs in a.features and needs in b.features
