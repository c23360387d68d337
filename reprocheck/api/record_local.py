"""The local engine: the same record from a plain process, for people without Docker. Nothing is sandboxed."""

from __future__ import annotations

from pathlib import PurePosixPath

from reprocheck.api.context import gather
from reprocheck.api.execution import (
    Scene,
    check_arguments,
    check_overlap,
    execute,
    hash_inputs,
    not_unicode,
    plan_run,
)
from reprocheck.api.observation import watch
from reprocheck.api.outside import Outside
from reprocheck.api.run_options import Recorded, RunOptions
from reprocheck.api.snapshot import local_files, local_scene
from reprocheck.collect.environment import describe_environment
from reprocheck.engine.local_runner import LocalRunner
from reprocheck.errors import UsageFault
from reprocheck.ports import LogSink


def run_local(options: RunOptions, outside: Outside, sink: LogSink) -> Recorded:
    """Run in a fresh workspace directory that holds copies of the inputs; outputs are relative to it."""
    if not options.command:
        raise UsageFault(
            "E_NO_COMMAND", "no command was given", hint="Write it after --, for example: -- python3 train.py"
        )
    outputs = tuple(workspace_path(path) for path in options.outputs)
    pairs = tuple((host, workspace_path(target).rstrip("/")) for host, target in options.inputs)
    check_arguments(options.command)
    check_overlap(pairs, outputs, both_ways=True)
    inputs = hash_inputs(pairs, outside)
    variables = tuple(sorted({**outside.environ, **dict(options.environment)}.items()))
    context = gather(options.context, outside, here=True, inputs=pairs, variables=variables)
    source, sight, unknowns = local_scene(local_files(outside), outside, with_syft=options.with_syft)
    scene = Scene(
        source=source,
        image=None,
        sight=sight,
        environment=describe_environment(
            host=tuple(sorted(outside.environ.items())),
            run=options.environment,
            add_values=options.env_values,
            all_values=options.all_values,
            limits=outside.limits,
        ),
        argv=options.command,
        working_dir=workspace_path(options.working_dir).rstrip("/") if options.working_dir else ".",
        user="",
        unknowns=unknowns,
        context=context,
    )
    plan = plan_run(
        options,
        scene.argv,
        outside,
        image="",
        outputs=outputs,
        working_dir=scene.working_dir,
        user="",
        inputs=pairs,
    )
    watching = watch(outside) if options.observe else None
    runner = LocalRunner(
        limits=outside.limits,
        environ=outside.environ,
        observation=watching.observation if watching is not None else None,
    )
    return execute(options, outside, sink, runner, plan, scene, inputs, watching)


def workspace_path(path: str) -> str:
    """Check that a path is relative and stays in the workspace. Raises UsageFault (E_PATH)."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise not_unicode(path) from None
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise UsageFault(
            "E_PATH",
            f"{path!r} is not a path inside the workspace",
            hint="The run has a fresh directory of its own: name what goes there one by one, as in "
            "--input train.py --input src --output out.",
        )
    return "/".join(parts) + ("/" if path.endswith("/") else "")
