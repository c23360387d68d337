"""Reading this machine: stable facts, nothing that names it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from reprocheck.collect.hardware import describe
from reprocheck.engine.machine import read_machine
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.machine import NVIDIA_COMPUTE, NVIDIA_SMI

CPUINFO = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some CPU\nflags\t\t: fpu avx2\n\n"
XML = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n<nvidia_smi_log>'


def machine(root: Path, **files: str) -> str:
    plain = {
        "proc/sys/kernel/ostype": "Linux\n",
        "proc/sys/kernel/osrelease": "6.1.0\n",
        "proc/sys/kernel/arch": "x86_64\n",
        "proc/cpuinfo": CPUINFO,
        "proc/meminfo": "MemTotal: 1024 kB\n",
        "proc/self/status": "Cpus_allowed_list:\t0-3\n",
    }
    for name, text in {**plain, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def stub(directory: Path, name: str, script: str) -> dict[str, str]:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": str(directory)}


def test_two_readings_of_this_machine_give_one_host_without_unknowns() -> None:
    host, unknowns = describe(read_machine(limits=DEFAULT, environ=os.environ))
    assert describe(read_machine(limits=DEFAULT, environ=os.environ)) == (host, unknowns)
    assert unknowns == ()
    assert host.system == "Linux"
    assert host.kernel == os.uname().release
    assert host.cpu.allowed == len(os.sched_getaffinity(0))
    assert host.cpu.logical >= 1
    assert host.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_the_host_name_is_not_read() -> None:
    readings = read_machine(limits=DEFAULT)
    texts = (readings.system, readings.kernel, readings.architecture, readings.product)
    assert socket.gethostname().encode() not in texts


def test_a_small_machine_reads_as_written(tmp_path: Path) -> None:
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path)))
    assert unknowns == ()
    assert (host.kernel, host.cpu.model, host.memory_bytes, host.cpu.allowed) == (
        "6.1.0",
        "Some CPU",
        1 << 20,
        4,
    )
    assert (host.gpus, host.driver) == ((), None)


def test_what_is_missing_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    root = machine(tmp_path)
    (tmp_path / "proc/cpuinfo").unlink()
    host, unknowns = describe(read_machine(limits=DEFAULT, root=root))
    assert [(one.where, one.reason) for one in unknowns] == [("/proc/cpuinfo", "it does not exist")]
    assert host.memory_bytes == 1 << 20


def test_a_file_over_the_limit_is_told(tmp_path: Path) -> None:
    root = machine(tmp_path, **{"proc/cpuinfo": CPUINFO * 10})
    _, unknowns = describe(read_machine(limits=Limits(record_file=200), root=root))
    assert [one.where for one in unknowns] == ["/proc/cpuinfo"]


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, None),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
            },
            1500,
        ),
        # Version 2 inside a container without a cgroup namespace: only the mount's root is there.
        ({"proc/self/cgroup": "0::/docker/0123\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2000),
        ({"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 500),
        (
            {
                "proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/job\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2500,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_cgroup_quotas_of_both_versions(tmp_path: Path, files: dict[str, str], quota: int | None) -> None:
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path, **files)))
    assert (host.cpu.quota_millicpus, unknowns) == (quota, ())


def test_nvidia_smi_is_asked_when_it_is_there(tmp_path: Path) -> None:
    gpu = (
        '<driver_version>535.54.03</driver_version><gpu id="00000000:01:00.0"><product_name>NVIDIA L4'
        "</product_name><fb_memory_usage><total>23034 MiB</total></fb_memory_usage></gpu></nvidia_smi_log>"
    )
    script = f"if [ \"$1\" = -q ]; then cat <<'E'\n{XML}{gpu}\nE\nelse echo '00000000:01:00.0, 8.9'; fi"
    readings = read_machine(
        limits=DEFAULT, root=machine(tmp_path), environ=stub(tmp_path / "bin", "nvidia-smi", script)
    )
    host, unknowns = describe(readings)
    assert unknowns == ()
    assert [(one.name, one.compute_capability, one.memory_mib) for one in host.gpus] == [
        ("NVIDIA L4", "8.9", 23034)
    ]


MISMATCH = "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18"


@pytest.mark.parametrize(
    "files",
    [
        {"proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue\n"},
        {
            "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
            "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
        },
    ],
)
def test_hardware_whose_nvidia_smi_fails_is_unknown(tmp_path: Path, files: dict[str, str]) -> None:
    environ = stub(tmp_path / "bin", "nvidia-smi", MISMATCH)
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path, **files), environ=environ))
    assert host.gpus == ()
    assert [one.where for one in unknowns] == [NVIDIA_SMI]
    assert "status 18" in unknowns[0].reason
    assert "version mismatch" in unknowns[0].reason


def test_a_failing_nvidia_smi_on_a_machine_without_nvidia_hardware_is_no_unknown(tmp_path: Path) -> None:
    """A CUDA image brings the tool along; that no GPU is there stays a fact."""
    other = {
        "sys/bus/pci/devices/0000:00:01.0/vendor": "0x10de\n",
        "sys/bus/pci/devices/0000:00:01.0/class": "0x020000\n",  # a network card of NVIDIA
    }
    environ = stub(tmp_path / "bin", "nvidia-smi", MISMATCH)
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path, **other), environ=environ))
    assert (host.gpus, host.driver, unknowns) == ((), None, ())


def test_an_old_nvidia_smi_without_compute_cap_is_told(tmp_path: Path) -> None:
    script = (
        f"if [ \"$1\" = -q ]; then echo '{XML}</nvidia_smi_log>'; "
        "else echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2; fi"
    )
    environ = stub(tmp_path / "bin", "nvidia-smi", script)
    _, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path), environ=environ))
    assert [one.where for one in unknowns] == [NVIDIA_COMPUTE]


def test_a_tool_in_the_working_directory_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(tmp_path, "nvidia-smi", "touch started")
    monkeypatch.chdir(tmp_path)
    read_machine(limits=DEFAULT, root=machine(tmp_path / "root"), environ={"PATH": ".::bin"})
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, None),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "8589934592\n",
                "sys/fs/cgroup/a/memory.max": "4294967296\n",
            },
            4294967296,
        ),
        ({"proc/self/cgroup": "0::/docker/01\n", "sys/fs/cgroup/memory.max": "1073741824\n"}, 1073741824),
        (
            {
                "proc/self/cgroup": "9:memory:/job\n3:cpu,cpuacct:/\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2147483648\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            2147483648,
        ),
        (
            {
                "proc/self/cgroup": "9:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
        ),
    ],
)
def test_cgroup_memory_limits_of_both_versions(
    tmp_path: Path, files: dict[str, str], limit: int | None
) -> None:
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path, **files)))
    assert (host.memory_limit_bytes, unknowns) == (limit, ())


def test_nodes_and_siblings_come_from_sysfs(tmp_path: Path) -> None:
    node, cpu = "sys/devices/system/node", "sys/devices/system/cpu"
    files = {f"{node}/node{n}/cpulist": f"{n}\n" for n in (0, 10, 2)}
    files |= {f"{node}/node{n}/meminfo": f"Node {n} MemTotal: 4 kB\n" for n in (0, 10, 2)}
    files |= {f"{cpu}/cpu{n}/topology/thread_siblings_list": f"{n}\n" for n in range(2)}
    files |= {f"{cpu}/cpu{n}/topology/core_siblings_list": "0-1\n" for n in range(2)}
    files |= {f"{cpu}/cpufreq/boost": "1\n", f"{node}/online": "0,2,10\n"}
    host, unknowns = describe(read_machine(limits=DEFAULT, root=machine(tmp_path, **files)))
    assert unknowns == ()
    assert [(one.index, one.cpus) for one in host.numa] == [(0, "0"), (2, "2"), (10, "10")]
    assert (host.cpu.cores, host.cpu.sockets) == (2, 1)


def test_libraries_of_the_driver_are_found_through_the_loaders_cache(tmp_path: Path) -> None:
    place = tmp_path / "opt/driver"
    place.mkdir(parents=True)
    for name in ("libcuda", "libnvidia-ml"):
        (place / f"{name}.so.580.65.06").write_bytes(b"")
        (place / f"{name}.so.1").symlink_to(f"{name}.so.580.65.06")
    root = machine(tmp_path)
    cache = tmp_path / "etc/ld.so.cache"
    cache.parent.mkdir()
    cache.write_bytes(
        b"glibc-ld.so.cache1.1\0\3\0\0\0libcuda.so.1\0/opt/driver/libcuda.so.1\0/gone/libcuda.so.1\0"
        b"/opt/driver/libnvidia-ml.so.1\0"
    )
    readings = read_machine(limits=DEFAULT, root=root)
    assert (readings.libcuda, readings.libnvidia_ml) == ("libcuda.so.580.65.06", "libnvidia-ml.so.580.65.06")
    cache.unlink()
    assert read_machine(limits=DEFAULT, root=root).libcuda == ""
