"""From a manifest and a policy to one plan, or to a refusal before anything starts."""

from __future__ import annotations

import shlex
from typing import Literal, NoReturn

from reprocheck.artifacts.tolerance import bounds_of
from reprocheck.errors import InputFault, Refused, UsageFault
from reprocheck.globs import matches
from reprocheck.limits import GIB, Limits
from reprocheck.model.manifest import Manifest
from reprocheck.model.places import can_hold, is_kernel_place, is_system_place, is_wild
from reprocheck.model.run import Resources, RunRecord
from reprocheck.model.verdict import Relaxation
from reprocheck.ports import Plan, PlannedMount
from reprocheck.rerun.plan_lines import plan_lines
from reprocheck.rerun.policy import PlannedVerification, Policy, SuppliedInput
from reprocheck.rerun.variables import plan_environment

MEMORY_UNTOLD = 16 * GIB
"""Where neither a limit was recorded nor this machine's memory can be told."""
LONGEST_SECONDS = 30 * 24 * 3600
"""The recorded duration stands in no digest, so it alone never asks for more; `--timeout` does."""
ARGV_BYTES = 128 * 1024


def plan_verification(
    manifest: Manifest,
    policy: Policy,
    *,
    inputs: tuple[SuppliedInput, ...],
    image: str,
    machine_memory: int,
    machine_cpus: int,
    limits: Limits,
) -> PlannedVerification:
    """Plan the re-execution of a manifest's run.

    `image` is the engine's id of the image found on this machine, '' for the local engine; a machine's memory
    (bytes) or CPUs of 0 are unknown. Raises UsageFault (E_NO_RUN, E_INPUT_UNKNOWN), Refused (E_PRIVILEGED,
    E_NOTHING_RECORDED, E_ARGUMENT_WITHHELD, E_NEEDS_NETWORK, E_NEEDS_GPU, E_NEEDS_CPUS, E_INPUT_NOT_GIVEN,
    E_INPUT_DIFFERS and those of `plan_environment`) or InputFault (E_COMMAND, E_WORKING_DIR, E_OUTPUT_NAME,
    E_OUTPUT_DIRECTORY, E_TOLERANCE).
    """
    run = recorded_run(manifest)
    if run.privileged_run:
        _refuse(
            "E_PRIVILEGED",
            "the recorded run had more privileges than any verification gives",
            "Record the run again without --privileged, host namespaces and devices.",
        )
    check_outputs(run)
    _check_command(run)
    for tolerance in (run.tolerance, policy.tolerance):
        if tolerance is not None:
            bounds_of(tolerance)
    environment, relaxations = plan_environment(manifest, policy, limits=limits)
    resources, wider = _resources(run, policy, machine_memory=machine_memory, machine_cpus=machine_cpus)
    mounts = _mounts(run, inputs)
    duration = (manifest.observation.duration_ms or 0) / 1000
    plan = Plan(
        image=image,
        argv=run.argv,
        environment=environment,
        working_dir=run.working_dir,
        user=run.user if policy.user is None else policy.user,
        network=_network(run, policy),
        nano_cpus=resources.nano_cpus,
        memory_bytes=resources.memory_bytes,
        shm_bytes=resources.shm_bytes,
        gpus=resources.gpus,
        pids=limits.processes,
        disk_bytes=limits.run_disk,
        seconds=policy.seconds or min(max(limits.run_seconds, int(3 * duration) + 1), LONGEST_SECONDS),
        mounts=mounts,
        outputs=run.output_patterns,
        read_only_root=policy.read_only_root,
        directories=_directories(run),
    )
    allowed = (*_relaxations(run, policy, image), *relaxations, *wider)
    return PlannedVerification(plan=plan, relaxations=allowed, lines=plan_lines(plan, run, policy, allowed))


def recorded_run(manifest: Manifest) -> RunRecord:
    """Give the manifest's run. Raises UsageFault (E_NO_RUN)."""
    if manifest.run is None:
        raise UsageFault(
            "E_NO_RUN",
            "the manifest describes an environment and holds no run to verify",
            hint="Record one with reprocheck run, or snapshot a container that has run with --output.",
        )
    return manifest.run


