"""Re-execution: a manifest and a policy give a plan; what the run left gives a verdict. No I/O here."""

from __future__ import annotations

from reprocheck.rerun.comparison import Observed, compare_outputs
from reprocheck.rerun.judgement import Judgement, judge, judge_files, needs_rerun
from reprocheck.rerun.planning import plan_verification
from reprocheck.rerun.policy import PlanLine, PlannedVerification, Policy, SuppliedInput
from reprocheck.rerun.variables import names_a_place

__all__ = [
    "Judgement",
    "Observed",
    "PlanLine",
    "PlannedVerification",
    "Policy",
    "SuppliedInput",
    "compare_outputs",
    "judge",
    "judge_files",
    "names_a_place",
    "needs_rerun",
    "plan_verification",
]
