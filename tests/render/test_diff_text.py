"""The first screen of a diff: verdict, at most seven suspects, the rest counted in the order of the house."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.compare import compare
from reprocheck.explain import rank
from reprocheck.model.change import GROUPS, DiffReport, Finding, Gap, OutputAgreement, Suppression
from reprocheck.model.manifest import Manifest
from reprocheck.model.unknown import Unknown
from reprocheck.render import diff_terse, diff_text
from reprocheck.render.style import Style
from reprocheck.render.wording import columns
from tests.strategies import manifests


def finding(number: int, **overrides: Any) -> Finding:
    fields: dict[str, Any] = {
        "code": "PKG-330",
        "section": "packages",
        "name": f"p{number}",
        "before": "1",
        "after": "2",
        "severity": "high",
        "effect": "result",
        "title": "t",
        "why": "it rounds otherwise",
        "fix": f"pip install p{number}==1",
        "type": "pypi",
        "group": "numeric",
    }
    return Finding(**fields | overrides)


def report(*findings: Finding, **overrides: Any) -> DiffReport:
    fields: dict[str, Any] = {
        "schema_version": "1.1",
        "verdict": "differs" if findings else "identical",
        "findings": findings,
        "explained": True,
        "unknowns": (),
        "left_out": (),
    }
    return DiffReport(**fields | overrides)


def test_a_finding_says_what_from_to_code_why_and_one_command() -> None:
    text = diff_text.render(report(finding(1, folded=("a", "b", "c", "d"), used="loaded")))
    assert text == (
        "differs: 1 difference, 4 folded behind them (1 can change results)\n"
        "\n"
        " 1. high   PKG-330  p1 [pypi, loaded] 1 → 2 (+4 that moved with it: a, b, c, …)\n"
        "      it rounds otherwise\n"
        "      fix: pip install p1==1\n"
    )


def test_all_names_everything_that_was_folded() -> None:
    text = diff_text.render(report(finding(1, folded=("a", "b", "c", "d"))), everything=True)
    assert "with it: a, b, c, d" in text


def test_the_rest_is_counted_by_group_in_the_order_of_suspects() -> None:
    rest = [
        finding(n, group=group, effect="break" if group == "system" else "result")
        for n, group in enumerate(reversed(GROUPS[:-1]))
    ]
    text = diff_text.render(report(*(finding(100 + n) for n in range(7)), *rest))
    lines = [line for line in text.splitlines() if re.match(r"  \S.*: 1 difference", line)]
    assert [line.strip().partition(":")[0] for line in lines] == [
        "data and models",
        "code",
        "command and run",
        "settings and variables",
        "numeric libraries",
        "CPU and GPU",
        "other Python packages",
        "other variables",
        "OS packages",
        "driver",
        "files",
    ]
    assert "OS packages: 1 difference (1 can break the run)" in text


def test_what_was_never_loaded_is_one_count_and_takes_no_place_on_the_first_screen() -> None:
    idle = [finding(n, used="idle") for n in range(41)]
    text = diff_text.render(report(finding(99), *idle))
    assert "and 41 more (--all shows them):\n  installed but never loaded: 41 differences\n" in text
    assert "p0 " not in text
    assert "p40 " in diff_text.render(report(finding(99), *idle), everything=True)


def test_look_alikes_are_warned_of_first_with_their_code_points() -> None:
    odd = finding(1, name="nump\u0443", alike=("numpy",))
    text = diff_text.render(report(*(finding(n) for n in range(10)), odd))
    assert text.splitlines()[1:3] == ["look-alike names: 1", "  nump\\u{443} looks like numpy"]


def test_each_pair_of_look_alikes_is_told_once() -> None:
    odd, plain = "nump\u0443", "numpy"
    both = (
        finding(1, name=plain, after=None, alike=(odd,)),
        finding(2, name=odd, before=None, alike=(plain,)),
    )
    for everything in (False, True):
        text = diff_text.render(report(*both), everything=everything)
        assert text.splitlines()[1:3] == ["look-alike names: 1", "  nump\\u{443} looks like numpy"]
        assert text.count("looks like") == 1
        assert "PKG-330  nump\\u{443} [pypi] (absent)" in text
    assert "1 look-alike name," in diff_terse.render(report(*both))


def test_look_alikes_beyond_the_third_pair_are_counted_and_told_by_all() -> None:
    many = [finding(n, name=f"p\u0443{n}", alike=(f"py{n}",)) for n in range(5)]
    assert "  … and 2 more (--all shows them)\n" in diff_text.render(report(*many))
    assert diff_text.render(report(*many), everything=True).count("looks like") == 5


def test_what_was_folded_is_told_apart_from_its_head() -> None:
    names = ("torch (cuda)", "torch (version)", "libtorch.so", "libtorch.so", "torch (x) y")
    torch = finding(1, name="torch", attribute="version", folded=names)
    text = diff_text.render(report(torch), everything=True, width=200)
    assert "(+5 that moved with it: its cuda, its version elsewhere, libtorch.so (2), …)\n" in text
    assert "with it: its cuda, its version elsewhere, libtorch.so (2), torch (x) y\n" in text


def test_equal_outputs_of_two_runs_are_the_first_thing_said() -> None:
    equal = OutputAgreement(compared=3, differing=0)
    text = diff_text.render(report(finding(1), outputs=equal))
    assert text.splitlines()[1] == "the outputs of both runs are equal (3 compared)"
    assert diff_text.render(report(outputs=equal)) == (
        "identical: nothing differs\nthe outputs of both runs are equal (3 compared)\n"
    )
    assert "the outputs of both runs are equal (3 compared)" in diff_terse.render(report(outputs=equal))


def test_outputs_that_differ_are_told_of_how_many() -> None:
    symptom = finding(2, effect="symptom", section="outputs", name="/out/m", type="")
    some = report(finding(1), symptom, outputs=OutputAgreement(compared=3, differing=1))
    assert "1 of 3 outputs differs (the effect, not a cause):\n  /out/m" in diff_text.render(some)
    assert "are equal" not in diff_text.render(some)
    assert "1 of 3 outputs differs" in diff_terse.render(some)


def test_outputs_of_equal_content_in_other_bytes_are_not_said_to_differ() -> None:
    symptom = finding(2, effect="symptom", section="outputs", name="/out/m", type="")
    same = report(symptom, outputs=OutputAgreement(compared=3, differing=0, rewritten=1))
    text = diff_text.render(same)
    assert "are equal in content (3 compared, 1 in other bytes)\n" in text
    assert "equal content in other bytes:\n  /out/m" in text
    assert "output differs" not in text


def test_nothing_that_explains_is_said_plainly_with_what_was_not_captured() -> None:
    gap = Gap(what="GPU", side="second", remedy="run --gpus all")
    text = diff_text.render(report(finding(1, effect="break"), explained=False, gaps=(gap,)))
    said = text.index("Nothing that was found explains a difference in results.")
    assert said < text.index("  GPU (second side): run --gpus all")
    assert "GPU" not in diff_text.render(report(finding(1), gaps=(gap,)))
    assert "GPU" in diff_text.render(report(finding(1), gaps=(gap,)), everything=True)


def test_what_was_suppressed_is_counted_even_where_nothing_else_differs() -> None:
    suppressed = (
        Suppression(pattern="environment:SLURM_*", origin="option", count=2),
        Suppression(pattern="packages:nump", origin="configuration", count=0),
        Suppression(pattern="environment:PWD", origin="default", count=1),
    )
    text = diff_text.render(report(suppressed=suppressed))
    assert text == (
        "identical: nothing else differs\n"
        "suppressed: 2 by environment:SLURM_*, 1 by the list of noise (--all shows them)\n"
        "ignored nothing: packages:nump\n"
    )


def test_noise_is_listed_on_request_and_told_apart() -> None:
    odd = finding(1, name="HOSTNAME", effect="none", noise="a container's name is its identifier")
    text = diff_text.render(report(odd, verdict="identical"), everything=True)
    assert "noise: 1 (decides no verdict)\n  HOSTNAME 1 → 2: a container's name is its identifier\n" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_keep_to_the_width_but_for_commands_and_single_words(width: int) -> None:
    why = "numeric libraries choose other kernels, which round differently " * 3
    names = tuple(f"nvidia-package-{n}" for n in range(30))
    text = diff_text.render(
        report(
            finding(1, why=why, folded=names, name="torch"),
            explained=False,
            gaps=(Gap(what="GPU", side="both"),),
        ),
        everything=True,
        width=width,
    )
    long = [line for line in text.splitlines() if columns(line) > width]
    assert all(line.lstrip().startswith("fix:") for line in long)
    assert text.count("fix: pip install p1==1") == 1


def test_wide_characters_count_two_columns_and_marks_none() -> None:
    assert (columns("ab"), columns("\u6f22\u5b57"), columns("e\u0301")) == (2, 4, 1)


def test_color_changes_no_word() -> None:
    sample = report(*(finding(n, severity="info", folded=("x",)) for n in range(9)))
    painted = diff_text.render(sample, style=Style(color=True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == diff_text.render(sample)
    assert painted != diff_text.render(sample)


def test_the_terse_form_is_two_lines_that_name_the_first_suspects() -> None:
    found = [finding(0, name="torch", folded=("a", "b")), *(finding(n) for n in range(1, 20))]
    missed = Unknown(section="host", where="x", reason="y")
    text = diff_terse.render(report(*found, finding(30, used="idle"), unknowns=(missed,)))
    assert text == (
        "differs: PKG-330 torch 1 → 2 (+2); PKG-330 p1 1 → 2; PKG-330 p2 1 → 2; and 17 more\n"
        "20 can change results, 1 never loaded, 0 suppressed, 1 not compared\n"
    )
    assert diff_terse.render(report()) == "identical: nothing differs\n0 suppressed, 0 not compared\n"


@settings(deadline=None, max_examples=50)
@given(manifests(), manifests(), st.integers(1, 200), st.booleans())
def test_any_report_is_told_in_safe_text_that_begins_with_its_verdict(
    a: Manifest, b: Manifest, width: int, everything: bool
) -> None:
    found = rank(compare(a, b), a, b)
    text = diff_text.render(found, everything=everything, width=width)
    assert text.startswith(f"{found.verdict}: ")
    assert text.count("\n\n\n") == 0
    terse = diff_terse.render(found)
    assert terse.startswith(f"{found.verdict}: ")
    assert terse.count("\n") == 2
    assert not set(text + terse) & set("\x1b\u202e\x9b\r")
