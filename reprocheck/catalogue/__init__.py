"""What error codes and verdicts mean, for `reprocheck explain` and the documentation.

The rows of the errors are data (`data/errors.json`); a test walks the package and fails when a code is
missing there, stands there without being used, or ends in another exit code than its class.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files

from reprocheck import strictjson
from reprocheck.model.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorEntry:
    """One error code."""

    code: str
    """`E_...`, as the error line prints it."""
    exit: int
    """Exit code of the process."""
    meaning: str
    next_step: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictEntry:
    """One verdict of `verify`."""

    code: Verdict
    exit: int
    """Exit code of the process. For `did-not-run` it is 1 instead when the program itself failed."""
    meaning: str
    next_step: str


def _read_errors() -> tuple[ErrorEntry, ...]:
    raw = files("reprocheck.catalogue").joinpath("data/errors.json").read_bytes()
    rows = strictjson.loads(raw, where="reprocheck/catalogue/data/errors.json")
    assert isinstance(rows, list)
    entries = []
    for row in rows:
        assert isinstance(row, dict)
        assert set(row) == {field.name for field in fields(ErrorEntry)}
        entries.append(ErrorEntry(**row))
    return tuple(sorted(entries, key=lambda entry: entry.code))


ERRORS: tuple[ErrorEntry, ...] = _read_errors()
"""Every error code, sorted."""

VERDICTS: tuple[VerdictEntry, ...] = (
    VerdictEntry(
        code="identical",
        exit=0,
        meaning="Every output agrees: in its bytes (L0), its content (L1), or each tensor bit by bit (L2).",
        next_step="Nothing is left to do; keep the receipt beside the manifest.",
    ),
    VerdictEntry(
        code="within-noise",
        exit=0,
        meaning="The outputs differ by no more than repeated runs of the original differed among themselves.",
        next_step="Publish the noise profile with the manifest, so that others can judge the same way.",
    ),
    VerdictEntry(
        code="within-tolerance",
        exit=0,
        meaning="Numbers differ, all of them within the tolerance that the author declared beforehand (L3).",
        next_step="Read the largest difference in the receipt, and judge whether the tolerance is sensible.",
    ),
    VerdictEntry(
        code="drift",
        exit=1,
        meaning="The outputs differ from the recorded ones, and a second re-execution agrees with the first.",
        next_step="Run `reprocheck diff` on the recorded manifest and one made here; what it lists first is "
        "the first suspect.",
    ),
    VerdictEntry(
        code="nondeterministic",
        exit=4,
        meaning="Two re-executions here differ from each other, so one from the record proves nothing.",
        next_step="Make the run repeatable first (`reprocheck check` names seeds and threads that are free), "
        "or declare a tolerance.",
    ),
    VerdictEntry(
        code="did-not-run",
        exit=3,
        meaning="The run could not be carried out here (exit 3), or its program failed where the recorded "
        "one succeeded (exit 1).",
        next_step="Read the end of the log in the receipt; `reprocheck doctor` shows what is lacking here.",
    ),
    VerdictEntry(
        code="not-comparable",
        exit=4,
        meaning="The outputs differ, but nothing says that they should agree: another hardware class "
        "without a declared tolerance, or outputs that could not be read.",
        next_step="Verify on the recorded kind of hardware, or declare a tolerance and record again.",
    ),
)
"""The seven verdicts, best first."""
