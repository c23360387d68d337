"""From what was observed to one verdict. Pure: the same facts give the same verdict, whoever renders it."""

from __future__ import annotations

from reprocheck.model.base import Frozen, replace
from reprocheck.model.host import Host
from reprocheck.model.manifest import Manifest
from reprocheck.model.run import RunRecord, Tolerance
from reprocheck.model.verdict import ComparedOutput, Level, Verdict, exit_code
from reprocheck.ports import Outcome
from reprocheck.rerun.comparison import Observed, agree
from reprocheck.rerun.hardware import class_differences
from reprocheck.rerun.planning import check_outputs, recorded_run

KILLED = 137
"""128 + SIGKILL: something outside the program ended it, such as a restarted daemon."""

_ORDER: tuple[Level, ...] = ("L0", "L1", "L2", "L3", "L4", "none")
_SECTIONS = ("run", "inputs", "outputs", "changes")


class Judgement(Frozen, frozen=True, kw_only=True):
    """The verdict of a verification, complete."""

    verdict: Verdict
    level: Level
    """The weakest level that any compared output reached."""
    reason: str
    outputs: tuple[ComparedOutput, ...]
    program_failed: bool = False
    """For `did-not-run`: the program ended otherwise than recorded, not our machinery."""
    needs_second: bool = False
    ignored_outputs: int = 0
    ignored_keys: int = 0

    @property
    def exit_code(self) -> int:
        """The process's exit code for this verdict."""
        return exit_code(self.verdict, program_failed=self.program_failed)


def needs_rerun(judgement: Judgement) -> bool:
    """Whether a second run is needed to tell drift from nondeterminism."""
    return judgement.needs_second


def judge(
    manifest: Manifest,
    first: Observed,
    second: Observed | None = None,
    *,
    host: Host | None,
    tolerance: Tolerance | None = None,
) -> Judgement:
    """Judge one re-execution, and after a mismatch a second one.

    `host` is the present machine, `tolerance` the one that `first.compared` was made with. Raises UsageFault
    (E_NO_RUN) and Refused (E_NOTHING_RECORDED).
    """
    run = recorded_run(manifest)
    check_outputs(run)

    def give(
        verdict: Verdict, reason: str, *, level: Level = "none", failed: bool = False, again: bool = False
    ) -> Judgement:
        found = _judged(first.compared, verdict, reason, level=level)
        return replace(found, program_failed=failed, needs_second=again)

    ours, theirs = _ending(run, first.outcome)
    if ours:
        return give("did-not-run", ours)
    if theirs:
        return give("did-not-run", theirs, failed=True)
    known = {output.name for output in first.compared}
    if not all(output.name in known for output in run.outputs):
        return give("not-comparable", "not every recorded output was compared")
    wrong = _wrong(first.compared)
    unproved = _unproved(manifest, run)
    if unproved:
        found = f"{len(wrong)} outputs differ" if wrong else "the outputs agree"
        return give("not-comparable", f"{found}, but {unproved}")
    if wrong:
        what = _disagreement(wrong)
        machine = class_differences(
            manifest.host, host, with_gpus=bool(run.resources.gpus) or run.engine == "local"
        )
        # another machine explains other numbers, never a file that is missing or new
        if machine and tolerance is None and all(output.verdict == "differs" for output in wrong):
            return give("not-comparable", f"another hardware class ({machine[0]}) and no tolerance; {what}")
        if second is None:
            return give("drift", f"{what}; not run a second time", again=True)
        verdict, told = _repeated(run, first, second)
        return give(verdict, f"{told}; {what}")
    verdict, reason, level = _agreement(first.compared, tolerance, run)
    return give(verdict, reason, level=level)


def judge_files(
    manifest: Manifest, compared: tuple[ComparedOutput, ...], *, tolerance: Tolerance | None = None
) -> Judgement:
    """Judge outputs that lie there already. Nothing was executed, so chance is not told from drift.

    Raises UsageFault (E_NO_RUN) and Refused (E_NOTHING_RECORDED).
    """
    run = recorded_run(manifest)
    check_outputs(run)
    wrong = _wrong(compared)
    if wrong:
        reason = f"{_disagreement(wrong)}; nothing was executed, so chance is not told from drift"
        return _judged(compared, "drift", reason)
    verdict, reason, level = _agreement(compared, tolerance, run)
    return _judged(compared, verdict, f"{reason}; nothing was executed", level=level)


def _judged(
    compared: tuple[ComparedOutput, ...], verdict: Verdict, reason: str, *, level: Level = "none"
) -> Judgement:
    return Judgement(
        verdict=verdict,
        level=level,
        reason=reason,
        outputs=compared,
        ignored_outputs=sum(output.verdict == "ignored" for output in compared),
        ignored_keys=sum(len(output.ignored_keys) for output in compared),
    )


def _wrong(compared: tuple[ComparedOutput, ...]) -> list[ComparedOutput]:
    return [output for output in compared if output.verdict in ("differs", "missing", "extra")]


