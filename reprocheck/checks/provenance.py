"""Whether the manifest tells what a reader needs, and nothing that must not be published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from reprocheck.checks.judging import CHECKED_ON, NO_RUN, PASSED, Check, Evidence, Judgement, hit
from reprocheck.model.rule import Rule

NO_COMMAND = Rule(
    code="PRV-902",
    title="Exact command missing",
    severity="high",
    detect="manifest: no run, an empty argv, or arguments withheld by the secret scan",
    why="Without the exact command nobody can start the same thing; reviewers' checklists ask for it.",
    fix="Record the run with `reprocheck run`; hand secrets in by a file or a variable, not an argument.",
    source="NeurIPS 2026 paper checklist, item 5",
    date=CHECKED_ON,
)
NO_COMPUTE = Rule(
    code="PRV-904",
    title="Hardware, memory or time missing",
    severity="medium",
    detect="manifest: processor, memory or duration of the run not recorded",
    why="A reader must know what the run takes, and results can differ between kinds of hardware.",
    fix="Record the run with `reprocheck run` on the machine that makes the published numbers.",
    source="NeurIPS 2026 paper checklist, item 8; pytorch/pytorch#38219",
    date=CHECKED_ON,
)
NO_SEED = Rule(
    code="PRV-909",
    title="No seed visible",
    severity="medium",
    detect="manifest: no fixed PYTHONHASHSEED, and no variable or argument with SEED in its name",
    why="Who cannot see the seeds can neither repeat the run nor judge how much the result varies.",
    fix="Pass the seed as an argument (`--seed 0`) or a variable (`SEED=0`), so that the record shows it.",
    source="NeurIPS 2026 paper checklist, item 7",
    date=CHECKED_ON,
)
IDENTITY = Rule(
    code="PRV-910",
    title="The record names a person",
    severity="medium",
    detect="manifest: home directories and e-mail addresses in argv, variables, paths, URLs and names",
    why="A double-blind submission must not name its authors.",
    fix="Use neutral paths such as /data and /out, and remove the address, then record again.",
    source="NeurIPS 2026 paper checklist, item 5 (anonymised submission)",
    date=CHECKED_ON,
)
INCOMPLETE = Rule(
    code="PRV-912",
    title="Manifest is private or incomplete",
    severity="high",
    detect="manifest: the private mark of --env-values all, or readings that failed",
    why="A private manifest holds values that were never meant for others; an incomplete one proves less.",
    fix="Record again without --env-values all, with what could not be read made readable.",
    source="reprocheck's own rule: a reading that failed is never a pass",
    date=CHECKED_ON,
)

_HOME = re.compile(r"/(?:home|Users)/([A-Za-z0-9][\w.-]{0,63})")
_SHARED_HOMES = frozenset(
    (
        *("Public", "Shared", "app", "appuser", "conda", "devcontainer", "docker", "jovyan", "linuxbrew"),
        *("mambauser", "micromamba", "node", "nonroot", "python", "root", "runner", "sagemaker-user"),
        *("trainer", "ubuntu", "user", "vscode", "work", "worker"),
    )
)
"""Accounts of well-known images, which name nobody."""
_ADDRESS = re.compile(r"([A-Za-z0-9][A-Za-z0-9._%+-]{0,63})@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_SEED = re.compile(r"seed", re.IGNORECASE)


def _no_command(evidence: Evidence) -> Judgement:
    run = evidence.manifest.run
    if run is None:
        return Judgement(hits=(hit(NO_COMMAND, "run", NO_RUN),))
    if not run.argv:
        return Judgement(hits=(hit(NO_COMMAND, "run.argv", "the recorded command is empty"),))
    return Judgement(
        hits=tuple(
            hit(NO_COMMAND, f"run.argv[{position}]", "the secret scan withheld this argument")
            for position in run.withheld_arguments
        )
    )


def _no_compute(evidence: Evidence) -> Judgement:
    host = evidence.manifest.host
    facts = (
        ("host.cpu.model", "the processor", bool(host and host.cpu.model)),
        ("host.memory_bytes", "the memory of the machine", bool(host and host.memory_bytes)),
        (
            "observation.duration_ms",
            "the duration of the run",
            evidence.manifest.observation.duration_ms is not None,
        ),
    )
    return Judgement(
        hits=tuple(
            hit(NO_COMPUTE, where, f"{what} is not recorded") for where, what, known in facts if not known
        )
    )


def _no_seed(evidence: Evidence) -> Judgement:
    for variable in evidence.manifest.environment:
        if variable.value and _SEED.search(variable.name) and variable.value != "random":
            return PASSED
    if any(_SEED.search(word) for word in evidence.run.argv):
        return PASSED
    message = (
        "neither a variable nor an argument of the run shows a seed; one set inside the program stays unseen"
    )
    return Judgement(hits=(hit(NO_SEED, "run.argv", message),))


def _identity(evidence: Evidence) -> Judgement:
    hits, gaps = [], []
    for where, text in _texts(evidence):
        if len(text) > evidence.limits.json_string:
            gaps.append(f"{where} is longer than {evidence.limits.json_string} characters")
            continue
        # The name itself stays out of the report, which may be published too.
        if any(match[1] not in _SHARED_HOMES for match in _HOME.finditer(text)):
            hits.append(hit(IDENTITY, where, "holds the home directory of a named user"))
        if any(match[1] != "git" for match in _ADDRESS.finditer(text)):
            hits.append(hit(IDENTITY, where, "holds an e-mail address"))
    return Judgement(hits=tuple(hits), gaps=tuple(gaps))


def _texts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Every recorded text in which a person's name turns up, with its place."""
    manifest = evidence.manifest
    yield "source.reference", manifest.source.reference
    for variable in manifest.environment:
        yield f"environment[{variable.name}]", variable.value or ""
    for package in manifest.packages:
        if package.python and package.python.direct_url:
            yield f"packages[{package.name}].direct_url", package.python.direct_url.url
    for python in manifest.pythons:
        yield f"pythons[{python.version}].prefix", python.prefix
    run = manifest.run
    if run is None:
        return
    yield from ((f"run.argv[{position}]", word) for position, word in enumerate(run.argv))
    yield "run.working_dir", run.working_dir
    yield from ((f"run.inputs[{position}].path", item.path) for position, item in enumerate(run.inputs))
    yield from ((f"run.output_patterns[{i}]", pattern) for i, pattern in enumerate(run.output_patterns))
    yield from ((f"run.outputs[{position}].name", item.name) for position, item in enumerate(run.outputs))
    yield from ((f"run.mounts[{position}].target", item.target) for position, item in enumerate(run.mounts))


def _incomplete(evidence: Evidence) -> Judgement:
    manifest = evidence.manifest
    hits = []
    if manifest.private:
        hits.append(hit(INCOMPLETE, "private", "the manifest was made with --env-values all"))
    for section, count in sorted(Counter(unknown.section for unknown in manifest.unknowns).items()):
        first = min(f"{u.where}: {u.reason}" for u in manifest.unknowns if u.section == section)
        message = f"{count} reading{'s' if count > 1 else ''} of {section} failed, first {first}"
        hits.append(hit(INCOMPLETE, f"unknowns[{section}]", message, severity="medium"))
    return Judgement(hits=tuple(hits))


CHECKS = (
    Check(rule=NO_COMMAND, judge=_no_command),
    Check(rule=NO_COMPUTE, judge=_no_compute, needs=("run",), sections=("host",)),
    Check(rule=NO_SEED, judge=_no_seed, needs=("run",), sections=("environment",), by_absence=True),
    Check(rule=IDENTITY, judge=_identity, sections=("environment", "run")),
    Check(rule=INCOMPLETE, judge=_incomplete),
)
