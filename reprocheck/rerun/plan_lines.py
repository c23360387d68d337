"""What will run, in words, for the person who is asked to allow it."""

from __future__ import annotations

from reprocheck.model.run import RunRecord
from reprocheck.model.verdict import Relaxation
from reprocheck.ports import Plan
from reprocheck.rerun.policy import PlanLine, Policy

_LOCAL_LINES = (
    ("network", "this machine's, not restricted"),
    ("GPUs", "this machine's, not restricted"),
    *((what, "not enforced") for what in ("CPUs", "memory", "processes", "disk")),
)


def _limit_lines(plan: Plan) -> tuple[tuple[str, str], ...]:
    return (
        ("network", plan.network),
        ("GPUs", plan.gpus or "none"),
        ("CPUs", "all" if plan.nano_cpus is None else f"{plan.nano_cpus / 10**9:g}"),
        ("memory", f"{plan.memory_bytes} bytes"),
        ("processes", str(plan.pids)),
        ("disk", f"{plan.disk_bytes} bytes"),
    )


def plan_lines(
    plan: Plan, run: RunRecord, policy: Policy, relaxations: tuple[Relaxation, ...]
) -> tuple[PlanLine, ...]:
    """Everything that will run, in words; variables by name, since a value may be private."""
    local = not plan.image
    given = "a copy" if local else "read-only"
    rows = [
        ("image", plan.image or "none: a plain process of this machine, not sandboxed"),
        *(("argument", argument) for argument in plan.argv),
        ("working directory", plan.working_dir or ("the workspace" if local else "the image's own")),
        ("user", "you" if local else plan.user or "the image's own"),
        *(("variable", name) for name, _ in plan.environment),
        *(("input", f"{mount.target} from {mount.source}, {given}") for mount in plan.mounts),
        *(("directory", f"{directory}, empty and writable") for directory in plan.directories),
        *(("output", pattern) for pattern in plan.outputs),
        *(_LOCAL_LINES if local else _limit_lines(plan)),
        ("time limit", f"{plan.seconds} s"),
        *(("ignored output", pattern) for pattern in run.ignore_outputs),
        *(("ignored key", f"{entry.file}:{entry.key}") for entry in run.ignore_keys),
    ]
    if run.tolerance is not None and policy.tolerance is None:
        rows.append(("tolerance (author)", str(run.tolerance)))
    rows.extend((f"allowed: {entry.what}", entry.value) for entry in relaxations)
    return tuple(PlanLine(label=label, value=value) for label, value in rows)
