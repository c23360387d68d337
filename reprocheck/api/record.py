"""Run a training and record it: image, inputs, environment, outputs."""

from __future__ import annotations

from functools import partial

from reprocheck.api.cache import Identity, Question, see_image
from reprocheck.api.context import gather
from reprocheck.api.execution import (
    Scene,
    check_arguments,
    check_overlap,
    container_path,
    execute,
    hash_inputs,
    plan_run,
)
from reprocheck.api.observation import watch
from reprocheck.api.outside import Outside
from reprocheck.api.run_options import Recorded, RunOptions
from reprocheck.api.sight import DEFAULT_PATH
from reprocheck.artifacts.tolerance import bounds_of
from reprocheck.collect.environment import describe_environment
from reprocheck.collect.secrets import REDACTOR
from reprocheck.errors import UsageFault
from reprocheck.model.base import replace
from reprocheck.ports import LogSink


def run(options: RunOptions, outside: Outside, sink: LogSink) -> Recorded:
    """Run the command in the sandbox, stream its output to `sink`, and return the record.

    Raises UsageFault, InputFault and CouldNotRun before the start; a program that fails is a record.
    """
    if not options.outputs:
        raise UsageFault(
            "E_NO_OUTPUTS",
            "no output is declared, so nothing could ever be verified",
            hint="Name what the run makes with --output PATH (a file, a directory or a glob).",
        )
    if options.tolerance is not None:
        bounds_of(options.tolerance)  # told now, not by a verify a year later
    if options.engine == "local":
        from reprocheck.api.record_local import run_local

        return run_local(options, outside, sink)
    return _run_docker(options, outside, sink)


def _run_docker(options: RunOptions, outside: Outside, sink: LogSink) -> Recorded:
    with outside.docker_engine() as engine:
        facts = engine.image(options.image)
        REDACTOR.register_variables(facts.environment)
        working_dir = options.working_dir or facts.image.working_dir or "/"
        outputs = tuple(container_path(path, working_dir) for path in options.outputs)
        command = options.command or facts.image.command
        argv = (*facts.image.entrypoint, *command)
        if not argv:
            raise UsageFault(
                "E_NO_COMMAND",
                f"no command was given and image {options.image} declares none",
                hint="Write it after --, for example: -- python3 /app/train.py",
            )
        check_arguments(argv)
        pairs = tuple((host, container_path(path, working_dir).rstrip("/")) for host, path in options.inputs)
        check_overlap(pairs, outputs, both_ways=False)
        inputs = hash_inputs(pairs, outside)
        in_force = {**dict(facts.environment), **dict(options.environment)}
        context = gather(
            options.context, outside, here=False, inputs=pairs, variables=tuple(in_force.items())
        )
        outside.progress(f"reading image {options.image}")
        question = Question(
            with_syft=options.with_syft,
            path_variable=in_force.get("PATH", DEFAULT_PATH),
            library_path=in_force.get("LD_LIBRARY_PATH", ""),
        )
        identity = Identity(id=facts.id, image=facts.image)
        seen = see_image(partial(engine.open_image, facts), identity, question, outside)
        scene = Scene(
            source=replace(facts.source, reader=seen.reader),
            image=facts.image,
            sight=seen.sight,
            environment=describe_environment(
                image=facts.environment,
                run=options.environment,
                add_values=options.env_values,
                all_values=options.all_values,
                limits=outside.limits,
            ),
            argv=argv,
            working_dir=working_dir,
            user=facts.image.user if options.user is None else options.user,
            context=context,
        )
        plan = plan_run(
            options,
            scene.argv,
            outside,
            image=facts.id,
            outputs=outputs,
            working_dir=scene.working_dir,
            user=scene.user,
            inputs=pairs,
        )
        watching = watch(outside, partial(engine.open_image, facts)) if options.observe else None
        runner = engine.runner(watching.observation if watching is not None else None)
        return execute(options, outside, sink, runner, plan, scene, inputs, watching)
