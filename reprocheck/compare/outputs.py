"""Whether two recorded runs came to the same result: what every other difference is about."""

from __future__ import annotations

from reprocheck.compare.runs import compare_outputs
from reprocheck.model.change import OutputAgreement
from reprocheck.model.manifest import Manifest


def agreement(a: Manifest, b: Manifest) -> OutputAgreement | None:
    """Count the outputs of both runs that are equal; None where a side is no run, or no output is compared.

    Pure. What both records name as volatile is not compared. It counts what was recorded, whatever a user
    asked not to see.
    """
    if a.run is None or b.run is None:
        return None
    delta = compare_outputs(a, b)
    volatile = {unknown.where for unknown in delta.left_out}
    names = {output.name for run in (a.run, b.run) for output in run.outputs} - volatile
    if not names:
        return None
    differing = {d.name for d in delta.differences if d.attribute != "bytes"}
    rewritten = {d.name for d in delta.differences} - differing
    return OutputAgreement(compared=len(names), differing=len(differing), rewritten=len(rewritten))
