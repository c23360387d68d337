"""Every output of a re-execution against the recorded ones, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import BinaryIO

from reprocheck.artifacts.compare import compare_output
from reprocheck.limits import Limits
from reprocheck.model.base import Frozen, replace
from reprocheck.model.run import Output, RunRecord, Tolerance
from reprocheck.model.verdict import ComparedOutput, Execution, OutputVerdict
from reprocheck.ports import Outcome, RefusedOutput
from reprocheck.rerun.planning import is_ignored

OpenOutput = Callable[[Output], "AbstractContextManager[BinaryIO] | None"]
"""Opens the bytes of an output; None where they were not kept. The caller proves their hash."""


class Observed(Frozen, frozen=True, kw_only=True):
    """One re-execution, described while its files could still be read."""

    outcome: Outcome
    outputs: tuple[Output, ...] = ()
    refused: tuple[RefusedOutput, ...] = ()
    compared: tuple[ComparedOutput, ...] = ()
    """From `compare_outputs`."""

    def execution(self) -> Execution:
        """The receipt's form of it."""
        return Execution(
            exit_code=self.outcome.exit_code,
            oom_killed=self.outcome.oom_killed,
            timed_out=self.outcome.timed_out,
            disk_exceeded=self.outcome.disk_exceeded,
            duration_ms=self.outcome.duration_ms,
            outputs=self.outputs,
            log_tail=self.outcome.log_tail if self.outcome.exit_code != 0 else "",
        )


def not_kept(output: Output) -> None:
    """Open nothing: the bytes of this side are gone."""
    return


def compare_outputs(
    run: RunRecord,
    outputs: tuple[Output, ...],
    refused: tuple[RefusedOutput, ...] = (),
    *,
    tolerance: Tolerance | None,
    limits: Limits,
    recorded: OpenOutput = not_kept,
    observed: OpenOutput = not_kept,
) -> tuple[ComparedOutput, ...]:
    """Compare all outputs, sorted by name; missing, extra and unreadable ones are results too.

    `tolerance` is the one in force: the reader's if given, else the author's. Observed outputs must have been
    described with the run's `ignore_keys`.
    """
    was = {output.name: output for output in run.outputs}
    now = {output.name: output for output in outputs}
    blocked = {entry.name: entry.reason for entry in refused}
    origin = {output.sha256: output.name for output in reversed(run.outputs)}
    results = []
    for name in sorted(was.keys() | now.keys() | blocked.keys()):
        before, after = was.get(name), now.get(name)
        if is_ignored(run, name):
            results.append(_bare(name, before, after, "ignored", "the manifest names it as volatile"))
        elif name in blocked:
            reason = f"it was not read: {blocked[name]}"
            results.append(_bare(name, before, after, "unknown", reason))
        elif after is None:
            results.append(_bare(name, before, after, "missing", "the run did not write it"))
        elif before is None:
            twin = origin.get(after.sha256)
            reason = (
                f"not recorded; its bytes are those of {twin}"
                if twin
                else "the recorded run did not write it"
            )
            results.append(_bare(name, before, after, "extra", reason))
        else:
            with ExitStack() as files:
                result = compare_output(
                    before,
                    after,
                    tolerance=tolerance,
                    recorded_stream=_open(before, after, recorded(before), files),
                    observed_stream=_open(before, after, observed(after), files),
                    limits=limits,
                    ignore_keys=run.ignore_keys,
                )
            twin = origin.get(after.sha256)
            if result.verdict == "differs" and twin and twin != name:
                result = replace(result, reason=f"its bytes are those recorded for {twin}; {result.reason}")
            results.append(result)
    return tuple(results)


def agree(first: tuple[Output, ...], second: tuple[Output, ...], run: RunRecord) -> bool:
    """Whether two re-executions left the same outputs, volatile ones aside."""

    def content(outputs: tuple[Output, ...]) -> dict[str, str]:
        return {o.name: o.content or o.sha256 for o in outputs if not is_ignored(run, o.name)}

    return content(first) == content(second)


def _bare(
    name: str, before: Output | None, after: Output | None, verdict: OutputVerdict, reason: str
) -> ComparedOutput:
    return ComparedOutput(
        name=name,
        verdict=verdict,
        level="none",
        reason=reason,
        recorded_sha256=before.sha256 if before else "",
        observed_sha256=after.sha256 if after else "",
        recorded_size=before.size if before else None,
        observed_size=after.size if after else None,
    )


def _open(
    before: Output, after: Output, handle: AbstractContextManager[BinaryIO] | None, files: ExitStack
) -> BinaryIO | None:
    return files.enter_context(handle) if handle is not None and before.sha256 != after.sha256 else None
