"""Switches that make a run come out differently on the same or on another machine."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit
from reprocheck.model.change import Severity
from reprocheck.model.rule import Rule

CUBLAS = Rule(
    code="RUN-007",
    title="CUBLAS_WORKSPACE_CONFIG unset in a GPU run",
    severity="medium",
    detect="manifest: a run with GPUs and without the variable; severity by the version of torch",
    why="cuBLAS may choose another workspace per stream; torch with deterministic algorithms asked for the "
    "variable from CUDA 10.2 on, and since 2.0 allocates a workspace for each handle itself.",
    fix="Set CUBLAS_WORKSPACE_CONFIG=:4096:8 before Python starts (`reprocheck run --env`).",
    source="pytorch/pytorch#41377, pytorch/pytorch#85447, pytorch/pytorch#161749",
    date=CHECKED_ON,
)
HASH_SEED = Rule(
    code="RUN-030",
    title="PYTHONHASHSEED not fixed",
    severity="medium",
    detect="manifest: a run in an environment with Python, and the variable unset, empty or `random`",
    why="The order of sets of strings changes from run to run, and with it vocabularies and ids.",
    fix="Set PYTHONHASHSEED=0 before Python starts (inside the process it has no effect), and sort sets.",
    source="piskvorky/gensim#662, explosion/spaCy#7603, bitextor/bicleaner#72",
    date=CHECKED_ON,
)
THREADS = Rule(
    code="CPU-106",
    title="Thread count comes from the host",
    severity="medium",
    detect="manifest: none of OMP_, MKL_ and OPENBLAS_NUM_THREADS set; low when --cpus was given",
    why="Numeric libraries start one thread per core of the host, and sums are then added in another order. "
    "A --cpus quota alone does not hide the cores.",
    fix="Set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to a number, and pass --cpus.",
    source="python/cpython#80235, scikit-learn/scikit-learn#18790, joblib/loky#634",
    date=CHECKED_ON,
)

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_NO_GPU = frozenset({"", "void", "none"})
"""Values of NVIDIA_VISIBLE_DEVICES that hand no GPU in (nvidia-container-toolkit)."""


def _cublas(evidence: Evidence) -> Judgement:
    if not _used_gpu(evidence):
        return PASSED
    variable = evidence.variable("CUBLAS_WORKSPACE_CONFIG")
    if variable is not None:
        return (
            PASSED if variable.value else Judgement(gaps=("the value of CUBLAS_WORKSPACE_CONFIG is hidden",))
        )
    message, severity = _cublas_gravity(evidence)
    return Judgement(hits=(hit(CUBLAS, "environment[CUBLAS_WORKSPACE_CONFIG]", message, severity=severity),))


def _used_gpu(evidence: Evidence) -> bool:
    host = evidence.manifest.host
    if evidence.run.resources.gpus:
        return True
    if host is None or not host.gpus:
        return False
    visible = evidence.variable("NVIDIA_VISIBLE_DEVICES")
    return evidence.run.engine == "local" or bool(visible and (visible.value or "") not in _NO_GPU)


def _cublas_gravity(evidence: Evidence) -> tuple[str, Severity]:
    names = {"torch", "pytorch"}
    for package in evidence.manifest.packages:
        if package.type in {"pypi", "conda"} and package.name.lower() in names:
            try:
                old = Version(package.version) < Version("2.0")
            except InvalidVersion:
                continue
            if old:
                return f"torch {package.version} needs it for deterministic cuBLAS calls", "medium"
            return f"torch {package.version} allocates its own workspaces, so this seldom matters", "info"
    return "a GPU was used without torch; whether its library sets a workspace is not known", "low"


def _hash_seed(evidence: Evidence) -> Judgement:
    if not evidence.manifest.pythons:
        return PASSED
    variable = evidence.variable("PYTHONHASHSEED")
    if variable is not None and variable.value is None:
        return Judgement(gaps=("the value of PYTHONHASHSEED is not recorded",))
    value = variable.value if variable else None
    if value and value != "random":
        return PASSED
    what = f"is {value!r}" if value is not None else "is not set"
    return Judgement(hits=(hit(HASH_SEED, "environment[PYTHONHASHSEED]", f"PYTHONHASHSEED {what}"),))


def _threads(evidence: Evidence) -> Judgement:
    found = tuple(v for name in _THREAD_VARIABLES if (v := evidence.variable(name)) is not None)
    if any(variable.value for variable in found):
        return PASSED
    if any(variable.value is None for variable in found):
        return Judgement(gaps=(f"the value of {found[0].name} is not recorded",))
    if evidence.run.resources.nano_cpus is None:
        message = "neither a CPU limit nor a thread count is set"
        return Judgement(hits=(hit(THREADS, "run.resources.nano_cpus", message),))
    message = "--cpus limits the time, but libraries still count the cores of the host"
    return Judgement(hits=(hit(THREADS, "environment[OMP_NUM_THREADS]", message, severity="low"),))


CHECKS = (
    Check(
        rule=CUBLAS,
        judge=_cublas,
        needs=("run",),
        sections=("environment", "packages", "host"),
        by_absence=True,
    ),
    Check(
        rule=HASH_SEED,
        judge=_hash_seed,
        needs=("run",),
        sections=("environment", "pythons"),
        by_absence=True,
    ),
    Check(rule=THREADS, judge=_threads, needs=("run",), sections=("environment",), by_absence=True),
)
