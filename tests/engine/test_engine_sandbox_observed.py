"""What an observed container is given beside its plan."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.engine.sandbox import ObserverMounts, build_container_config
from reprocheck.errors import UsageFault
from reprocheck.ports import Plan, PlannedMount
from tests.engine.plans import make_plan

OBSERVER = ObserverMounts(hook="/scratch/hook", python_path="")


def plan(**changed: Any) -> Plan:
    return make_plan("true", image="sha256:" + "0" * 64, working_dir="/", **{"outputs": ("/out",), **changed})


def test_nothing_is_added_but_two_mounts_and_two_variables() -> None:
    plain = dict(build_container_config(plan(), labels={}))
    observed = dict(build_container_config(plan(), labels={}, observer=OBSERVER))
    before, after = plain.pop("HostConfig"), observed.pop("HostConfig")
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after.pop("Mounts") == [
        *before.pop("Mounts"),
        {"Type": "bind", "Source": "/scratch/hook", "Target": "/.reprocheck/observer", "ReadOnly": True},
        {"Type": "volume", "Target": "/.reprocheck/reports", "VolumeOptions": {"NoCopy": True}},
    ]
    assert before == after
    assert plain.pop("Env") == ["NVIDIA_VISIBLE_DEVICES=void"]
    assert observed.pop("Env") == [
        "NVIDIA_VISIBLE_DEVICES=void",
        "PYTHONPATH=/.reprocheck/observer",
        "REPROCHECK_OBSERVE_DIR=/.reprocheck/reports",
    ]
    assert plain == observed


def test_the_search_path_of_the_program_follows_the_hook() -> None:
    observer = ObserverMounts(hook="/scratch/hook", python_path="/app:/lib")
    config = build_container_config(
        plan(environment=(("PYTHONPATH", "/app:/lib"),)),
        labels={},
        volumes={"/.reprocheck/reports": "made"},
        observer=observer,
    )
    env, host = config["Env"], config["HostConfig"]
    assert isinstance(env, list)
    assert isinstance(host, dict)
    assert "PYTHONPATH=/.reprocheck/observer:/app:/lib" in env
    assert host["Mounts"][-1]["Source"] == "made"


@pytest.mark.parametrize(
    "bad",
    [
        plan(mounts=(PlannedMount(source="/x", target="/.reprocheck/observer/y"),)),
        plan(mounts=(PlannedMount(source="/x", target="/.reprocheck"),)),
        plan(outputs=("/.reprocheck/reports",)),
    ],
)
def test_a_plan_cannot_use_the_place_of_the_observation(bad: Plan) -> None:
    with pytest.raises(UsageFault) as raised:
        build_container_config(bad, labels={}, observer=OBSERVER)
    assert raised.value.code == "E_PLAN"
    build_container_config(bad, labels={})
