"""Whether two machines are of one class: the class within which equal bits may be demanded.

PyTorch and NVIDIA promise none across GPU architectures; CPU code paths follow the instruction set
(pytorch docs/source/notes/randomness.rst; NVIDIA/framework-reproducibility#28; numpy#23523).
"""

from __future__ import annotations

from reprocheck.model.host import Host


def class_differences(recorded: Host | None, present: Host | None, *, with_gpus: bool) -> tuple[str, ...]:
    """Name what differs, most telling first; empty for one class and for what neither side knows."""
    if recorded is None or present is None:
        return ()
    was, now = recorded.cpu, present.cpu
    found = [
        f"{label} was {before} and is {after}"
        for label, before, after in (
            ("CPU architecture", was.architecture, now.architecture),
            ("CPU vendor", was.vendor, now.vendor),
            ("CPU level", was.level, now.level),
        )
        if before and after and before != after
    ]
    if was.features and now.features and set(was.features) != set(now.features):
        lost = sorted(set(was.features) - set(now.features))
        new = sorted(set(now.features) - set(was.features))
        parts = [*(f"-{name}" for name in lost), *(f"+{name}" for name in new)]
        found.append(f"CPU features differ ({' '.join(parts)})")
    if with_gpus:
        before = sorted(gpu.name for gpu in recorded.gpus)
        after = sorted(gpu.name for gpu in present.gpus)
        if before != after:
            found.append(f"GPUs were {', '.join(before) or 'none'} and are {', '.join(after) or 'none'}")
    return tuple(found)
