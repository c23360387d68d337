"""What went in: declared inputs, and what may have come from the network."""

from __future__ import annotations

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit
from reprocheck.checks.receipts import reproduced, was_offline
from reprocheck.model.check import Violation
from reprocheck.model.rule import Rule

INPUTS = Rule(
    code="DAT-707",
    title="Input data not hashed",
    severity="high",
    detect="manifest: no declared input, an input without a digest, or one that the run could write",
    why="When the data changes later, nothing shows it.",
    fix="Hand data in by `reprocheck run --input HOST:PATH`, which hashes it and mounts it read-only.",
    source="huggingface/datasets#3792, allenai/scirepeval#35",
    date=CHECKED_ON,
)
NETWORK = Rule(
    code="DAT-705",
    title="Network was available during the run",
    severity="medium",
    detect="manifest: network not `none`, and no receipt of a successful verify without network",
    why="A model or data set fetched during the run is not recorded and can be moved or taken away.",
    fix="Put what is fetched into the image or an --input, then run with --network none, or verify once.",
    source="google-research/tabfm#88, huggingface/datasets#3792",
    date=CHECKED_ON,
)


def _inputs(evidence: Evidence) -> Judgement:
    if not evidence.run.inputs:
        message = "no input is declared: code and data must all come from the image, which is not checked"
        return Judgement(hits=(hit(INPUTS, "run.inputs", message, severity="low"),))
    hits: list[Violation] = []
    for item in evidence.run.inputs:
        where = f"run.inputs[{item.path}]"
        if item.sha256 is None:
            hits.append(hit(INPUTS, where, "this input has no digest"))
        if item.writable:
            message = "the run could write this input, so its state before the run is not proved"
            hits.append(hit(INPUTS, where, message, severity="medium"))
    return Judgement(hits=tuple(hits))


def _network(evidence: Evidence) -> Judgement:
    run = evidence.run
    if run.engine == "local":
        return Judgement(gaps=("a run without a container has the network of its machine, used or not",))
    if run.network == "none":
        return PASSED
    if any(reproduced(receipt) and was_offline(receipt) for receipt in evidence.receipts):
        return PASSED
    if run.network == "unknown":
        return Judgement(gaps=("which network the run had is not recorded",))
    return Judgement(hits=(hit(NETWORK, "run.network", f"the run had the network {run.network!r}"),))


CHECKS = (
    Check(rule=INPUTS, judge=_inputs, needs=("run",), sections=("inputs",)),
    Check(rule=NETWORK, judge=_network, needs=("run",), sections=("run",)),
)
