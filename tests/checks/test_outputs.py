"""OUT rules."""

from __future__ import annotations

import pytest

from reprocheck.checks import check
from reprocheck.model.unknown import Unknown
from tests.checks.recorded import clean, found, outcome, receipt
from tests.strategies import make_output, sha


def test_out_806_no_receipt_is_found() -> None:
    """One execution proves nothing about a second."""
    findings = check(clean()).findings
    assert [(f.code, f.severity) for f in findings] == [("OUT-806", "medium")]


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        (receipt("drift"), "high"),
        (receipt("nondeterministic"), "high"),
        (receipt(outputs=()), "high"),
        (receipt(manifest=f"sha256:{sha('9')}"), "medium"),
    ],
)
def test_out_806_an_unclean_empty_or_foreign_receipt_proves_nothing(given: object, severity: str) -> None:
    """Only a comparison of this run's outputs counts."""
    assert found("OUT-806", clean(), given) == ((severity, "receipts"),)  # type: ignore[arg-type]


@pytest.mark.parametrize("verdict", ["identical", "within-noise", "within-tolerance"])
def test_out_806_a_clean_verify_passes(verdict: str) -> None:
    """Even beside one that was not."""
    assert outcome("OUT-806", clean(), receipt("drift"), receipt(verdict)) == "passed"


@pytest.mark.parametrize(
    "output",
    [
        make_output("/out/m.pkl", format="pickle", content=None),
        make_output("/out/m.joblib", format="raw", content=None),
        make_output("/out/m.PT", format="raw", content=None),
        make_output("/out/m.npz", format="npz", content=None, note="its directory is damaged"),
    ],
)
def test_out_815_opaque_and_damaged_files_are_found(output: object) -> None:
    """Only bytes could be compared."""
    manifest = clean(run={"outputs": (output,)})
    assert [severity for severity, _ in found("OUT-815", manifest)] == ["medium"]


def test_out_815_readable_formats_and_plain_text_pass() -> None:
    """A log has no content digest and needs none."""
    outputs = (
        make_output("/out/m.pt", format="torch"),
        make_output("/out/log.txt", format="raw", content=None),
    )
    assert outcome("OUT-815", clean(run={"outputs": outputs})) == "passed"


def test_out_816_a_pattern_without_a_file_is_found() -> None:
    """A name that only starts alike is no match."""
    run = {
        "output_patterns": ("/out/model.pt", "/metrics/*.json"),
        "outputs": (make_output("/out/model.pt.bak"), make_output("/metrics/a/b.json")),
    }
    assert found("OUT-816", clean(run=run)) == (("high", "run.output_patterns[/out/model.pt]"),)


def test_out_816_an_empty_file_and_no_declaration_are_found() -> None:
    """Nothing to compare."""
    empty = clean(run={"outputs": (make_output(size=0),)})
    assert found("OUT-816", empty) == (("medium", "run.outputs[/out/model.safetensors]"),)
    none = clean(run={"outputs": (), "output_patterns": ()})
    assert found("OUT-816", none) == (("high", "run.output_patterns"),)


def test_out_815_leaves_an_empty_file_to_out_816() -> None:
    """One cause, one finding."""
    manifest = clean(run={"outputs": (make_output("/out/m.pkl", size=0, format="pickle", content=None),)})
    assert outcome("OUT-815", manifest) == "passed"


def test_out_816_an_unreadable_output_is_there() -> None:
    """It is not missing; that it was not read is said."""
    refused = Unknown(section="outputs", where="/out/pipe", reason="it is a FIFO")
    manifest = clean(run={"outputs": ()}, unknowns=(refused,))
    assert outcome("OUT-816", manifest) == "not checked"


@pytest.mark.parametrize("pattern", ["/out", "/out/", "/out/*", "/out/model.*", "/out/model.safetensors"])
def test_out_816_every_way_to_declare_an_output_passes(pattern: str) -> None:
    """A file, a directory, a glob."""
    assert outcome("OUT-816", clean(run={"output_patterns": (pattern,)})) == "passed"
