"""The processor, from /proc/cpuinfo, the affinity mask and the cgroup's quota."""

from __future__ import annotations

import re
from collections.abc import Callable

from reprocheck.model.host import Cpu

_LEVELS: tuple[tuple[str, frozenset[str]], ...] = (
    ("x86-64", frozenset(["cmov", "cx8", "fpu", "fxsr", "lm", "mmx", "syscall", "sse", "sse2"])),
    ("x86-64-v2", frozenset(["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"])),
    ("x86-64-v3", frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])),
    ("x86-64-v4", frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])),
)
"""x86-64 psABI, "Low Level System Information": each level needs the ones before it. Names as Linux writes
them: `pni` is SSE3, `abm` is LZCNT, `lahf_lm` is LAHF-SAHF, and `xsave` stands for OSXSAVE."""

_DISPATCHED = re.compile(
    r"(?:pni|s?sse[0-9a-z_]{0,8}|avx[0-9a-z_]{0,24}|amx_[0-9a-z_]{1,24}|fma4?|f16c|bmi[12]|abm|popcnt|gfni|xop"
    r"|asimd[a-z]{0,8}|fphp|fcma|bf16|i8mm|sve[0-9a-z]{0,16}|sme(?!p\b)[0-9a-z]{0,16}|neon|vfpv4|vx[a-z0-9]{0,8})"
)
"""Extensions that OpenBLAS, oneDNN, NumPy, MKL and libm choose kernels by (x86, Arm, s390x)."""

_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
    ("0x41", "0xd84"): "Neoverse-V3",
    ("0x41", "0xd8e"): "Neoverse-N3",
    ("0x46", "0x001"): "A64FX",
    ("0xc0", "0xac3"): "AmpereOne",
    ("0xc0", "0xac4"): "AmpereOne-A",
}
_ARM_VENDORS = {"0x41": "ARM", "0x46": "Fujitsu", "0x48": "HiSilicon", "0x61": "Apple", "0xc0": "Ampere"}
"""Implementer and part numbers as in Linux, arch/arm64/include/asm/cputype.h."""

