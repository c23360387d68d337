"""What the probe script is told: enough for the facts of a job, and nothing that is secret."""

from __future__ import annotations

import json
import re

import pytest

from reprocheck.collect.probe_settings import probe_settings
from reprocheck.limits import DEFAULT

SETTINGS = json.loads(probe_settings(DEFAULT))


@pytest.mark.parametrize(
    "name", ["SLURM_JOB_ID", "SLURM_PROCID", "RANK", "TRAINING_JOB_NAME", "CLOUD_ML_JOB_ID", "SM_HP_LR"]
)
def test_the_facts_of_a_job_may_be_written_down(name: str) -> None:
    assert re.match(SETTINGS["allowed"], name)


@pytest.mark.parametrize("name", ["SLURM_JOB_USER", "SLURM_JOB_NODELIST", "SLURM_JOB_ID_X", "SM_HPX"])
def test_names_beside_them_may_not(name: str) -> None:
    assert not re.match(SETTINGS["allowed"], name)


def test_where_links_below_usr_lib_lead_is_looked_at() -> None:
    assert {"/etc/python3*", "/etc/alternatives"} <= set(SETTINGS["system"])
