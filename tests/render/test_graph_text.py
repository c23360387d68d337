"""Conflicts in sentences: who wants what, what is there instead, and nothing twice."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from reprocheck.graph import analyse
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import Cause, Conflict, ConflictKind, GraphReport, Unexamined
from reprocheck.model.unknown import Unknown
from reprocheck.render import graph_text
from reprocheck.render.style import Style
from reprocheck.render.wording import columns
from tests.strategies import make_manifest, make_pypi


def conflict(**overrides: Any) -> Conflict:
    fields: dict[str, Any] = {
        "code": "DEP-401",
        "kind": "unsatisfied",
        "severity": "high",
        "package": "A",
        "requirement": "B>=2",
        "found": "1.4",
        "causes": (),
        "broken": True,
        "fix": "",
    }
    return Conflict(**fields | overrides)


def report(*conflicts: Conflict, **overrides: Any) -> GraphReport:
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "conflicts": conflicts,
        "packages": 3,
        "requirements": 2,
        "nodes": (),
        "edges": (),
        "unknowns": (),
    }
    return GraphReport(**fields | overrides)


def body(*conflicts: Conflict, width: int = 200) -> list[str]:
    lines = graph_text.render(report(*conflicts), width=width).splitlines()[2:]
    return [line.removeprefix("high   DEP-401  ").strip() for line in lines]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({}, "A requires B>=2, found 1.4"),
        ({"kind": "missing", "found": ""}, "A requires B>=2, which is not installed"),
        ({"extra": "gpu"}, "A requires B>=2 (extra gpu), found 1.4"),
        (
            {"requirement": "Breaks: libfoo (<< 2)", "found": "libfoo 1.9"},
            "A declares Breaks: libfoo (<< 2), and libfoo 1.9 is installed",
        ),
        (
            {"kind": "cycle", "requirement": "A → B → A", "found": "2 packages require each other"},
            "2 packages require each other: A → B → A",
        ),
        (
            {"kind": "shadowed", "requirement": "A 1.0 in /a", "found": "2.0 in /b"},
            "A 1.0 in /a is hidden by 2.0 in /b",
        ),
        (
            {"kind": "duplicate", "requirement": "one A in /a", "found": "1.0 (x), 2.0 (y)"},
            "A: there should be one A in /a, found 1.0 (x), 2.0 (y)",
        ),
        (
            {"kind": "two-copies", "requirement": "libx.so of /a/libx.so", "found": "/b/libx.so 2"},
            "A: libx.so of /a/libx.so is passed over: the loader takes /b/libx.so 2",
        ),
        (
            {"kind": "two-copies", "requirement": "all of cuDNN from one place", "found": "/a, /b"},
            "A: all of cuDNN from one place is wanted, found /a, /b",
        ),
        (
            {"kind": "two-runtimes", "requirement": "one OpenMP runtime", "found": "loaded: /a, /b"},
            "A: there should be one OpenMP runtime, found loaded: /a, /b",
        ),
        (
            {"kind": "needed-library", "requirement": "libx.so", "found": "/odd/libx.so"},
            "A needs libx.so, which lies where the loader does not look: /odd/libx.so",
        ),
        (
            {
                "kind": "symbol-version",
                "requirement": "GLIBC_2.38 of libc.so.6",
                "found": "not in /libc.so.6",
            },
            "A needs GLIBC_2.38 of libc.so.6, which is not in /libc.so.6",
        ),
        (
            {"kind": "wheel-tag", "requirement": "cp311-win_amd64", "found": "CPython 3.11 on x86_64"},
            "A has a wheel for cp311-win_amd64, and this is CPython 3.11 on x86_64",
        ),
        (
            {"kind": "gpu-architecture", "requirement": "kernels for 9.0", "found": "sm_70"},
            "A needs kernels for 9.0, and was built for sm_70",
        ),
    ],
)
def test_each_kind_is_a_sentence(overrides: dict[str, Any], said: str) -> None:
    assert body(conflict(**overrides)) == [said]


@pytest.mark.parametrize("kind", get_args(ConflictKind))
def test_every_kind_tells_what_it_wants_and_what_it_found(kind: str) -> None:
    (said,) = body(conflict(kind=kind))
    assert "B>=2" in said
    assert "1.4" in said


def test_the_way_to_a_requirement_is_told_once() -> None:
    own = Cause(requirement="B>=2", parent="A 1.0", chain=("root 2.0", "A 1.0"))
    other = Cause(requirement="B<2", parent="C 3.0", chain=("C 3.0",))
    assert body(conflict(causes=(own, other))) == [
        "A 1.0 requires B>=2, found 1.4",
        "asked for by root 2.0 → A 1.0",
        "while C 3.0 requires B<2",
    ]
    alone = Cause(requirement="B>=2", parent="A 1.0", chain=("A 1.0",))
    assert body(conflict(causes=(alone,))) == ["A 1.0 requires B>=2, found 1.4"]


def test_a_copy_is_asked_for_and_got_not_required() -> None:
    got = Cause(requirement="libx.so", parent="/c.so", chain=("/c.so", "/b/libx.so"))
    named = Cause(requirement="libx", parent="libx.so", chain=("/a/libx.so",))
    unnamed = Cause(requirement="12.1", parent="cudart", chain=("/d/libcudart.so",))
    item = conflict(kind="two-copies", requirement="one x", found="/a/libx.so", causes=(got, named, unnamed))
    assert body(item)[1:] == ["/c.so asks for libx.so and gets /b/libx.so", "/d/libcudart.so: cudart 12.1"]


def test_a_cycle_is_one_sentence_and_its_steps() -> None:
    packages = (
        make_pypi("a", requires=("b",)),
        make_pypi("b", requires=("c>=1",)),
        make_pypi("c", requires=("a",)),
    )
    found = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    lines = graph_text.render(found).splitlines()
    assert lines[0].startswith("1 conflict (0 broken, 1 remark) in 3 packages")
    assert lines[2:6] == [
        "info   DEP-431  3 packages require each other: a → b → c → a",
        "       a 1.0 requires b",
        "       b 1.0 requires c>=1",
        "       c 1.0 requires a",
    ]


def test_a_requirement_that_cannot_be_read_is_said_with_a_verb() -> None:
    found = analyse(
        make_manifest(packages=(make_pypi("a", requires=("((((",)),), libraries=()), limits=DEFAULT
    )
    text = " ".join(graph_text.render(found).split())
    assert "a 1.0: the requirement '((((' cannot be read: expected package name" in text


def test_causes_beyond_the_fifth_are_counted() -> None:
    causes = tuple(Cause(requirement=f"B<{n}", parent=f"p{n} 1") for n in range(9))
    assert body(conflict(causes=causes))[-1] == "… and 4 more"


@pytest.mark.parametrize("width", [70, 100])
def test_lines_keep_to_the_width_but_for_commands(width: int) -> None:
    words = " ".join(f"word{n}" for n in range(40))
    chain = tuple(f"package-{n} 1.0" for n in range(20))
    command = "pip install " + " ".join(f"package-{n}==1.0" for n in range(20))
    items = (
        conflict(causes=(Cause(requirement="B>=2", parent="A 1.0", chain=(*chain, "A 1.0")),), fix=command),
        conflict(found=words, waived=words, fix=f"Take another {words}.", environment="/usr/bin/python3"),
    )
    unknown = Unknown(section="graph", where="a 1.0", reason=words)
    text = graph_text.render(
        report(*items, unknowns=(unknown,), not_examined=(Unexamined(what="files", needs="snapshot -i"),)),
        width=width,
    )
    long = [line for line in text.splitlines() if columns(line) > width]
    assert [line.strip() for line in long] == [f"fix: {command}"]
    assert "not looked at: files (needs snapshot -i)\n" in text


def test_color_changes_no_word() -> None:
    sample = report(conflict(), conflict(kind="cycle", found="2 packages require each other", broken=False))
    painted = graph_text.render(sample, style=Style(color=True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == graph_text.render(sample)
    assert painted != graph_text.render(sample)