_PRODUCTS = (
    ("KVM", "kvm"),
    ("Standard PC", "qemu"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VirtualBox", "virtualbox"),
    ("Virtual Machine", "hyper-v"),
    ("HVM domU", "xen"),
    ("Google Compute Engine", "gce"),
    ("OpenStack", "openstack"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
)
"""DMI product names of hypervisors, by their beginning."""

_Block = dict[str, str]
_Pick = Callable[[_Block], str]


def describe_cpu(
    *,
    architecture: str,
    cpuinfo: str,
    status: str,
    quotas: tuple[str, ...],
    topology: tuple[tuple[str, str], ...] = (),
    problems: list[tuple[str, str]],
) -> Cpu:
    """Describe all processors as one: features are those that every one of them has.

    Frequencies and whatever else changes between two readings are not looked at. What cannot be read out of
    a text that is there is added to `problems` as (where, reason).
    """
    shared, blocks = _blocks(cpuinfo)
    if cpuinfo and not blocks:
        problems.append(("/proc/cpuinfo", "it lists no processor"))
    flags = _common_flags(shared, blocks)
    machine = architecture.strip()
    sockets, cores = _counted(blocks, topology)
    return Cpu(
        architecture=machine,
        vendor=_joined(shared, blocks, _vendor),
        model=_joined(shared, blocks, _model),
        microcode=_joined(shared, blocks, lambda block: block.get("microcode", "")),
        level=_level(flags) if machine in {"x86_64", "amd64"} else "",
        features=tuple(sorted(flag for flag in flags if _DISPATCHED.fullmatch(flag))),
        logical=len(blocks),
        allowed=_allowed(status, problems),
        quota_millicpus=_quota(quotas, problems),
        sockets=sockets,
        cores=cores,
    )


def describe_virtualization(cpuinfo: str, product: str) -> str:
    """Name the kind of virtual machine: `kvm`, `vmware`, ..., `vm` for an unnamed one, '' for none seen.

    Only the class is kept; a product name may be a cloud's instance type, and that changes nothing else.
    """
    name = product.strip()
    for beginning, kind in _PRODUCTS:
        if name.startswith(beginning):
            return kind
    return "vm" if re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE) else ""


def _blocks(cpuinfo: str) -> tuple[_Block, list[_Block]]:
    """Split into the fields that stand outside any processor and one block per processor."""
    shared: _Block = {}
    blocks: list[_Block] = []
    for paragraph in re.split(r"\n[ \t]*\n", cpuinfo):
        block: _Block = {}
        for line in paragraph.split("\n"):
            key, colon, value = line.partition(":")
            name = key.strip()
            if not colon:
                continue
            if re.fullmatch(r"processor \d+", name):  # s390x: one line each, fields inside the value
                blocks.append({"processor": name})
            else:
                block.setdefault(name, value.strip())
        # 32-bit Arm names its model `Processor` in a block that holds no number.
        if block.get("processor", "").isdecimal():
            blocks.append(block)
        else:
            for name, text in block.items():
                shared.setdefault(name, text)
    return shared, blocks


def _counted(blocks: list[_Block], topology: tuple[tuple[str, str], ...]) -> tuple[int, int]:
    """Sockets and physical cores, 0 and 0 when nothing tells them.

    x86 writes `physical id` and `core id` into cpuinfo. Elsewhere sysfs says which CPUs share a core and
    which a socket, so that the distinct lists are the cores and the sockets.
    """
    places = [(block.get("physical id", ""), block.get("core id", "")) for block in blocks]
    if places and all(socket and core for socket, core in places):
        return len({socket for socket, _ in places}), len(set(places))
    cores = {threads.strip() for threads, _ in topology} - {""}
    sockets = {shared.strip() for _, shared in topology} - {""}
    return (len(sockets), len(cores)) if cores and sockets else (0, 0)


def _common_flags(shared: _Block, blocks: list[_Block]) -> frozenset[str]:
    lines = {text for block in blocks for text in [_flag_line(block)] if text} or {_flag_line(shared)}
    sets = [frozenset(line.split()) for line in sorted(lines)]
    return sets[0].intersection(*sets[1:])


def _flag_line(block: _Block) -> str:
    return block.get("flags") or block.get("Features") or block.get("features") or ""


def _vendor(block: _Block) -> str:
    implementer = block.get("CPU implementer", "")
    return block.get("vendor_id") or _ARM_VENDORS.get(implementer, implementer)


def _model(block: _Block) -> str:
    if "CPU part" in block and "model name" not in block:
        implementer, part = block.get("CPU implementer", ""), block["CPU part"]
        name = _ARM_PARTS.get((implementer, part)) or f"implementer {implementer} part {part}"
        variant, revision = block.get("CPU variant", "0x0"), block.get("CPU revision", "0")
        return f"{name} r{int(variant, 16) if re.fullmatch(r'0x[0-9a-f]{1,4}', variant) else 0}p{revision}"
    for key in ("model name", "cpu", "cpu model", "uarch", "Processor"):
        if block.get(key):
            return re.sub(r"\s+", " ", block[key])
    return ""


def _joined(shared: _Block, blocks: list[_Block], pick: _Pick) -> str:
    """What the processors say, once each: a machine may mix two kinds."""
    texts = {pick(block) for block in blocks} - {""} or {pick(shared)}
    return " + ".join(sorted(texts))


def _level(flags: frozenset[str]) -> str:
    reached = ""
    for name, needed in _LEVELS:
        if not needed <= flags:
            break
        reached = name
    return reached


def _allowed(status: str, problems: list[tuple[str, str]]) -> int:
    """CPUs in `Cpus_allowed_list`, written as `0-3,8,10-11` (proc(5))."""
    found = re.search(r"^Cpus_allowed_list:[ \t]*([0-9,-]{1,65536})$", status, re.MULTILINE)
    if found is None:
        if status:
            problems.append(("/proc/self/status", "it has no Cpus_allowed_list line"))
        return 0
    total = 0
    for part in found[1].split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            problems.append(("/proc/self/status", f"Cpus_allowed_list holds {part[:40]!r}"))
            return 0
        total += max(0, int(last or first) - int(first) + 1)
    return total


def _quota(quotas: tuple[str, ...], problems: list[tuple[str, str]]) -> int | None:
    """The tightest quota of the cgroup and its parents, in thousandths of a CPU."""
    found: list[int] = []
    for line in quotas:
        quota, _, period = line.strip().partition(" ")
        if quota in {"max", "-1"}:
            continue
        if not (quota.isdecimal() and period.isdecimal() and int(period) > 0):
            problems.append(("cgroup cpu quota", f"it reads {line.strip()[:40]!r}"))
            continue
        found.append(int(quota) * 1000 // int(period))
    return min(found, default=None)
