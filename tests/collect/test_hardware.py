"""Hardware texts in, one Host out.

The cpuinfo texts are shortened from the kernel's documented layout for each architecture. `DATA_CENTRE` is
constructed, not recorded: its elements and their form follow public `nvidia-smi -q -x` logs of a four-GPU
A100 machine (influxdata/telegraf, plugins/inputs/nvidia_smi/testdata/a100-sxm4-v12.xml) and of a newer driver
(pro-6000-maxq-blackwell-v13.xml); the values are ours.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.collect.hardware import describe
from reprocheck.model.base import replace
from reprocheck.model.host import Driver, Gpu, NumaNode
from reprocheck.model.machine import NVIDIA_COMPUTE, NVIDIA_SMI, MachineReadings, NvmlGpu, NvmlReading
from reprocheck.model.package import VersionClaim

BASE = "fpu vme cx8 cmov mmx fxsr sse sse2 syscall nx lm"
V2 = f"{BASE} pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
V3 = f"{V2} fma movbe xsave avx f16c abm bmi1 avx2 bmi2"
V4 = f"{V3} avx512f avx512dq avx512cd avx512bw avx512vl"


def x86(model: str, flags: str, *, vendor: str = "GenuineIntel", count: int = 2) -> bytes:
    block = (
        "processor\t: {}\nvendor_id\t: {}\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: {}\n"
        "microcode\t: 0x2b000603\ncpu MHz\t\t: {}.123\nflags\t\t: {}\nbogomips\t: 4200.00\n"
        "power management:\n\n"
    )
    return "".join(block.format(n, vendor, model, 2000 + n, flags) for n in range(count)).encode()


INTEL = x86(
    "Intel(R) Xeon(R) Platinum 8480+", f"{V4} avx512_bf16 avx512_fp16 amx_tile amx_bf16 amx_int8 smep"
)
AMD = x86("AMD EPYC 7763 64-Core Processor", f"{V3} sse4a hypervisor", vendor="AuthenticAMD", count=4)
ARM = b"".join(
    f"processor\t: {n}\nBogoMIPS\t: 243.75\n"
    "Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
    "CPU part\t: 0xd0c\nCPU revision\t: 1\n\n".encode()
    for n in range(3)
)

A100 = """\t<gpu id="{bus}">
\t\t<product_name>NVIDIA A100-SXM4-80GB</product_name>
\t\t<product_architecture>Ampere</product_architecture>
\t\t<mig_mode>
\t\t\t<current_mig>{mig}</current_mig>
\t\t\t<pending_mig>{mig}</pending_mig>
\t\t</mig_mode>
\t\t<mig_devices>{slices}</mig_devices>
\t\t<serial>1234567890123</serial>
\t\t<uuid>GPU-00000000-1111-2222-3333-444444444444</uuid>
\t\t<vbios_version>92.00.36.00.02</vbios_version>
\t\t<fb_memory_usage>
\t\t\t<total>81920 MiB</total>
\t\t\t<used>50 MiB</used>
\t\t</fb_memory_usage>
\t\t<ecc_mode>
\t\t\t<current_ecc>Enabled</current_ecc>
\t\t</ecc_mode>
\t\t<temperature>
\t\t\t<gpu_temp>27 C</gpu_temp>
\t\t</temperature>
\t</gpu>
"""
SLICE = (
    "<mig_device><index>{n}</index><device_attributes><shared>"
    "<multiprocessor_count>{units}</multiprocessor_count></shared></device_attributes>"
    "<fb_memory_usage><total>{memory} MiB</total></fb_memory_usage></mig_device>"
)
HEAD = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'


def log(*gpus: str, driver: str = "535.54.03") -> bytes:
    return (
        f"{HEAD}<nvidia_smi_log>\n\t<timestamp>Fri Aug  4 11:44:30 2023</timestamp>\n"
        f"\t<driver_version>{driver}</driver_version>\n\t<cuda_version>12.2</cuda_version>\n"
        f"\t<attached_gpus>{len(gpus)}</attached_gpus>\n{''.join(gpus)}</nvidia_smi_log>\n"
    ).encode()


DATA_CENTRE = log(
    A100.format(
        bus="00000000:01:00.0",
        mig="Enabled",
        slices=SLICE.format(n=0, units=14, memory=19968)
        + SLICE.format(n=1, units=42, memory=40192)
        + SLICE.format(n=2, units=14, memory=19968),
    ),
    A100.format(bus="00000000:C1:00.0", mig="Disabled", slices="None"),
)
COMPUTE = b"00000000:01:00.0, 8.0\n00000000:C1:00.0, 8.0\n"
PROPRIETARY = (
    b"NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\nGCC version:\n"
)
OPEN = b"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.77  Release Build  (a@b)\n"

PLAIN = MachineReadings(
    system=b"Linux\n",
    kernel=b"6.1.0-28-amd64\n",
    architecture=b"x86_64\n",
    cpuinfo=INTEL,
    meminfo=b"MemTotal:       527942792 kB\nMemFree:        1 kB\n",
    status=b"Name:\tpython3\nCpus_allowed:\tff\nCpus_allowed_list:\t0-1,8,10-11\n",
)


def with_(**changes: object) -> MachineReadings:
    values = {name: getattr(PLAIN, name) for name in MachineReadings.__struct_fields__}
    return MachineReadings(**{**values, **changes})


def test_an_intel_machine_without_a_gpu_is_all_facts() -> None:
    host, unknowns = describe(PLAIN)
    assert unknowns == ()
    assert (host.system, host.kernel, host.memory_bytes) == ("Linux", "6.1.0-28-amd64", 527942792 * 1024)
    assert (host.gpus, host.driver, host.virtualization) == ((), None, "")
    cpu = host.cpu
    assert (cpu.vendor, cpu.model) == ("GenuineIntel", "Intel(R) Xeon(R) Platinum 8480+")
    assert (cpu.architecture, cpu.microcode, cpu.level) == ("x86_64", "0x2b000603", "x86-64-v4")
    assert {"amx_tile", "amx_bf16", "avx512_bf16", "avx512f", "avx2", "fma"} <= set(cpu.features)
    assert not {"smep", "nx", "syscall", "fpu"} & set(cpu.features)
    assert list(cpu.features) == sorted(cpu.features)
    assert (cpu.logical, cpu.allowed, cpu.quota_millicpus) == (2, 5, None)


def test_an_amd_virtual_machine() -> None:
    host, unknowns = describe(with_(cpuinfo=AMD))
    assert unknowns == ()
    assert (host.cpu.vendor, host.cpu.level, host.cpu.logical) == ("AuthenticAMD", "x86-64-v3", 4)
    assert host.virtualization == "vm"


def test_an_arm_machine() -> None:
    host, unknowns = describe(with_(cpuinfo=ARM, architecture=b"aarch64"))
    assert unknowns == ()
    assert (host.cpu.vendor, host.cpu.model, host.cpu.logical) == ("ARM", "Neoverse-N1 r3p1", 3)
    assert (host.cpu.level, host.cpu.features) == ("", ("asimd", "asimddp", "asimdhp", "fphp"))


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ("fpu mmx", ""),
        (BASE, "x86-64"),
        (V2, "x86-64-v2"),
        (V2.replace("cx16 ", ""), "x86-64"),
        (V3.replace(" movbe", ""), "x86-64-v2"),
        (V3, "x86-64-v3"),
        (f"{V3} avx512f", "x86-64-v3"),
        (f"{V4} avx512ifma", "x86-64-v4"),
    ],
)
def test_the_level_needs_every_flag_of_it_and_of_those_below(flags: str, level: str) -> None:
    assert describe(with_(cpuinfo=x86("m", flags)))[0].cpu.level == level


def test_features_of_unequal_processors_are_what_all_have_and_both_models_are_named() -> None:
    mixed = x86("Fast", f"{V3} avx512f", count=1) + x86("Small", V3, count=1)
    cpu = describe(with_(cpuinfo=mixed))[0].cpu
    assert cpu.model == "Fast + Small"
    assert "avx512f" not in cpu.features
    assert "avx2" in cpu.features


def test_only_the_clock_changed_means_nothing_changed() -> None:
    assert describe(with_(cpuinfo=INTEL.replace(b"2000.123", b"3801.5")))[0] == describe(PLAIN)[0]


@pytest.mark.parametrize(
    ("quotas", "expected"),
    [
        ((), None),
        ((b"max 100000\n",), None),
        ((b"-1 100000",), None),
        ((b"150000 100000", b"max 100000"), 1500),
        ((b"400000 100000", b"50000 100000"), 500),
    ],
)
def test_the_tightest_quota_counts(quotas: tuple[bytes, ...], expected: int | None) -> None:
    host, unknowns = describe(with_(quotas=quotas))
    assert (host.cpu.quota_millicpus, unknowns) == (expected, ())


@pytest.mark.parametrize("quota", [b"", b"100000 0", b"many 100000", b"-5 100000"])
def test_a_quota_that_makes_no_sense_is_unknown(quota: bytes) -> None:
    host, unknowns = describe(with_(quotas=(quota,)))
    assert host.cpu.quota_millicpus is None
    assert [(one.section, one.where) for one in unknowns] == [("host", "cgroup cpu quota")]


@pytest.mark.parametrize(
    ("product", "kind"),
    [
        (b"KVM\n", "kvm"),
        (b"Standard PC (Q35 + ICH9, 2009)\n", "qemu"),
        (b"VMware Virtual Platform\n", "vmware"),
        (b"Virtual Machine\n", "hyper-v"),
        (b"PowerEdge R740\n", ""),
        (None, ""),
    ],
)
def test_only_the_class_of_the_product_name_is_kept(product: bytes | None, kind: str) -> None:
    assert describe(with_(product=product))[0].virtualization == kind


def test_a_data_centre_machine() -> None:
    host, unknowns = describe(
        with_(nvidia_present=True, nvidia_version=PROPRIETARY, nvidia_smi=DATA_CENTRE, nvidia_compute=COMPUTE)
    )
    assert unknowns == ()
    assert host.driver == Driver(
        version="535.54.03", cuda_maximum="12.2", source="/proc/driver/nvidia/version"
    )
    first, second = host.gpus
    assert (first.index, first.name, first.memory_mib) == (0, "NVIDIA A100-SXM4-80GB", 81920)
    assert (first.compute_capability, first.ecc, first.vbios) == ("8.0", "enabled", "92.00.36.00.02")
    assert first.mig == "enabled: 2 x (14 SM, 19968 MiB), 1 x (42 SM, 40192 MiB)"
    assert replace(second, index=0, mig="") == replace(first, mig="")
    assert second.mig == "disabled"


def test_serial_numbers_and_identifiers_are_not_kept() -> None:
    host, _ = describe(with_(nvidia_smi=DATA_CENTRE, nvidia_present=True))
    assert "1234567890123" not in repr(host)
    assert "GPU-0000" not in repr(host)
    assert "01:00.0" not in repr(host)


def test_the_open_kernel_module_names_its_version_too() -> None:
    smi = log(driver="565.77")
    host, unknowns = describe(with_(nvidia_present=True, nvidia_version=OPEN, nvidia_smi=smi))
    assert host.driver is not None
    assert (host.driver.version, unknowns) == ("565.77", ())


def test_values_that_a_gpu_does_not_have_are_empty() -> None:
    text = A100.format(bus="00000000:01:00.0", mig="N/A", slices="None").replace("Enabled", "N/A")
    host, unknowns = describe(with_(nvidia_smi=log(text), nvidia_present=True, nvidia_compute=b"[N/A]\n"))
    assert (host.gpus[0].mig, host.gpus[0].ecc, host.gpus[0].compute_capability) == ("", "", "")
    assert [one.where for one in unknowns] == [NVIDIA_COMPUTE]


def test_a_driver_whose_nvidia_smi_fails_is_unknown_but_keeps_its_version() -> None:
    failure = (
        NVIDIA_SMI,
        "it failed with status 18: Failed to initialize NVML: Driver/library version mismatch",
    )
    host, unknowns = describe(with_(nvidia_present=True, nvidia_version=PROPRIETARY, failures=(failure,)))
    assert host.gpus == ()
    assert host.driver is not None
    assert (host.driver.version, host.driver.cuda_maximum) == ("535.54.03", "")
    assert [(one.section, one.where, one.reason) for one in unknowns] == [("host", *failure)]


def test_a_device_without_nvidia_smi_is_unknown() -> None:
    _, unknowns = describe(with_(nvidia_present=True))
    assert [one.where for one in unknowns] == [NVIDIA_SMI]


def test_two_driver_versions_are_told() -> None:
    """The kernel module is the driver that runs; what others say stays beside it."""
    host, unknowns = describe(
        with_(
            nvidia_present=True,
            nvidia_version=OPEN,
            nvidia_smi=DATA_CENTRE,
            nvidia_compute=COMPUTE,
            libnvidia_ml="libnvidia-ml.so.570.10",
        )
    )
    assert unknowns == ()
    assert host.driver is not None
    assert (host.driver.version, host.driver.source) == ("565.77", "/proc/driver/nvidia/version")
    assert host.driver.others == (
        VersionClaim(version="570.10", source="libnvidia-ml"),
        VersionClaim(version="535.54.03", source=NVIDIA_SMI),
    )


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
        DATA_CENTRE[:-200],
        DATA_CENTRE + b"<more/>",
        b'<?xml version="1.0"?><html/>',
        DATA_CENTRE.decode().encode("utf-16"),
        b"\xff\xfe" + DATA_CENTRE,
        b'<?xml version="1.0"?><!DOCTYPE nvidia_smi_log [<!ENTITY a "x">]>'
        b"<nvidia_smi_log>&a;</nvidia_smi_log>",
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><nvidia_smi_log/>',
        HEAD.encode() + b'<!DOCTYPE nvidia_smi_log SYSTEM "b.dtd"><nvidia_smi_log/>',
    ],
)
def test_xml_that_is_broken_or_declares_anything_is_unknown(output: bytes) -> None:
    host, unknowns = describe(with_(nvidia_present=True, nvidia_version=PROPRIETARY, nvidia_smi=output))
    assert host.gpus == ()
    assert host.driver is not None
    assert [one.where for one in unknowns] == [NVIDIA_SMI]


def test_a_warning_before_the_xml_does_no_harm() -> None:
    host, unknowns = describe(
        with_(
            nvidia_present=True,
            nvidia_smi=b"WARNING: infoROM is corrupted at gpu 0000:01:00.0\n" + DATA_CENTRE,
            nvidia_compute=COMPUTE,
        )
    )
    assert (len(host.gpus), unknowns) == (2, ())


def test_a_failed_reading_is_unknown_and_the_rest_is_kept() -> None:
    host, unknowns = describe(with_(cpuinfo=None, failures=(("/proc/cpuinfo", "it cannot be read: no"),)))
    assert (host.cpu.logical, host.memory_bytes) == (0, 527942792 * 1024)
    assert [(one.where, one.reason) for one in unknowns] == [("/proc/cpuinfo", "it cannot be read: no")]


@settings(max_examples=50, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            name: st.binary(max_size=200)
            for name in (
                "cpuinfo",
                "meminfo",
                "status",
                "product",
                "nvidia_version",
                "nvidia_smi",
                "nvidia_compute",
                "kernel",
            )
        }
    ),
    st.lists(st.binary(max_size=20), max_size=3),
)
def test_no_bytes_make_it_raise_and_the_same_bytes_give_the_same_host(
    texts: dict[str, bytes], quotas: list[bytes]
) -> None:
    readings = with_(**texts, quotas=tuple(quotas), nvidia_present=True)
    assert describe(readings) == describe(readings)


GRACE = NvmlReading(
    driver="580.65.06",
    cuda_maximum="13.0",
    gpus=(
        NvmlGpu(
            index=0,
            bus_id="00000000:01:00.0",
            name="NVIDIA A100-SXM4-80GB",
            compute_capability="8.0",
            memory_bytes=81920 << 20,
            mig="enabled",
            slices=((14, 19968), (14, 19968), (42, 40192)),
            ecc="enabled",
            persistence="disabled",
            vbios="92.00.36.00.02",
        ),
    ),
)


def test_nvml_and_nvidia_smi_describe_one_gpu_alike() -> None:
    """But for the source, and for the persistence mode that the recorded XML does not hold."""
    by_nvml = describe(with_(nvidia_present=True, nvml=GRACE))[0].gpus[0]
    by_smi = describe(with_(nvidia_present=True, nvidia_smi=DATA_CENTRE, nvidia_compute=COMPUTE))[0].gpus[0]
    assert (by_nvml.source, by_smi.source) == ("nvml", "nvidia-smi")
    assert replace(by_nvml, source="", persistence="") == replace(by_smi, source="")


def test_nvml_alone_is_enough() -> None:
    host, unknowns = describe(with_(nvidia_present=True, nvml=GRACE, libcuda="libcuda.so.580.65.06"))
    assert unknowns == ()
    assert host.driver == Driver(
        version="580.65.06", cuda_maximum="13.0", source="nvml", user_mode="580.65.06"
    )


def test_a_newer_library_than_the_kernel_module_stays_beside_it() -> None:
    """After an upgrade without a reboot: NVML fails, and the names of the files tell why."""
    failure = ("NVML", "it failed: Driver/library version mismatch")
    host, unknowns = describe(
        with_(
            nvidia_present=True,
            nvidia_version=PROPRIETARY,
            libnvidia_ml="libnvidia-ml.so.580.65.06",
            libcuda="libcuda.so.580.65.06",
            failures=(failure, (NVIDIA_SMI, "it failed with status 18")),
        )
    )
    assert host.driver == Driver(
        version="535.54.03",
        source="/proc/driver/nvidia/version",
        user_mode="580.65.06",
        others=(VersionClaim(version="580.65.06", source="libnvidia-ml"),),
    )
    assert [one.where for one in unknowns] == ["NVML", NVIDIA_SMI]


@pytest.mark.parametrize("name", ["libcuda.so.1", "libcuda.so.1.1", "", "libcuda.so", "libcuda.so.580"])
def test_file_names_without_a_driver_version_tell_none(name: str) -> None:
    host, _ = describe(with_(nvidia_present=True, nvml=GRACE, libcuda=name))
    assert host.driver is not None
    assert host.driver.user_mode == ""


def test_libraries_of_a_cuda_image_make_no_driver() -> None:
    host, unknowns = describe(with_(libcuda="libcuda.so.580.65.06", libnvidia_ml="libnvidia-ml.so.580.65.06"))
    assert (host.driver, host.gpus, unknowns) == (None, (), ())


def test_a_gpu_that_supports_nothing_is_still_named() -> None:
    bare = replace_gpus(NvmlGpu(index=3, bus_id="x", name="NVIDIA Tegra"))
    host, unknowns = describe(with_(nvidia_present=True, nvml=bare))
    assert host.gpus == (Gpu(index=3, name="NVIDIA Tegra", source="nvml"),)
    assert unknowns == ()


def replace_gpus(*gpus: NvmlGpu) -> NvmlReading:
    return NvmlReading(driver="540.3.0", cuda_maximum="", gpus=gpus)


def test_sockets_and_cores_of_x86() -> None:
    text = "".join(
        f"processor\t: {n}\nmodel name\t: m\nphysical id\t: {n // 4}\ncore id\t\t: {n % 2}\n\n"
        for n in range(8)
    )
    cpu = describe(with_(cpuinfo=text.encode()))[0].cpu
    assert (cpu.logical, cpu.cores, cpu.sockets) == (8, 4, 2)


def test_sockets_and_cores_elsewhere_are_the_lists_of_siblings() -> None:
    shared = (b"0-1\n", b"0-3\n"), (b"0-1\n", b"0-3\n"), (b"2-3\n", b"0-3\n"), (b"2-3\n", b"0-3\n")
    cpu = describe(with_(cpuinfo=ARM, topology=shared))[0].cpu
    assert (cpu.cores, cpu.sockets) == (2, 1)
    assert describe(with_(cpuinfo=ARM))[0].cpu.cores == 0


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((), None),
        ((b"max\n",), None),
        ((b"9223372036854771712\n",), None),
        ((b"9223372036854710272\n",), None),
        ((b"max", b"8589934592\n", b"17179869184"), 8589934592),
        ((b"0",), 0),
    ],
)
def test_the_tightest_memory_limit_counts(limits: tuple[bytes, ...], expected: int | None) -> None:
    host, unknowns = describe(with_(memory_limits=limits))
    assert (host.memory_limit_bytes, unknowns) == (expected, ())


@pytest.mark.parametrize("raw", [b"", b"-1", b"much", b"1e9", b"9" * 50])
def test_a_memory_limit_that_makes_no_sense_is_unknown(raw: bytes) -> None:
    host, unknowns = describe(with_(memory_limits=(raw,)))
    assert host.memory_limit_bytes is None
    assert [one.where for one in unknowns] == ["cgroup memory limit"]


def test_numa_nodes_are_those_with_cpus_or_memory() -> None:
    host, unknowns = describe(
        with_(
            numa=(
                (1, b"16-31\n", b"Node 1 MemTotal:       1024 kB\nNode 1 MemFree: 9 kB\n"),
                (0, b"0-15\n", b"Node 0 MemTotal:       2048 kB\n"),
                (2, b"\n", b"Node 2 MemTotal:       4096 kB\n"),
                (3, b"\n", b"Node 3 MemTotal:          0 kB\n"),
            )
        )
    )
    assert unknowns == ()
    assert host.numa == (
        NumaNode(index=0, cpus="0-15", memory_bytes=2048 << 10),
        NumaNode(index=1, cpus="16-31", memory_bytes=1024 << 10),
        NumaNode(index=2, cpus="", memory_bytes=4096 << 10),
    )


def test_a_numa_node_that_makes_no_sense_is_unknown() -> None:
    host, unknowns = describe(with_(numa=((0, b"all", b"what"), (1, b"0", b"Node 1 MemTotal: 4 kB"))))
    assert [node.index for node in host.numa] == [1]
    assert [one.where for one in unknowns] == [
        "/sys/devices/system/node/node0/cpulist",
        "/sys/devices/system/node/node0/meminfo",
    ]


@pytest.mark.parametrize(
    "extension", ["amx_tile", "avx512_bf16", "avx_vnni", "sve2", "sme2", "asimddp", "i8mm"]
)
def test_the_extensions_that_libraries_dispatch_on_are_kept(extension: str) -> None:
    cpu = describe(with_(cpuinfo=x86("m", f"{V3} {extension} smep smx")))[0].cpu
    assert extension in cpu.features
    assert not {"smep", "smx"} & set(cpu.features)