def _disagreement(wrong: list[ComparedOutput]) -> str:
    return f"{len(wrong)} outputs disagree, first {wrong[0].name}: {wrong[0].reason or wrong[0].verdict}"


def _agreement(
    outputs: tuple[ComparedOutput, ...], tolerance: Tolerance | None, run: RunRecord
) -> tuple[Verdict, str, Level]:
    """Say how far outputs agree of which none is known to differ."""
    compared = [output for output in outputs if output.verdict != "ignored"]
    unseen = [output for output in compared if output.verdict == "unknown"]
    if unseen:
        shown = f"{unseen[0].name}: {unseen[0].reason}"
        return "not-comparable", f"{len(unseen)} outputs could not be compared, first {shown}", "none"
    level = max((output.level for output in compared), key=_ORDER.index)
    count = f"{len(compared)} of {len(compared)} outputs"
    if any(output.verdict == "within-tolerance" for output in compared):
        return "within-tolerance", f"{count} agree within {_whose(tolerance, run.tolerance)}", level
    how = {"L0": "byte for byte", "L1": "in every value", "L2": "in every tensor and value"}
    return "identical", f"{count} agree {how.get(level, '')}".rstrip(), level


def _whose(tolerance: Tolerance | None, author: Tolerance | None) -> str:
    """Say whose tolerance was in force: a wide one of the author proves less than it sounds."""
    if tolerance is None:
        return "the declared tolerance"
    numbers = f"({tolerance})"
    if tolerance == author:
        return f"the author's tolerance {numbers}, sealed in the record"
    return f"the reader's tolerance {numbers}, which is not the author's"


def _repeated(run: RunRecord, first: Observed, second: Observed) -> tuple[Verdict, str]:
    """Tell nondeterminism and drift apart by a second run."""
    ours, _ = _ending(run, second.outcome)
    if ours:
        return "did-not-run", f"the second run, which tells drift from chance, failed: {ours}"
    if second.outcome.exit_code != first.outcome.exit_code:
        codes = f"{first.outcome.exit_code} and {second.outcome.exit_code}"
        return "nondeterministic", f"two runs here ended with {codes}"
    refusals = {entry.name for entry in first.refused} == {entry.name for entry in second.refused}
    if refusals and agree(first.outputs, second.outputs, run):
        return "drift", "two runs here agree with each other and not with the record"
    return "nondeterministic", "two runs here differ from each other"


def _ending(run: RunRecord, outcome: Outcome) -> tuple[str, str]:
    """Say why we could not run it, or why the program failed; ('', '') when it ended as recorded."""
    if outcome.oom_killed or outcome.timed_out:
        same = (outcome.oom_killed, outcome.timed_out) == (run.oom_killed, run.timed_out)
        if not same:
            if outcome.oom_killed:
                return "the run was killed for memory, and the recorded one was not; --memory gives more", ""
            return (
                "the run was stopped at its time limit, and the recorded one was not; --timeout moves it",
                "",
            )
        if not outcome.disk_exceeded:
            return "", ""
    if outcome.disk_exceeded:
        return "the run was stopped at its disk limit; --limit-scale raises it", ""
    if run.oom_killed or run.timed_out:
        cause = "killed for memory" if run.oom_killed else "stopped at its time limit"
        return "", f"the recorded run was {cause}, and this one ended with {outcome.exit_code}"
    if outcome.exit_code is None:
        return "the run ended without an exit code", ""
    if run.exit_code is None and outcome.exit_code == 0:
        return "", ""
    if outcome.exit_code != run.exit_code:
        recorded = "no end" if run.exit_code is None else f"exit code {run.exit_code}"
        if outcome.exit_code == KILLED:
            return f"the run was killed from outside (137) where the recorded one had {recorded}", ""
        return "", f"the program ended with {outcome.exit_code} where the recorded one had {recorded}"
    return "", ""


def _unproved(manifest: Manifest, run: RunRecord) -> str:
    """Say why no agreement could prove anything; '' when the record is complete."""
    changes = [change for change in run.changes if not change.volatile]
    if changes and not run.fresh:  # what the command itself writes, it writes again
        return (
            f"the recorded container was changed after start: {len(changes)} paths, "
            f"first {changes[0].path} ({changes[0].kind})"
        )
    unread = [mount.target for mount in run.mounts if mount.role == "unread"]
    if unread:
        return f"the recorded container had mounts that were not read: {', '.join(unread)}"
    writable = [entry.path for entry in run.inputs if entry.writable]
    if writable:
        return (
            f"the recorded run could write its inputs, so what it read is not proved: {', '.join(writable)}"
        )
    unhashed = [entry.path for entry in run.inputs if entry.sha256 is None]
    if unhashed:
        return f"inputs of the recorded run could not be read: {', '.join(unhashed)}"
    if run.exit_code is None and not (run.oom_killed or run.timed_out):
        return "the recorded container was still running when it was observed"
    missed = [unknown for unknown in manifest.unknowns if unknown.section in _SECTIONS]
    if missed:
        return f"the record is incomplete: {missed[0].section}, {missed[0].where}: {missed[0].reason}"
    return ""