def check_outputs(run: RunRecord) -> None:
    """Raise Refused (E_NOTHING_RECORDED) or InputFault (E_OUTPUT_NAME) when nothing could be compared."""
    for pattern in (*run.output_patterns, *(output.name for output in run.outputs)):
        if not pattern or "\0" in pattern or ".." in pattern.split("/"):
            raise InputFault(
                "E_OUTPUT_NAME",
                f"the manifest names the output {pattern[:80]!r}, which is not a plain path",
                hint="Check where the manifest came from.",
            )
    if not any(not is_ignored(run, output.name) for output in run.outputs):
        what = "every recorded output is ignored" if run.outputs else "the manifest holds no outputs"
        _refuse(
            "E_NOTHING_RECORDED",
            f"{what}, so there is nothing that could be reproduced",
            "Record the run again with --output PATH for what it writes.",
        )


def is_ignored(run: RunRecord, name: str) -> bool:
    """Whether the manifest names this output as volatile."""
    return any(matches(name, pattern) for pattern in run.ignore_outputs)


def _refuse(code: str, what: str, hint: str) -> NoReturn:
    raise Refused(code, f"{what}; nothing was started", hint=hint)


def _check_command(run: RunRecord) -> None:
    if run.withheld_arguments:
        places = ", ".join(str(place) for place in run.withheld_arguments)
        _refuse(
            "E_ARGUMENT_WITHHELD",
            f"the recorded command has a secret at argument {places}, which the manifest does not hold",
            "Pass secrets by --env or a file, and record the run again.",
        )
    size = sum(len(argument.encode("utf-8", "surrogatepass")) + 1 for argument in run.argv)
    if not run.argv or not run.argv[0] or size > ARGV_BYTES or any("\0" in text for text in run.argv):
        raise InputFault(
            "E_COMMAND",
            f"the recorded command is empty, holds a NUL or is longer than {ARGV_BYTES} bytes",
            hint="Check where the manifest came from.",
        )
    absolute = run.working_dir.startswith("/")
    kernel = absolute and is_kernel_place(run.working_dir)
    relative = run.engine == "docker" and run.working_dir and not absolute
    if "\0" in run.working_dir or ".." in run.working_dir.split("/") or kernel or relative:
        raise InputFault(
            "E_WORKING_DIR",
            f"the recorded working directory {run.working_dir[:80]!r} is not an ordinary absolute path",
            hint="Check where the manifest came from.",
        )


def _network(run: RunRecord, policy: Policy) -> Literal["none", "bridge"]:
    if policy.allow_network:
        return "bridge"
    if run.engine == "docker" and run.network != "none":
        had = "had a network" if run.network == "bridge" else "had a network that is not known"
        _refuse(
            "E_NEEDS_NETWORK",
            f"the recorded run {had}, and a verification has none unless you allow it",
            "Add --allow-network, or record the run again with --network none.",
        )
    return "none"


def _resources(
    run: RunRecord, policy: Policy, *, machine_memory: int, machine_cpus: int
) -> tuple[Resources, tuple[Relaxation, ...]]:
    """Recorded limits unless the reader gives others; those stand beside the verdict.

    A plain process has none but the time, whatever was recorded or asked for.
    """
    local = run.engine == "local"
    recorded = Resources() if local else run.resources
    if recorded.gpus and not policy.gpus:
        _refuse(
            "E_NEEDS_GPU",
            f"the recorded run used GPUs ({recorded.gpus})",
            f"Add --gpus {shlex.quote(recorded.gpus)}.",
        )
    cpus = recorded.nano_cpus if policy.nano_cpus is None else policy.nano_cpus
    if not local and cpus is not None and 0 < machine_cpus * 10**9 < cpus:
        _refuse(
            "E_NEEDS_CPUS",
            f"the run needs {cpus / 10**9:g} CPUs and this machine has {machine_cpus}",
            f"Add --cpus {machine_cpus}; the change will stand beside the verdict.",
        )
    memory = recorded.memory_bytes if policy.memory_bytes is None else policy.memory_bytes
    chosen = Resources(
        nano_cpus=cpus,
        memory_bytes=memory or machine_memory * 3 // 4 or MEMORY_UNTOLD,
        shm_bytes=recorded.shm_bytes if policy.shm_bytes is None else policy.shm_bytes,
        gpus=policy.gpus,
    )
    changes = (
        ("cpus", policy.nano_cpus, f"{(policy.nano_cpus or 0) / 10**9:g}"),
        ("memory", policy.memory_bytes, str(policy.memory_bytes)),
        ("shm", policy.shm_bytes, str(policy.shm_bytes)),
        ("seconds", policy.seconds, str(policy.seconds)),
    )
    return Resources() if local else chosen, tuple(
        Relaxation(what=what, value=f"{text} (not enforced)" if local and what != "seconds" else text)
        for what, given, text in changes
        if given is not None
    )


