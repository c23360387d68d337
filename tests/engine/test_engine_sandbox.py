"""The sandbox's settings: exact, and nothing else can come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.engine.sandbox import build_container_config, build_unstarted_config
from reprocheck.errors import UsageFault
from reprocheck.ports import Plan, PlannedMount
from tests.engine.plans import make_plan

IMAGE = "sha256:" + "a" * 64


def plan(*, argv: tuple[str, ...] = ("python3", "/app/train.py"), **changed: Any) -> Plan:
    usual = {"image": IMAGE, "pids": 1024, "disk_bytes": 1, "seconds": 1, "outputs": ("/out",)}
    return make_plan(*argv, **{**usual, **changed})


GOLDEN = """{
 "Image": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
 "Entrypoint": [
  "python3"
 ],
 "Cmd": [
  "-c",
  "print(1); $(reboot) \\n"
 ],
 "Env": [
  "A=2",
  "B=x=y",
  "NVIDIA_VISIBLE_DEVICES=void"
 ],
 "WorkingDir": "/app",
 "User": "1000:1000",
 "Hostname": "reprocheck",
 "NetworkDisabled": true,
 "AttachStdin": false,
 "AttachStdout": true,
 "AttachStderr": true,
 "OpenStdin": false,
 "StdinOnce": false,
 "Tty": false,
 "Healthcheck": {
  "Test": [
   "NONE"
  ]
 },
 "StopSignal": "SIGTERM",
 "Labels": {
  "io.reprocheck.pid": "1",
  "io.reprocheck.run": "r"
 },
 "HostConfig": {
  "NetworkMode": "none",
  "IpcMode": "private",
  "CapDrop": [
   "ALL"
  ],
  "SecurityOpt": [
   "no-new-privileges"
  ],
  "PidsLimit": 512,
  "ReadonlyRootfs": true,
  "Mounts": [
   {
    "Type": "bind",
    "Source": "/home/me/data",
    "Target": "/data",
    "ReadOnly": true
   },
   {
    "Type": "bind",
    "Source": "/home/me/out",
    "Target": "/out",
    "ReadOnly": false
   }
  ],
  "Ulimits": [
   {
    "Name": "core",
    "Soft": 0,
    "Hard": 0
   }
  ],
  "LogConfig": {
   "Type": "json-file",
   "Config": {
    "max-size": "16m",
    "max-file": "1"
   }
  },
  "Init": true,
  "AutoRemove": false,
  "RestartPolicy": {
   "Name": "no"
  },
  "Memory": 1073741824,
  "MemorySwap": 1073741824,
  "NanoCpus": 2000000000,
  "ShmSize": 67108864
 }
}"""


def test_the_request_is_exactly_this() -> None:
    """A golden request: a change of any setting of the sandbox shows here."""
    config = build_container_config(
        plan(
            argv=("python3", "-c", "print(1); $(reboot) \n"),
            environment=(("B", "x=y"), ("A", "1"), ("A", "2"), ("NVIDIA_VISIBLE_DEVICES", "all")),
            working_dir="/app",
            user="1000:1000",
            nano_cpus=2_000_000_000,
            memory_bytes=1 << 30,
            shm_bytes=1 << 26,
            pids=512,
            mounts=(
                PlannedMount(source="/home/me/out", target="/out", read_only=False),
                PlannedMount(source="/home/me/data", target="/data"),
            ),
            read_only_root=True,
        ),
        labels={"io.reprocheck.run": "r", "io.reprocheck.pid": "1"},
    )
    assert json.dumps(config, indent=1) == GOLDEN


def test_an_output_directory_is_an_empty_volume() -> None:
    """Anonymous, so that it goes with the container, unless one was made for a user who is not root."""
    wanted = plan(directories=("/out/b", "/out"), mounts=(PlannedMount(source="/d", target="/data"),))
    host = build_container_config(wanted, labels={}, volumes={"/out": "v"})["HostConfig"]
    assert isinstance(host, dict)
    empty = {"NoCopy": True}
    assert host["Mounts"][1:] == [
        {"Type": "volume", "Source": "v", "Target": "/out", "VolumeOptions": empty},
        {"Type": "volume", "Target": "/out/b", "VolumeOptions": empty},
    ]


@pytest.mark.parametrize(
    "bad",
    [
        plan(directories=("/etc",)),
        plan(directories=("/usr/lib/python3",)),
        plan(directories=("/",)),
        plan(directories=("/proc/x",)),
        plan(directories=("out",)),
        plan(directories=("/out/../etc",)),
        plan(directories=("/out/",)),
        plan(directories=("/out/*",)),
        plan(directories=("/srv",)),
        plan(directories=("/out", "/out")),
        plan(directories=("/out",), mounts=(PlannedMount(source="/a", target="/out"),)),
    ],
)
def test_an_output_directory_hides_nothing_else(bad: Plan) -> None:
    with pytest.raises(UsageFault) as caught:
        build_container_config(bad, labels={})
    assert caught.value.code == "E_OUTPUT_DIRECTORY"


def test_a_container_that_never_starts_has_nothing_either() -> None:
    host = build_unstarted_config(IMAGE, labels={}, volume="/var/tmp")["HostConfig"]
    assert host == {
        "NetworkMode": "none",
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Mounts": [{"Type": "volume", "Target": "/var/tmp"}],
    }


def test_limits_that_were_not_asked_for_are_left_out() -> None:
    host = build_container_config(plan(), labels={})["HostConfig"]
    assert isinstance(host, dict)
    assert not {"Memory", "MemorySwap", "NanoCpus", "ShmSize", "DeviceRequests"} & host.keys()


def test_network_is_given_only_when_asked_for() -> None:
    config = build_container_config(plan(network="bridge"), labels={})
    host = config["HostConfig"]
    assert isinstance(host, dict)
    assert (config["NetworkDisabled"], host["NetworkMode"]) == (False, "bridge")


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        ("all", {"Count": -1}),
        ("2", {"Count": 2}),
        ("device=0,1", {"DeviceIDs": ["0", "1"]}),
        ("device=GPU-1a2b", {"DeviceIDs": ["GPU-1a2b"]}),
    ],
)
def test_gpus_become_one_device_request(gpus: str, expected: dict[str, object]) -> None:
    config = build_container_config(plan(gpus=gpus), labels={})
    host = config["HostConfig"]
    assert isinstance(host, dict)
    assert host["DeviceRequests"] == [
        {"Driver": "", "Capabilities": [["gpu", "compute", "utility"]], **expected}
    ]
    assert config["Env"] == []


@pytest.mark.parametrize("gpus", ["0", "-1", "device=", "device=0;1", "all,capabilities=x", "x" * 9000])
def test_a_strange_gpu_request_is_refused(gpus: str) -> None:
    with pytest.raises(UsageFault) as caught:
        build_container_config(plan(gpus=gpus), labels={})
    assert caught.value.code == "E_GPUS"


@pytest.mark.parametrize(
    "bad",
    [
        plan(argv=()),
        plan(argv=("",)),
        plan(argv=("a\0b",)),
        plan(image=""),
        plan(environment=(("A=B", "c"),)),
        plan(environment=(("", "c"),)),
        plan(environment=(("A", "c\0d"),)),
        plan(working_dir="app"),
        plan(working_dir="/proc/self/fd/7"),
        plan(working_dir="/app/../proc/self"),
        plan(working_dir="//proc/self"),
        plan(pids=0),
        plan(pids=-1),
        plan(memory_bytes=-1),
        plan(nano_cpus=0),
        plan(mounts=(PlannedMount(source="data", target="/data"),)),
        plan(mounts=(PlannedMount(source="/a/../../etc", target="/data"),)),
        plan(mounts=(PlannedMount(source="/a", target="/"),)),
        plan(mounts=(PlannedMount(source="/a", target="//"),)),
        plan(mounts=(PlannedMount(source="/a", target="/dev/shm"),)),
        plan(mounts=(PlannedMount(source="/a", target="/x"), PlannedMount(source="/b", target="/x/"))),
        plan(mounts=(PlannedMount(source="/var/run/docker.sock", target="/var/run/docker.sock"),)),
    ],
)
def test_plans_that_make_no_sense_are_refused(bad: Plan) -> None:
    with pytest.raises(UsageFault) as caught:
        build_container_config(bad, labels={})
    assert caught.value.code == "E_PLAN"


ALLOWED = {
    "NetworkMode",
    "IpcMode",
    "CapDrop",
    "SecurityOpt",
    "PidsLimit",
    "ReadonlyRootfs",
    "Mounts",
    "Ulimits",
    "LogConfig",
    "Init",
    "AutoRemove",
    "RestartPolicy",
    "Memory",
    "MemorySwap",
    "NanoCpus",
    "ShmSize",
    "DeviceRequests",
}

names = st.text(max_size=30)
paths = st.one_of(
    names, names.map("/".__add__), st.sampled_from(["/", "/dev", "/proc/1", "/var/run/docker.sock"])
)
mounts = st.builds(PlannedMount, source=paths, target=paths, read_only=st.booleans())
plans = st.builds(
    Plan,
    image=names,
    argv=st.lists(names, max_size=4).map(tuple),
    environment=st.lists(st.tuples(names, names), max_size=4).map(tuple),
    working_dir=paths,
    user=names,
    network=st.sampled_from(["none", "bridge"]),
    nano_cpus=st.none() | st.integers(),
    memory_bytes=st.none() | st.integers(),
    shm_bytes=st.none() | st.integers(),
    gpus=st.one_of(st.sampled_from(["", "all", "1", "device=0"]), names),
    pids=st.integers(),
    disk_bytes=st.integers(),
    seconds=st.integers(),
    mounts=st.lists(mounts, max_size=3).map(tuple),
    outputs=st.lists(names, max_size=2).map(tuple),
    read_only_root=st.booleans(),
    directories=st.lists(paths, max_size=2).map(tuple),
)


@given(plans)
@settings(max_examples=200, deadline=None)
def test_no_plan_can_ask_for_more(wild: Plan) -> None:
    """Whatever stands in a plan: no privileges, devices, capabilities or host namespaces come out."""
    try:
        config = build_container_config(wild, labels={})
    except UsageFault:
        return
    host = config["HostConfig"]
    assert isinstance(host, dict)
    assert host.keys() <= ALLOWED
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] in ("none", "bridge")
    assert host["IpcMode"] == "private"
    assert host["PidsLimit"] > 0
    assert [limit["Name"] for limit in host["Ulimits"]] == ["core"]
    assert all(mount["Target"] not in ("/", "/dev", "/etc") for mount in host["Mounts"])
    binds = [mount for mount in host["Mounts"] if mount["Type"] == "bind"]
    assert [mount["Target"] for mount in host["Mounts"] if mount["Type"] == "volume"] == sorted(
        wild.directories
    )
    assert len(binds) == len(wild.mounts)
    writable = {mount.target for mount in wild.mounts if mount.read_only is False}
    assert {mount["Target"] for mount in binds if not mount["ReadOnly"]} == writable
    assert ("DeviceRequests" in host) == bool(wild.gpus)
    assert config["Entrypoint"] == [wild.argv[0]]
    assert config["Cmd"] == list(wild.argv[1:])
    assert set(config) == set(json.loads(GOLDEN))
