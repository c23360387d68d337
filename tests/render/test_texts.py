"""What people read: the answer first, hostile text made harmless."""

from __future__ import annotations

from typing import Any

import pytest

from reprocheck.model.change import DiffReport, Finding
from reprocheck.model.conflict import Cause, Conflict, GraphReport
from reprocheck.model.doctor import DoctorReport
from reprocheck.model.run import Resources
from reprocheck.model.unknown import Unknown
from reprocheck.model.verdict import ComparedOutput, Execution, Receipt
from reprocheck.render import diff_text, doctor_text, graph_text, manifest_text, receipt_text
from reprocheck.render.style import Style, wants_color
from reprocheck.render.wording import arrow, size
from tests.strategies import make_manifest, make_pypi, make_run, make_variable

EVIL = "a\x1b[2J\u202eb\nc\x9b"


def clean(text: str) -> bool:
    return not set(text) & set("\x1b\u202e\x9b")


def finding(number: int, **overrides: Any) -> Finding:
    fields: dict[str, Any] = {
        "code": "PKG-331",
        "section": "packages",
        "name": f"p{number}",
        "before": "1",
        "after": "2",
        "severity": "low",
        "effect": "result",
        "title": "t",
        "why": "it can",
        "fix": f"pip install p{number}==1",
    }
    return Finding(**fields | overrides)


def report(*findings: Finding, **overrides: Any) -> DiffReport:
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "verdict": "differs" if findings else "identical",
        "findings": findings,
        "explained": True,
        "unknowns": (),
        "left_out": (),
    }
    return DiffReport(**fields | overrides)


def test_the_first_screen_has_seven_findings_and_counts_the_rest() -> None:
    text = diff_text.render(report(*(finding(n) for n in range(20))))

    assert "p6 " in text
    assert "p7 " not in text
    assert "13 more (--all shows them)" in text
    assert "packages: 13 differences" in text


def test_all_unfolds_them() -> None:
    text = diff_text.render(report(*(finding(n) for n in range(20))), everything=True)

    assert "p19 " in text
    assert "more" not in text


def test_outputs_are_told_as_the_effect() -> None:
    text = diff_text.render(
        report(finding(1), finding(2, effect="symptom", section="outputs", name="/out/m"))
    )

    assert text.index("p1") < text.index("1 output differs (the effect, not a cause)") < text.index("/out/m")


def test_nothing_that_explains_is_said_plainly_with_what_was_not_compared() -> None:
    missed = Unknown(section="host", where="gpu", reason="not read")
    text = diff_text.render(report(finding(1, effect="bytes"), explained=False, unknowns=(missed,)))

    assert "Nothing that was found explains a difference in results." in text
    assert "not compared: 1" in text
    assert "host: gpu: not read" in text


def test_inconclusive_says_in_one_line_what_was_not_seen() -> None:
    missed = Unknown(section="packages", where="/var/lib/rpm", reason="not read")
    withheld = Unknown(section="environment", where="TOKEN", reason="withheld on both sides")
    text = diff_text.render(report(verdict="inconclusive", unknowns=(missed,), left_out=(withheld,)))

    first, *rest = text.splitlines()
    assert first == "inconclusive: nothing that was seen differs, but not everything was seen (packages)"
    assert rest[0] == "not compared: 2"
    assert "identical" not in text


def test_identical_is_one_line() -> None:
    assert diff_text.render(report()) == "identical: nothing differs\n"


def test_digests_are_shortened_and_versions_are_not() -> None:
    assert arrow("sha256:" + "a" * 64, "b" * 64) == "sha256:" + "a" * 12 + "… → " + "b" * 12 + "…"
    assert arrow("2.10", None) == "2.10 → (absent)"


def test_a_conflict_tells_its_chain_and_fix() -> None:
    conflict = Conflict(
        code="DEP-401",
        kind="unsatisfied",
        severity="high",
        package="A 1.0",
        requirement="B>=2",
        found="1.4",
        causes=(Cause(requirement="B>=2", parent="A 1.0", chain=("root 1.0", "A 1.0")),),
        broken=True,
        fix="pip install 'B>=2'",
    )
    text = graph_text.render(
        GraphReport(
            schema_version="1.0",
            conflicts=(conflict,),
            packages=3,
            requirements=2,
            nodes=(),
            edges=(),
            unknowns=(),
        )
    )

    assert "1 conflict (1 broken) in 3 packages, 2 requirements" in text
    assert "A 1.0 requires B>=2, found 1.4\n" in text
    assert "asked for by root 1.0 → A 1.0\n" in text
    assert "fix: pip install 'B>=2'" in text


def test_hostile_text_is_harmless_everywhere() -> None:
    manifest = make_manifest(
        packages=(make_pypi(EVIL, EVIL),),
        environment=(make_variable(EVIL, EVIL),),
        run=make_run(argv=(EVIL,), working_dir=EVIL),
        unknowns=(Unknown(section="packages", where=EVIL, reason=EVIL),),
    )
    receipt = Receipt(
        schema_version="1.0",
        verdict="drift",
        level="none",
        reason=EVIL,
        outputs=(ComparedOutput(name=EVIL, verdict="differs", level="none", reason=EVIL),),
        manifest="sha256:" + "0" * 64,
        image=EVIL,
        engine="docker",
        relaxations=(),
        resources=Resources(),
        ignored_outputs=0,
        ignored_keys=0,
        executions=(Execution(exit_code=1, log_tail=EVIL),),
        host=None,
        unknowns=(),
        tools=(),
    )

    for text in (
        manifest_text.render(manifest, everything=True),
        receipt_text.render(receipt),
        diff_text.render(report(finding(1, name=EVIL, before=EVIL, after=EVIL, why=EVIL, fix=EVIL))),
    ):
        assert clean(text)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_739_999_999, "1.7 GB"), (2**63, "9223.4 PB")],
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "color"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_color_follows_the_flag_then_the_environment(
    choice: str, environ: dict[str, str], terminal: bool, color: bool
) -> None:
    assert wants_color(choice, environ, is_terminal=terminal) is color


def test_color_only_wraps_words() -> None:
    assert Style(color=True).paint("x", "bold", "red") == "\x1b[1;31mx\x1b[0m"
    assert Style(color=False).paint("x", "bold") == "x"


def test_what_the_doctor_could_not_ask_is_told() -> None:
    missed = Unknown(section="checks", where="runc", reason="no engine answered")
    silent = DoctorReport(schema_version="1.0", checks=(), unknowns=(missed,))
    assert doctor_text.render(silent) == "not asked: 1\n  checks: runc: no engine answered\n"
