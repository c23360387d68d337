"""Jobs as the schedulers' own variables tell them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.job import describe_job, rank_of
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.context import Job


def job(**variables: str) -> Job:
    found = describe_job(tuple(variables.items()), DEFAULT)
    assert found is not None
    return found


def facts(found: Job) -> dict[str, str]:
    return {fact.name: fact.value for fact in found.facts}


SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NTASKS": "8",
    "SLURM_NODEID": "1",
    "SLURM_NNODES": "2",
    "SLURM_JOB_PARTITION": "gpu",
    "SLURM_ARRAY_TASK_ID": "3",
    "SLURM_JOB_USER": "alice",
    "SLURM_JOB_ACCOUNT": "project-x",
    "SLURM_NODELIST": "n[01-02]",
    "SLURM_SUBMIT_DIR": "/home/alice",
    "SLURM_JOB_NAME": "secret-plan",
}


def test_no_variable_of_a_scheduler_is_no_job() -> None:
    assert describe_job((("PATH", "/bin"), ("WORLD_SIZE", "4"), ("SLURM_JOB_ID", "")), DEFAULT) is None


def test_slurm_without_users_hosts_and_paths() -> None:
    found = job(**SLURM)
    assert (found.scheduler, found.id, found.rank, found.local_rank) == ("slurm", "4711", "5", "1")
    assert (found.world_size, found.node_rank, found.nodes) == ("8", "1", "2")
    assert facts(found) == {
        name: SLURM[name]
        for name in sorted(SLURM)
        if name
        not in {
            "SLURM_JOB_USER",
            "SLURM_JOB_ACCOUNT",
            "SLURM_NODELIST",
            "SLURM_SUBMIT_DIR",
            "SLURM_JOB_NAME",
        }
    }
    assert [fact.name for fact in found.facts] == sorted(fact.name for fact in found.facts)


def test_hosts_only_when_asked_for() -> None:
    found = describe_job(tuple({**SLURM, "MASTER_ADDR": "n01"}.items()), DEFAULT, with_hosts=True)
    assert found is not None
    assert facts(found)["SLURM_NODELIST"] == "n[01-02]"
    assert facts(found)["MASTER_ADDR"] == "n01"
    assert "SLURM_JOB_USER" not in facts(found)


def test_torchrun_inside_slurm_gives_the_ranks() -> None:
    found = job(**SLURM, RANK="9", LOCAL_RANK="2", WORLD_SIZE="16", GROUP_RANK="0", MASTER_ADDR="10.0.0.1")
    assert (found.scheduler, found.id) == ("slurm", "4711")
    assert (found.rank, found.local_rank, found.world_size, found.node_rank) == ("9", "2", "16", "0")
    assert "MASTER_ADDR" not in facts(found)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RANK": "1", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "abc"}, ("torchrun", "abc", "1", "2")),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, ("mpi", "", "3", "4")),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, ("mpi", "", "0", "2")),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "2"}, ("kubernetes", "", "2", "")),
        ({"CLOUD_ML_JOB_ID": "42", "AIP_MODEL_DIR": "gs://b/m"}, ("vertex", "42", "", "")),
        ({"TRAINING_JOB_NAME": "t-1"}, ("sagemaker", "t-1", "", "")),
    ],
)
def test_the_others(variables: dict[str, str], expected: tuple[str, str, str, str]) -> None:
    found = job(**variables)
    assert (found.scheduler, found.id, found.rank, found.world_size) == expected
    assert not {"KUBERNETES_SERVICE_HOST", "AIP_MODEL_DIR"} & set(facts(found))


def test_a_pod_is_named_by_the_downward_api_only() -> None:
    found = job(KUBERNETES_SERVICE_HOST="10.0.0.1", POD_NAME="train-0", HOSTNAME="train-0.internal")
    assert (found.id, facts(found)) == ("train-0", {"POD_NAME": "train-0"})


def test_sagemaker_tells_place_and_hyperparameters_without_its_hosts() -> None:
    found = job(
        SM_HOSTS='["algo-1","algo-2","algo-10"]',
        SM_CURRENT_HOST="algo-2",
        SM_NUM_GPUS="8",
        SM_HP_LR="0.1",
        SM_HP_DATA="s3://bucket/x",
        SM_HP_API_KEY="hunter2hunter2",
        SM_HP_SAGEMAKER_PROGRAM="train.py",
    )
    assert (found.scheduler, found.nodes, found.node_rank) == ("sagemaker", "3", "2")
    assert facts(found) == {"SM_HP_LR": "0.1", "SM_NUM_GPUS": "8"}


def test_vertex_counts_its_nodes() -> None:
    cluster = {"cluster": {"chief": ["a:2222"], "worker": ["b:2222", "c:2222"]}, "task": {"index": 1}}
    found = job(CLOUD_ML_JOB_ID="1", TF_CONFIG=json.dumps(cluster))
    assert found.nodes == "3"
    assert "TF_CONFIG" not in facts(found)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cluster": []}', "\ud800", '{"cluster": {"a": 1}}', "x" * 100_000]
)
def test_hostile_lists_of_hosts_tell_nothing(text: str) -> None:
    found = job(CLOUD_ML_JOB_ID="1", TF_CONFIG=text, SM_HOSTS="nonsense")
    assert (found.nodes, found.node_rank) == ("", "")


def test_values_that_cannot_be_kept_are_left_out() -> None:
    variables = (("SLURM_JOB_ID", "1"), ("SLURM_JOB_PARTITION", "a\nb"), ("SLURM_JOB_QOS", "q" * 99))
    found = describe_job(variables, Limits(variable_bytes=50))
    assert found is not None
    assert facts(found) == {"SLURM_JOB_ID": "1"}


def test_the_rank_for_a_file_name() -> None:
    assert rank_of({}) == "0"
    assert rank_of({"RANK": "3", "SLURM_PROCID": "1"}) == "3"
    assert rank_of({"RANK": "../x", "SLURM_PROCID": "1"}) == "1"


@given(st.dictionaries(st.sampled_from([*SLURM, "RANK", "SM_HOSTS", "TF_CONFIG"]), st.text(max_size=40)))
@settings(deadline=None, max_examples=50)
def test_order_does_not_matter_and_nothing_is_raised(variables: dict[str, str]) -> None:
    pairs = tuple(variables.items())
    assert describe_job(pairs, DEFAULT) == describe_job(pairs[::-1], DEFAULT)
