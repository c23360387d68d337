"""DOT and Mermaid: stable, quoted, and never syntax made of names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.graph import analyse
from reprocheck.limits import DEFAULT
from reprocheck.model.conflict import Edge, GraphReport, Node
from reprocheck.render import graph_dot, graph_mermaid
from tests.strategies import make_manifest, make_pypi

HOSTILE = (
    'a"]; n0 -> evil; x["',
    "a\\",
    'a\\"b',
    "a\nend\nb",
    "a]:::broken --> b",
    "<b>x</b>",
    "<script>alert(1)</script>",
    "a;b{c}|d|`e`#quot;",
    "%%{init: {}}%%",
    "click n0 href javascript:x",
    "x\x1b[31m\u202ey",
    "\\N\\G",
)


def picture(name: str) -> GraphReport:
    """Two nodes and a broken edge, all called the same hostile thing."""
    return GraphReport(
        schema_version="1.0",
        conflicts=(),
        packages=2,
        requirements=1,
        nodes=(Node(id=name, label=name, type=name, broken=True), Node(id="b", label="b 1.0", type="pypi")),
        edges=(
            Edge(source=name, target="b", requirement=name, broken=True),
            Edge(source="b", target=name, requirement="x"),
            Edge(source="b", target="gone", requirement="x"),
        ),
        unknowns=(),
    )


_DOT_STRING = r'"(?:[^"\\\n]|\\["\\])*"'
_DOT_NODE = re.compile(rf"  n\d+ \[label={_DOT_STRING}, tooltip={_DOT_STRING}(, color=.*)?\];")
_DOT_EDGE = re.compile(rf"  n\d+ -> n\d+( \[label={_DOT_STRING}, color=.*\])?;")
_MERMAID_LABEL = r'"[A-Za-z0-9 .,:+\-()=/#;]*"'
_MERMAID_NODE = re.compile(rf"  n\d+\[{_MERMAID_LABEL}\]")
_MERMAID_EDGE = re.compile(rf"  n\d+ -->(\|{_MERMAID_LABEL}\|)? n\d+")


def check_dot(text: str) -> None:
    """Every line is one of ours."""
    assert text.endswith("}\n")
    for line in text.splitlines()[4:-1]:
        assert _DOT_NODE.fullmatch(line) or _DOT_EDGE.fullmatch(line), line


def check_mermaid(text: str) -> None:
    """Every line is one of ours."""
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    for line in lines[1:]:
        ours = line.startswith(("  classDef broken ", "  class n", "  linkStyle "))
        assert ours or _MERMAID_NODE.fullmatch(line) or _MERMAID_EDGE.fullmatch(line), line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_its_quotes(name: str) -> None:
    """In both formats, for nodes and for edges."""
    check_dot(graph_dot.render(picture(name)))
    check_mermaid(graph_mermaid.render(picture(name)))


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=50)
def test_any_name_stays_inside_its_quotes(name: str) -> None:
    """Whatever it is made of."""
    check_dot(graph_dot.render(picture(name)))
    check_mermaid(graph_mermaid.render(picture(name)))


def test_a_real_conflict_as_dot() -> None:
    """Red node, red edge with its requirement."""
    packages = (make_pypi("app", requires=("A",)), make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.4"))
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    red = 'color="#c62828", fontcolor="#c62828", penwidth=2'
    assert graph_dot.render(report).splitlines()[4:] == [
        f'  n0 [label="A 1.0", tooltip="pypi", {red}];',
        '  n1 [label="app 1.0", tooltip="pypi"];',
        '  n2 [label="B 1.4", tooltip="pypi"];',
        f'  n0 -> n2 [label="B>=2", {red}];',
        "  n1 -> n0;",
        "}",
    ]


def test_a_real_conflict_as_mermaid() -> None:
    """The same picture."""
    packages = (make_pypi("app", requires=("A",)), make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.4"))
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    assert graph_mermaid.render(report) == (
        "flowchart LR\n"
        '  n0["A 1.0"]\n'
        '  n1["app 1.0"]\n'
        '  n2["B 1.4"]\n'
        '  n0 -->|"B#62;=2"| n2\n'
        "  n1 --> n0\n"
        "  classDef broken stroke:#c62828,color:#c62828,stroke-width:2px\n"
        "  class n0 broken\n"
        "  linkStyle 0 stroke:#c62828,color:#c62828\n"
    )


def test_an_empty_report_is_still_a_valid_picture() -> None:
    """Nothing to draw."""
    report = analyse(make_manifest(packages=(), pythons=(), libraries=()), limits=DEFAULT)
    check_dot(graph_dot.render(report))
    check_mermaid(graph_mermaid.render(report))
