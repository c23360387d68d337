"""The text of a lock check."""

from __future__ import annotations

from reprocheck.model.lock import LockDifference, LockReport
from reprocheck.model.unknown import Unknown
from reprocheck.render.lock_text import render


def make_report(*differences: LockDifference, **overrides: object) -> LockReport:
    fields = {
        "schema_version": "1.0",
        "verdict": "differs" if differences else "identical",
        "format": "uv.lock",
        "file": "uv.lock",
        "checked": 2,
        "differences": differences,
        "not_checked": (),
        "unknowns": (),
    }
    return LockReport(**fields | overrides)  # type: ignore[arg-type]


def moved(name: str = "numpy") -> LockDifference:
    return LockDifference(
        kind="version", type="pypi", name=name, locked="1.0", found="2.0", fix=f"pip install {name}==1.0"
    )


def test_identical_tells_what_was_checked_and_what_was_not() -> None:
    unhashed = Unknown(section="packages", where="2 packages", reason="no hash is recorded")
    text = render(make_report(not_checked=(unhashed,)))
    assert text.startswith("identical: the environment is what uv.lock (uv.lock) locks, 2 packages checked\n")
    assert "not checked: 1\n  packages: 2 packages: no hash is recorded\n" in text


def test_inconclusive_tells_why() -> None:
    open_end = Unknown(section="packages", where="uv.lock a", reason="its marker cannot be evaluated")
    text = render(make_report(verdict="inconclusive", unknowns=(open_end,)))
    assert text.startswith("inconclusive: ")
    assert "could not be told: 1\n  packages: uv.lock a: its marker cannot be evaluated\n" in text


def test_differences_stand_under_their_kind_with_a_command() -> None:
    gone = LockDifference(kind="missing", type="pypi", name="gone", locked="1.0", found="")
    extra = LockDifference(kind="extra", type="conda", name="new", locked="", found="3")
    assert render(make_report(gone, moved(), extra)) == (
        "differs from uv.lock (uv.lock): 3 packages are not as locked [DEP-413], 2 checked\n"
        "\n"
        "locked and not installed:\n"
        "  gone [pypi]  locked 1.0\n"
        "another version than locked:\n"
        "  numpy [pypi]  locked 1.0, found 2.0\n"
        "      fix: pip install numpy==1.0\n"
        "installed and not locked:\n"
        "  new [conda]  3\n"
    )


def test_a_long_list_is_cut_with_a_count_unless_everything_is_asked_for() -> None:
    report = make_report(*(moved(f"p{number}") for number in range(30)))
    assert "and 10 more (--all shows them)" in render(report)
    assert render(report, everything=True).count("fix:") == 30


def test_hostile_names_are_made_safe() -> None:
    assert "\x1b" not in render(make_report(moved("a\x1b[31m"), file="\x1b]0;x"))