def _directories(run: RunRecord) -> tuple[str, ...]:
    """Where the run finds an empty directory: its output mounts, and the outputs that end in `/`.

    Raises InputFault (E_OUTPUT_DIRECTORY).
    """
    files = {output.name for output in run.outputs}  # a single file may have been mounted
    wanted = {mount.target for mount in run.mounts if mount.role == "output"} - files
    wanted |= {pattern for pattern in run.output_patterns if pattern.endswith("/")}
    found = {directory.rstrip("/") or directory for directory in wanted}
    for directory in sorted(found):
        parts = directory.split("/")
        plain = "\0" not in directory and not {"..", "."} & set(parts) and "" not in parts[1:]
        placed = run.engine == "local" or (directory.startswith("/") and not is_system_place(directory))
        if not (plain and placed and not is_wild(directory) and can_hold(directory, run.output_patterns)):
            raise InputFault(
                "E_OUTPUT_DIRECTORY",
                f"the manifest asks for an empty directory at {directory[:80]!r}, no place for outputs",
                hint="Check where the manifest came from.",
            )
    return tuple(sorted(found))


def _mounts(run: RunRecord, inputs: tuple[SuppliedInput, ...]) -> tuple[PlannedMount, ...]:
    declared = {entry.path for entry in run.inputs}
    given = {entry.path: entry for entry in inputs}
    unknown = sorted(given.keys() - declared)
    if unknown or len(given) != len(inputs):
        raise UsageFault(
            "E_INPUT_UNKNOWN",
            f"--input names {', '.join(unknown) or 'one path twice'}, which is no input of the recorded run",
            hint="The recorded inputs are: " + (", ".join(sorted(declared)) or "none") + ".",
        )
    missing = sorted(declared - given.keys())
    if missing:
        _refuse(
            "E_INPUT_NOT_GIVEN",
            f"the recorded run read {', '.join(missing)}, which was not handed in",
            "Add " + " ".join(f"--input {shlex.quote(path)}=HOST" for path in missing) + ".",
        )
    changed = sorted(e.path for e in run.inputs if e.sha256 is not None and e.sha256 != given[e.path].sha256)
    if changed:
        _refuse(
            "E_INPUT_DIFFERS",
            f"what was handed in for {', '.join(changed)} has another hash than the recorded input",
            "Hand in the files that the recorded run read; reprocheck show prints their hashes.",
        )
    return tuple(PlannedMount(source=given[path].source, target=path) for path in sorted(declared))


def _relaxations(run: RunRecord, policy: Policy, image: str) -> tuple[Relaxation, ...]:
    rows: list[tuple[str, str]] = []
    if not image:
        rows.append(("unsandboxed", "local engine"))
        if run.engine != "local":
            rows.append(("engine", f"recorded with {run.engine}, run without its image"))
    if policy.allow_network:
        rows.append(("network", "bridge"))
    if policy.gpus:
        rows.append(("gpus", policy.gpus + (" (not enforced)" if not image else "")))
    if policy.user is not None and policy.user != run.user:
        rows.append(("user", policy.user or "the image's own"))
    if policy.read_only_root:
        rows.append(("read-only", "root file system"))
    if policy.tolerance is not None:
        rows.append(("tolerance (reader)", str(policy.tolerance)))
    return tuple(Relaxation(what=what, value=value) for what, value in rows)
