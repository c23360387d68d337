"""RUN and CPU rules."""

from __future__ import annotations

import pytest

from reprocheck.model.environment import Variable
from reprocheck.model.run import Resources
from tests.checks.recorded import clean, found, outcome
from tests.strategies import make_conda, make_gpu, make_host, make_pypi, make_variable

GPU = {"resources": Resources(gpus="all", nano_cpus=10**9)}
PLACE = "environment[CUBLAS_WORKSPACE_CONFIG]"


@pytest.mark.parametrize(
    ("version", "severity"), [("1.13.1", "medium"), ("2.0.0", "info"), ("2.13.0+cu126", "info"), ("?", "low")]
)
def test_run_007_weighs_by_the_version_of_torch(version: str, severity: str) -> None:
    """Since 2.0 torch allocates the workspaces itself."""
    manifest = clean(run=GPU, packages=(make_pypi("torch", version, direct_url=None),))
    assert found("RUN-007", manifest) == ((severity, PLACE),)


def test_run_007_reads_condas_name_and_runs_without_torch() -> None:
    """conda calls it pytorch; another framework's habits are not known."""
    assert found("RUN-007", clean(run=GPU, packages=(make_conda("pytorch", "1.12"),))) == (("medium", PLACE),)
    assert found("RUN-007", clean(run=GPU, packages=())) == (("low", PLACE),)


def test_run_007_a_process_on_a_gpu_machine_used_it() -> None:
    """Without a container nothing hides the GPU; in one, the NVIDIA runtime's variable hands it in."""
    host = make_host(gpus=(make_gpu(),))
    assert outcome("RUN-007", clean(host=host)) == "passed"
    assert outcome("RUN-007", clean(host=host, run={"engine": "local"})) == "found"
    visible = (make_variable("NVIDIA_VISIBLE_DEVICES", "all"),)
    assert outcome("RUN-007", clean(host=host, environment=visible)) == "found"
    hidden = (make_variable("NVIDIA_VISIBLE_DEVICES", "void"),)
    assert outcome("RUN-007", clean(host=host, environment=hidden)) == "passed"


def test_run_007_the_variable_or_no_gpu_passes() -> None:
    """Set, or not needed."""
    assert outcome("RUN-007", clean()) == "passed"
    environment = (make_variable("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),)
    assert outcome("RUN-007", clean(run=GPU, environment=environment)) == "passed"


@pytest.mark.parametrize(
    "environment", [(), (make_variable("PYTHONHASHSEED", "random"),), (make_variable("PYTHONHASHSEED", ""),)]
)
def test_run_022_a_free_hash_seed_is_found(environment: tuple[Variable, ...]) -> None:
    """Unset, empty and `random` are one thing to CPython."""
    assert found("RUN-030", clean(environment=environment)) == (("medium", "environment[PYTHONHASHSEED]"),)


def test_run_022_a_fixed_one_passes_and_a_hidden_one_is_not_judged() -> None:
    """0 is a seed too."""
    assert outcome("RUN-030", clean()) == "passed"
    assert outcome("RUN-030", clean(environment=(make_variable("PYTHONHASHSEED", None),))) == "not checked"


def test_run_022_an_image_without_python_passes() -> None:
    """An absent Python is a fact."""
    assert outcome("RUN-030", clean(environment=(), pythons=())) == "passed"


def test_cpu_106_neither_limit_nor_count_is_found() -> None:
    """The host decides."""
    manifest = clean(environment=(), run={"resources": Resources()})
    assert found("CPU-106", manifest) == (("medium", "run.resources.nano_cpus"),)


def test_cpu_106_a_quota_alone_does_not_hide_the_cores() -> None:
    """Libraries count the host's cores inside a quota."""
    assert found("CPU-106", clean(environment=())) == (("low", "environment[OMP_NUM_THREADS]"),)


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_cpu_106_a_thread_count_passes(name: str) -> None:
    """Any of the three."""
    assert outcome("CPU-106", clean(environment=(make_variable(name, "4"),))) == "passed"
