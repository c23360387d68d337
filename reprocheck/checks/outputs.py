"""What came out: is it there, can it be compared, and has anybody got it twice."""

from __future__ import annotations

import posixpath

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit
from reprocheck.checks.receipts import reproduced
from reprocheck.globs import matches
from reprocheck.model.rule import Rule
from reprocheck.model.run import Output

ONE_RUN = Rule(
    code="OUT-806",
    title="Only one execution recorded",
    severity="medium",
    detect="receipts: none that belongs to this manifest says identical, within-noise or within-tolerance",
    why="One run does not show whether a second one ends in the same numbers.",
    fix="Run `reprocheck verify MANIFEST -o receipt.json` and hand the receipt to check.",
    source="siegelz/core-bench, benchmark/evaluations.py (three reference runs per capsule)",
    date=CHECKED_ON,
)
OPAQUE = Rule(
    code="OUT-815",
    title="Output cannot be compared by content",
    severity="medium",
    detect="manifest: a pickle, joblib or old torch file, or one whose reading failed; no content digest",
    why="Pickles of equal objects differ in their bytes, and reading one safely is not possible in general.",
    fix="Save as safetensors, npz or JSON (or torch.save in its zip format) beside or instead of it.",
    source="joblib/joblib#231, cloudpipe/cloudpickle#385, pytorch/pytorch#42163",
    date=CHECKED_ON,
)
MISSING = Rule(
    code="OUT-816",
    title="Declared output missing or empty",
    severity="high",
    detect="manifest: an output pattern that matched no file, an empty file, or no pattern at all",
    why="A verify has nothing to compare, so it can prove nothing.",
    fix="Correct --output, or the program, and record the run again.",
    source="StochasticTree/stochtree#414 (a check that cannot fail)",
    date=CHECKED_ON,
)

_OPAQUE_FORMATS = frozenset({"pickle", "joblib", "torch-legacy", "dill", "cloudpickle"})
_OPAQUE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".ckpt"})


def _one_run(evidence: Evidence) -> Judgement:
    if any(reproduced(receipt) for receipt in evidence.receipts):
        return PASSED
    if evidence.receipts:
        verdicts = ", ".join(sorted({receipt.verdict for receipt in evidence.receipts}))
        message = f"no verify of this run came out clean ({verdicts})"
        return Judgement(hits=(hit(ONE_RUN, "receipts", message, severity="high"),))
    message = "no receipt of a second execution was given"
    if evidence.foreign_receipts:
        message += f"; {evidence.foreign_receipts} given belong to another manifest"
    return Judgement(hits=(hit(ONE_RUN, "receipts", message),))


def _opaque(evidence: Evidence) -> Judgement:
    return Judgement(
        hits=tuple(
            hit(
                OPAQUE,
                f"run.outputs[{output.name}]",
                f"format {output.format}: {output.note or 'only its bytes'}",
            )
            for output in evidence.run.outputs
            if output.size and _is_opaque(output)
        )
    )


def _is_opaque(output: Output) -> bool:
    if output.content is not None:
        return False
    suffix = posixpath.splitext(output.name)[1].lower()
    return bool(output.note) or output.format in _OPAQUE_FORMATS or suffix in _OPAQUE_SUFFIXES


def _missing(evidence: Evidence) -> Judgement:
    run = evidence.run
    if not run.output_patterns and not run.outputs:
        return Judgement(hits=(hit(MISSING, "run.output_patterns", "no output is declared"),))
    # One that could not be read is there; that it is unknown is told by the section.
    names = [output.name for output in run.outputs]
    names += [u.where for u in evidence.manifest.unknowns if u.section == "outputs"]
    hits = [
        hit(MISSING, f"run.output_patterns[{pattern}]", "no file of the run matches this declared output")
        for pattern in run.output_patterns
        if not any(_matches(name, pattern) for name in names)
    ]
    hits += [
        hit(MISSING, f"run.outputs[{output.name}]", "the file is empty", severity="medium")
        for output in run.outputs
        if not output.size
    ]
    return Judgement(hits=tuple(hits))


def _matches(name: str, pattern: str) -> bool:
    """Whether a recorded name can be of a pattern: the path itself, something below it, or a glob's match."""
    bare = pattern.rstrip("/")
    return (
        bare in {name, ""}
        or name.startswith(f"{bare}/")
        or any(matches(name, glob) for glob in (bare, f"{bare}/*"))
    )


CHECKS = (
    Check(rule=ONE_RUN, judge=_one_run, needs=("run",)),
    Check(rule=OPAQUE, judge=_opaque, needs=("run",), sections=("outputs",)),
    Check(rule=MISSING, judge=_missing, needs=("run",), sections=("outputs",)),
)
