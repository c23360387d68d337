"""The machine: processor, accelerators, driver, limits."""

from __future__ import annotations

from itertools import zip_longest

from reprocheck.compare.difference import Shown, differ, one_sided
from reprocheck.model.change import Delta, Difference
from reprocheck.model.host import Cpu, Driver, Gpu, Host
from reprocheck.model.manifest import Manifest


def compare_host(a: Manifest, b: Manifest) -> Delta:
    """Differences of `host`; nothing can be said when only one side has it."""
    before, after = a.host, b.host
    if before is None or after is None:
        return one_sided("host", before is not None, after is not None)
    rows: list[tuple[str, Shown, Shown]] = [
        ("system", before.system, after.system),
        ("kernel", before.kernel, after.kernel),
        ("virtualization", before.virtualization, after.virtualization),
        ("memory_bytes", before.memory_bytes, after.memory_bytes),
        ("memory_limit_bytes", before.memory_limit_bytes, after.memory_limit_bytes),
        ("numa", _nodes(before), _nodes(after)),
        ("numa.memory_bytes", _node_memory(before), _node_memory(after)),
        ("name", before.name, after.name),
        *_cpu(before.cpu, after.cpu),
        *_gpus(before.gpus, after.gpus),
        *_driver(before.driver, after.driver),
    ]
    found: list[Difference] = []
    for name, old, new in rows:
        found.extend(differ("host", name, "value", old, new))
    return Delta(differences=tuple(found), unknowns=())


def _cpu(before: Cpu, after: Cpu) -> list[tuple[str, Shown, Shown]]:
    only_before = tuple(sorted(set(before.features) - set(after.features)))
    only_after = tuple(sorted(set(after.features) - set(before.features)))
    return [
        ("cpu.architecture", before.architecture, after.architecture),
        ("cpu.vendor", before.vendor, after.vendor),
        ("cpu.model", before.model, after.model),
        ("cpu.microcode", before.microcode, after.microcode),
        ("cpu.level", before.level, after.level),
        # Only what one side has and the other lacks: the whole list has dozens of equal words.
        ("cpu.features", only_before or None, only_after or None),
        ("cpu.logical", before.logical, after.logical),
        ("cpu.allowed", before.allowed, after.allowed),
        ("cpu.cores", before.cores, after.cores),
        ("cpu.sockets", before.sockets, after.sockets),
        ("cpu.quota_millicpus", before.quota_millicpus, after.quota_millicpus),
    ]


def _gpus(before: tuple[Gpu, ...], after: tuple[Gpu, ...]) -> list[tuple[str, Shown, Shown]]:
    old, new = (sorted(side, key=lambda g: (g.index, repr(g))) for side in (before, after))
    rows: list[tuple[str, Shown, Shown]] = [("gpus", len(old), len(new))]
    for place, (one, other) in enumerate(zip_longest(old, new)):
        prefix = f"gpus[{place}]"
        if one is None or other is None:
            rows.append((prefix, one.name if one is not None else None, other.name if other else None))
            continue
        rows += [
            (f"{prefix}.index", one.index, other.index),
            (f"{prefix}.name", one.name, other.name),
            (f"{prefix}.compute_capability", one.compute_capability, other.compute_capability),
            (f"{prefix}.memory_mib", one.memory_mib, other.memory_mib),
            (f"{prefix}.mig", one.mig, other.mig),
            (f"{prefix}.ecc", one.ecc, other.ecc),
            (f"{prefix}.vbios", one.vbios, other.vbios),
            (f"{prefix}.persistence", one.persistence, other.persistence),
        ]
    return rows


def _driver(before: Driver | None, after: Driver | None) -> list[tuple[str, Shown, Shown]]:
    old, new = (side.version if side is not None else None for side in (before, after))
    if before is None or after is None or old != new:
        return [("driver.version", old, new)]
    # The newest supported CUDA follows from the version; it tells something only where the versions agree.
    return [
        ("driver.cuda_maximum", before.cuda_maximum, after.cuda_maximum),
        ("driver.user_mode", before.user_mode, after.user_mode),
        ("driver.claims", _claims(before), _claims(after)),
    ]


def _claims(driver: Driver) -> tuple[str, ...]:
    return tuple(sorted(f"{claim.version} by {claim.source}" for claim in driver.others))


def _node_memory(host: Host) -> tuple[str, ...]:
    return tuple(str(node.memory_bytes) for node in sorted(host.numa, key=lambda node: node.index))


def _nodes(host: Host) -> tuple[str, ...]:
    return tuple(f"{node.index}:{node.cpus}" for node in sorted(host.numa, key=lambda node: node.index))
