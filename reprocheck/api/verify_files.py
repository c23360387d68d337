"""Verify outputs that lie there already: nothing is executed."""

from __future__ import annotations

import os

from reprocheck import __version__
from reprocheck.api.assemble import see_machine
from reprocheck.api.outputs import describe_outputs
from reprocheck.api.outside import Outside
from reprocheck.api.verify import RECEIPT_VERSION, Verified
from reprocheck.engine.outputs import DiskOutput, directory_outputs
from reprocheck.errors import UsageFault
from reprocheck.model.base import replace
from reprocheck.model.manifest import Manifest, Tool
from reprocheck.model.run import Resources, RunRecord, Tolerance
from reprocheck.model.verdict import Receipt
from reprocheck.ports import OutputFile, RefusedOutput
from reprocheck.rerun import compare_outputs, judge_files


def verify_files(
    manifest: Manifest, directory: str, *, tolerance: Tolerance | None, outside: Outside
) -> Verified:
    """Compare the files in a directory, laid out as `store get` writes them, with the recorded outputs.

    `tolerance` is the reader's. Raises UsageFault (E_NO_RUN, E_NO_DIRECTORY, E_OUTPUTS_ELSEWHERE), Refused
    (E_NOTHING_RECORDED) and CouldNotRun (E_LIMIT).
    """
    run = manifest.run
    if run is None:
        raise UsageFault(
            "E_NO_RUN",
            "the manifest holds no run, so there is nothing to verify",
            hint="Record one with `reprocheck run`, or snapshot the container that ran.",
        )
    place = outside.absolute(directory)
    if not os.path.isdir(place):
        raise UsageFault(
            "E_NO_DIRECTORY",
            f"{directory!a} is no directory, so there are no outputs to compare",
            hint="Name the directory that holds them, laid out as `reprocheck store get` writes them.",
        )
    store = outside.store()
    outside.progress("comparing outputs")
    found = describe_outputs(_files(place, run, outside), limits=outside.limits, ignore_keys=run.ignore_keys)
    known = {output.name for output in run.outputs}
    here = {output.name for output in found.outputs} | {entry.name for entry in found.refused}
    if known and known.isdisjoint(here):
        wanted = run.outputs[0].name.lstrip("/")
        raise UsageFault(
            "E_OUTPUTS_ELSEWHERE",
            f"{directory!a} holds none of the {len(known)} recorded outputs, such as {wanted!a} below it",
            hint="Name the directory above; `reprocheck store get` shows how they are laid out.",
        )
    force = tolerance or run.tolerance
    compared = compare_outputs(
        run,
        found.outputs,
        found.refused,
        tolerance=force,
        limits=outside.limits,
        recorded=lambda output: store.fetch(output.sha256),
        observed=found.open,
    )
    judgement = judge_files(manifest, compared, tolerance=force)
    host, unknowns = see_machine(outside)
    assert manifest.digests is not None
    receipt = Receipt(
        schema_version=RECEIPT_VERSION,
        verdict=judgement.verdict,
        level=judgement.level,
        reason=judgement.reason,
        outputs=judgement.outputs,
        manifest=manifest.digests.manifest,
        image="",
        engine="none",
        relaxations=(),
        resources=Resources(),
        ignored_outputs=judgement.ignored_outputs,
        ignored_keys=judgement.ignored_keys,
        executions=(),
        host=host,
        unknowns=unknowns,
        tools=(Tool(name="reprocheck", version=__version__),),
    )
    return Verified(receipt=receipt, exit_code=judgement.exit_code)


def _files(place: str, run: RunRecord, outside: Outside) -> list[OutputFile | RefusedOutput]:
    """Give the files that the run's patterns mean, under the names that the program knew them by."""
    absolute = run.engine == "docker"
    patterns = tuple(pattern.lstrip("/") for pattern in run.output_patterns)
    found: list[OutputFile | RefusedOutput] = []
    for file in directory_outputs(place, "", patterns, limits=outside.limits):
        if absolute and isinstance(file, (DiskOutput, RefusedOutput)):
            found.append(replace(file, name=f"/{file.name}"))
        else:
            found.append(file)
    return found
