"""Calls that make no sense: exit 2, one line, nothing written or started."""

from __future__ import annotations

import pytest

from tests.faults.harness import World

RUN = ("run", "--image", "x", "--output", "/out")
CALLS: dict[str, tuple[tuple[str, ...], str]] = {
    "no such verb": (("frobnicate",), "frobnicate"),
    "a verb with control characters": (("a\x1b[31m\nb\u202e",), "a"),
    "an unknown flag": (("snapshot", "--frobnicate"), "--frobnicate"),
    "an unknown flag of the group": (("--frobnicate", "snapshot"), "--frobnicate"),
    "a missing argument": (("show",), "FILE"),
    "one argument of two": (("diff", "a.json"), "B"),
    "too many arguments": (("show", "a.json", "b.json"), "b.json"),
    "a flag without its value": (("snapshot", "-o"), "-o"),
    "an odd number of CPUs": ((*RUN, "--cpus", "many", "--", "true"), "'many'"),
    "no CPUs": ((*RUN, "--cpus", "0", "--", "true"), "--cpus"),
    "less than no CPUs": ((*RUN, "--cpus", "-1", "--", "true"), "--cpus"),
    "NaN CPUs": ((*RUN, "--cpus", "nan", "--", "true"), "--cpus"),
    "an odd size": ((*RUN, "--memory", "8 bananas", "--", "true"), "bananas"),
    "a negative size": ((*RUN, "--shm-size", "-1", "--", "true"), "--shm-size"),
    "a size of other digits": ((*RUN, "--memory", "²g", "--", "true"), "--memory"),
    "a variable without a value": ((*RUN, "--env", "NAME", "--", "true"), "NAME=VALUE"),
    "a variable without a name": ((*RUN, "--env", "=VALUE", "--", "true"), "NAME=VALUE"),
    "a name that is none": ((*RUN, "--env", "A B=c", "--", "true"), "A B"),
    "an input without a place": ((*RUN, "--input", "data", "--", "true"), "HOST:PATH"),
    "an input for nobody": (("verify", "run.json", "--input", "data"), "PATH=HOST"),
    "no image": (("run", "--output", "/out", "--", "true"), "--image"),
    "an image for no engine": ((*RUN, "--engine", "local", "--", "true"), "--engine local"),
    "an engine that is none": ((*RUN, "--engine", "podman", "--", "true"), "podman"),
    "a network that is none": ((*RUN, "--network", "host", "--", "true"), "host"),
    "an odd time limit": ((*RUN, "--timeout", "soon", "--", "true"), "soon"),
    "no time": ((*RUN, "--timeout", "0", "--", "true"), "--timeout"),
    "an odd tolerance": ((*RUN, "--rtol", "close", "--", "true"), "close"),
    "a negative tolerance": ((*RUN, "--rtol", "-1", "--", "true"), "-1"),
    "an odd format": (("diff", "--format", "xml", "a", "b"), "xml"),
    "an odd factor": (("show", "--limit-scale", "0", "a"), "--limit-scale"),
    "an odd ignored key": ((*RUN, "--ignore-key", "loss", "--", "true"), "FILE:KEY"),
    "no output": (("run", "--image", "x", "-o", "r.json", "--", "true"), "--output"),
    "an output that climbs": (("run", "--engine", "local", "--output", "../x", "--", "true"), "../x"),
    "an input that is not there": (
        ("run", "--engine", "local", "--output", "x", "--input", "gone:in", "--", "true"),
        "'in'",
    ),
    "a local run of nothing": (("run", "--engine", "local", "--output", "x"), "no command"),
    "an empty target": (("snapshot", ""), "target"),
    "a scheme without a target": (("snapshot", "rootfs:"), "rootfs:"),
    "a directory that is not there": (("snapshot", "rootfs:gone"), "gone"),
    "no environment": (("snapshot", "env:."), "pyvenv.cfg"),
    "outputs of a machine": (("snapshot", "--output", "/out"), "--output"),
    "an unknown code": (("explain", "E_NOTHING_OF_THIS_NAME"), "E_NOTHING"),
    "an unknown schema": (("schema", "novel"), "novel"),
    "an odd age": (("store", "prune", "--older-than", "old"), "old"),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_call_that_makes_no_sense_is_told(world: World, kind: str) -> None:
    """One line that names what is wrong and where to read more; no engine is needed to say so."""
    words, name = CALLS[kind]
    done = world.run(*words, environ={"DOCKER_HOST": "unix:///nowhere"})
    code = done.err.removeprefix("error[").split("]")[0] if done.err.startswith("error[") else "E_USAGE"
    if "running in a plain process" in done.err:
        code = done.err.splitlines()[-1].removeprefix("error[").split("]")[0]
    done.failed(2, code, name)
    assert done.out == ""
    world.check()


def test_no_verb_at_all_shows_the_help(world: World) -> None:
    done = world.run()
    assert "Usage: reprocheck" in done.out + done.err
    assert done.code in (0, 2)
    done.quiet()


def test_a_prune_without_a_terminal_needs_yes(world: World) -> None:
    world.run("store", "prune").failed(5, "E_NEEDS_YES", "--yes")
    assert world.run("store", "prune", "--yes").code == 0
    world.check()
