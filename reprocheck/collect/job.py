"""Where a process stands in a scheduled or distributed job, from its environment variables. Pure.

Names: sbatch(1) and srun(1) "OUTPUT ENVIRONMENT VARIABLES"; torchrun "Environment Variables"; Open MPI's FAQ,
MPICH and PMIx; Kubernetes "Indexed Job" and the downward API; sagemaker-training-toolkit's
ENVIRONMENT_VARIABLES.md; Vertex AI's custom training. Each is an allowlist: the same prefixes also carry user
names, accounts, addresses and paths, which stay out; host names are kept only when asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from reprocheck.collect.secrets import scan_variable
from reprocheck.errors import InputFault
from reprocheck.limits import Limits
from reprocheck.model.context import Job, Label
from reprocheck.strictjson import loads

Scheduler = Literal["slurm", "kubernetes", "sagemaker", "vertex", "torchrun", "mpi", ""]

_FACTS: dict[Scheduler, tuple[str, ...]] = {
    "slurm": (
        "SLURM_ARRAY_JOB_ID",
        "SLURM_ARRAY_TASK_COUNT",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_STEP",
        "SLURM_CPUS_ON_NODE",
        "SLURM_CPUS_PER_GPU",
        "SLURM_CPUS_PER_TASK",
        "SLURM_CPU_BIND_TYPE",
        "SLURM_DISTRIBUTION",
        "SLURM_GPUS",
        "SLURM_GPUS_ON_NODE",
        "SLURM_GPUS_PER_NODE",
        "SLURM_GPUS_PER_TASK",
        "SLURM_GTIDS",
        "SLURM_JOB_CPUS_PER_NODE",
        "SLURM_JOB_GPUS",
        "SLURM_JOB_ID",
        "SLURM_JOB_NUM_NODES",
        "SLURM_JOB_PARTITION",
        "SLURM_JOB_QOS",
        "SLURM_LOCALID",
        "SLURM_MEM_PER_CPU",
        "SLURM_MEM_PER_GPU",
        "SLURM_MEM_PER_NODE",
        "SLURM_NNODES",
        "SLURM_NODEID",
        "SLURM_NPROCS",
        "SLURM_NTASKS",
        "SLURM_NTASKS_PER_NODE",
        "SLURM_PROCID",
        "SLURM_RESTART_COUNT",
        "SLURM_STEP_GPUS",
        "SLURM_STEP_ID",
        "SLURM_STEP_NUM_NODES",
        "SLURM_STEP_NUM_TASKS",
        "SLURM_TASKS_PER_NODE",
        "SLURM_THREADS_PER_CORE",
    ),
    "kubernetes": (
        "JOB_COMPLETION_INDEX",
        "JOB_NAME",
        "POD_NAME",
        "POD_NAMESPACE",
        "PET_NNODES",
        "PET_NODE_RANK",
        "PET_NPROC_PER_NODE",
    ),
    "sagemaker": (
        "SM_CURRENT_INSTANCE_GROUP",
        "SM_CURRENT_INSTANCE_TYPE",
        "SM_LOG_LEVEL",
        "SM_NUM_CPUS",
        "SM_NUM_GPUS",
        "SM_NUM_NEURONS",
        "TRAINING_JOB_NAME",
    ),
    "vertex": (
        "AIP_DATA_FORMAT",
        "CLOUD_ML_HP_METRIC_TAG",
        "CLOUD_ML_JOB_ID",
        "CLOUD_ML_REGION",
        "CLOUD_ML_TRIAL_ID",
    ),
    "torchrun": (
        "GROUP_RANK",
        "GROUP_WORLD_SIZE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "NODE_RANK",
        "RANK",
        "ROLE_RANK",
        "ROLE_WORLD_SIZE",
        "TORCHELASTIC_MAX_RESTARTS",
        "TORCHELASTIC_RESTART_COUNT",
        "TORCHELASTIC_RUN_ID",
        "WORLD_SIZE",
    ),
    "mpi": (
        "MPI_LOCALNRANKS",
        "MPI_LOCALRANKID",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "OMPI_COMM_WORLD_NODE_RANK",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_UNIVERSE_SIZE",
        "PMIX_RANK",
        "PMI_RANK",
        "PMI_SIZE",
    ),
}
_HOSTS = (
    "MASTER_ADDR",
    "SLURMD_NODENAME",
    "SLURM_JOB_NODELIST",
    "SLURM_NODELIST",
    "SLURM_STEP_NODELIST",
    "SM_CURRENT_HOST",
    "SM_HOSTS",
    "SM_MASTER_ADDR",
)
_SIGNS: tuple[tuple[Scheduler, tuple[str, ...]], ...] = (
    ("sagemaker", ("SM_CURRENT_HOST", "SM_HOSTS", "SM_TRAINING_ENV", "TRAINING_JOB_NAME")),
    ("vertex", ("CLOUD_ML_JOB_ID", "AIP_MODEL_DIR", "AIP_TRAINING_DATA_URI", "AIP_CHECKPOINT_DIR")),
    ("slurm", ("SLURM_JOB_ID", "SLURM_PROCID")),
    ("kubernetes", ("JOB_COMPLETION_INDEX", "KUBERNETES_SERVICE_HOST")),
    ("torchrun", ("TORCHELASTIC_RUN_ID", "RANK")),
    ("mpi", ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")),
)
"""The outermost one names the job; a launcher inside it adds ranks only."""

_IDS = {
    "sagemaker": ("TRAINING_JOB_NAME",),
    "vertex": ("CLOUD_ML_JOB_ID",),
    "slurm": ("SLURM_JOB_ID",),
    "kubernetes": ("JOB_NAME", "POD_NAME"),
    "torchrun": ("TORCHELASTIC_RUN_ID",),
}
_RANK = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID", "JOB_COMPLETION_INDEX")
_LOCAL_RANK = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
_WORLD_SIZE = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
_NODE_RANK = ("GROUP_RANK", "NODE_RANK", "PET_NODE_RANK", "SLURM_NODEID")
_NODES = ("GROUP_WORLD_SIZE", "SLURM_NNODES", "SLURM_JOB_NUM_NODES", "PET_NNODES")
_HYPERPARAMETER = "SM_HP_"
RECORDED_NAMES = (
    *sorted({name for names in _FACTS.values() for name in names}),
    f"{_HYPERPARAMETER}[A-Z0-9_]+",
)
"""Regular expressions of the names whose values a manifest may hold as facts of the job."""

_NUMBER = re.compile(r"[0-9]{1,9}")


def describe_job(
    variables: Sequence[tuple[str, str]], limits: Limits, *, with_hosts: bool = False
) -> Job | None:
    """Return the job that these variables tell of, None when they tell of none.

    `with_hosts` also keeps the variables that hold host names.
    """
    known = dict(variables)
    found = [scheduler for scheduler, signs in _SIGNS if any(known.get(sign) for sign in signs)]
    if not found:
        return None
    names = {name for scheduler in found for name in _FACTS[scheduler]} | set(_HOSTS if with_hosts else ())
    if "sagemaker" in found:
        names |= {name for name in known if name.startswith(_HYPERPARAMETER) and "SAGEMAKER" not in name}
    facts = {
        name: known[name]
        for name in sorted(names)
        if known.get(name) and _may_stand(name, known[name], limits)
    }
    node_rank, nodes = _places(known, limits)
    return Job(
        scheduler=found[0],
        id=_first(facts, _IDS.get(found[0], ())),
        rank=_number(known, _RANK),
        local_rank=_number(known, _LOCAL_RANK),
        world_size=_number(known, _WORLD_SIZE),
        node_rank=_number(known, _NODE_RANK) or node_rank,
        nodes=_number(known, _NODES) or nodes,
        facts=tuple(Label(name=name, value=value) for name, value in facts.items()),
    )


def rank_of(variables: Mapping[str, str]) -> str:
    """Return this process's rank among all of the job's, `0` when no launcher names one."""
    return _number(variables, _RANK) or "0"


def _may_stand(name: str, value: str, limits: Limits) -> bool:
    """Whether a value is neither secret, nor a path, nor unfit for JSON."""
    if len(value) > min(limits.variable_bytes, limits.json_string) or not value.isprintable():
        return False
    return "/" not in value and scan_variable(name, value) is None


def _first(known: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((known[name] for name in names if known.get(name)), "")


def _number(known: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((known[name] for name in names if _NUMBER.fullmatch(known.get(name, ""))), "")


def _places(known: Mapping[str, str], limits: Limits) -> tuple[str, str]:
    """Tell node rank and number of nodes where only lists of hosts are given; the lists are not kept."""
    hosts = _json(known.get("SM_HOSTS", ""), limits)
    if isinstance(hosts, list):
        here = known.get("SM_CURRENT_HOST", "")
        names = sorted(str(host) for host in hosts)
        return (str(names.index(here)) if here in names else ""), str(len(names))
    cluster = _json(known.get("TF_CONFIG", "") or known.get("CLUSTER_SPEC", ""), limits)
    if not isinstance(cluster, dict):
        return "", ""
    pools = cluster.get("cluster")
    tasks = [pool for pool in pools.values() if isinstance(pool, list)] if isinstance(pools, dict) else []
    return "", str(sum(map(len, tasks))) if tasks else ""


def _json(text: str, limits: Limits) -> object:
    """Return the JSON value in a variable, None when it holds none."""
    try:
        raw = text.encode()
        return loads(raw, where="it", limits=limits, max_bytes=limits.variable_bytes) if raw else None
    except (InputFault, UnicodeEncodeError):
        return None
