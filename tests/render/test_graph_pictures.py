"""DOT, Mermaid, GraphML and SVG: stable, quoted, and never syntax made of names."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocheck.graph import analyse
from reprocheck.limits import DEFAULT
from reprocheck.model.base import replace
from reprocheck.model.conflict import Edge, GraphReport, Node
from reprocheck.render import graph_dot, graph_graphml, graph_mermaid, graph_svg
from reprocheck.render.layers import arrange
from reprocheck.render.safe import show
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
            Edge(source="b", target=name, requirement=name, broken=True, kind="needs"),
            Edge(source="b", target=name, requirement=name, kind="owns"),
            Edge(source="b", target="gone", requirement="x"),
        ),
        unknowns=(),
    )


_DOT_STRING = r'"(?:[^"\\\n]|\\["\\])*"'
_DOT_NODE = re.compile(rf"  n\d+ \[label={_DOT_STRING}, tooltip={_DOT_STRING}(, color=.*)?\];")
_DOT_STYLE = "style=(?:dashed|dotted)"
_DOT_EDGE = re.compile(
    rf"  n\d+ -> n\d+(?: \[(?:label={_DOT_STRING}, color=[^\n]*?penwidth=2)?(?:, )?(?:{_DOT_STYLE})?\])?;"
)
_DOT_LEGEND = re.compile(rf'  label={_DOT_STRING}; labelloc=b; fontname="sans-serif"; fontsize=10;')
_MERMAID_LABEL = r'"[A-Za-z0-9 .,:+\-()=/#;]*"'
_MERMAID_NODE = re.compile(rf"  n\d+\[{_MERMAID_LABEL}\]")
_MERMAID_EDGE = re.compile(rf"  n\d+ (?:-->|-\.->|--o)(\|{_MERMAID_LABEL}\|)? n\d+")


def check_dot(text: str) -> None:
    """Every line is one of ours."""
    assert text.endswith("}\n")
    for line in text.splitlines()[4:-1]:
        assert any(rule.fullmatch(line) for rule in (_DOT_NODE, _DOT_EDGE, _DOT_LEGEND)), line


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


def kinds(*names: str) -> GraphReport:
    """One edge of each kind between two packages, the last one broken."""
    edges = tuple(
        Edge(source="a", target="b", requirement="libb", kind=name, broken=name == names[-1])  # type: ignore[arg-type]
        for name in names
    )
    return replace(picture("a"), edges=edges)


def test_every_picture_tells_kinds_of_edges_apart_and_what_they_mean() -> None:
    """By the line and in words; requirements alone need no legend."""
    every = kinds("requires", "owns", "needs")
    dot = graph_dot.render(every)
    assert "solid: requires; dashed: needs when it runs; dotted: owns the files of" in dot
    assert "n0 -> n1;" in dot
    assert "n0 -> n1 [style=dotted];" in dot
    assert "penwidth=2, style=dashed];" in dot
    assert graph_mermaid.render(every).splitlines()[3:6] == [
        "  n0 --> n1",
        '  n0 --o|"owns"| n1',
        '  n0 -.->|"needs libb"| n1',
    ]
    svg = graph_svg.render(every)
    assert "red: broken; dashed: needs when it runs; dotted: owns the files of</text>" in svg
    assert 'class="edge owns"' in svg
    assert 'class="edge needs bad"' in svg

    plain = kinds("requires")
    assert "requires" not in graph_dot.render(plain)
    assert "red: broken</text>" in graph_svg.render(plain)


def test_an_empty_report_is_still_a_valid_picture() -> None:
    """Nothing to draw."""
    report = analyse(make_manifest(packages=(), pythons=(), libraries=()), limits=DEFAULT)
    check_dot(graph_dot.render(report))
    check_mermaid(graph_mermaid.render(report))


def check_xml(text: str) -> ElementTree.Element:
    """Well-formed, and every text is text."""
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("name", [*HOSTILE, "a & b", "]]>", "x\x00\x1f\ufffe\uffffy", "\ud800"])
def test_a_hostile_name_stays_text_in_xml(name: str) -> None:
    """GraphML and SVG: no element, attribute or character reference is made of a name."""
    graph = nx.parse_graphml(graph_graphml.render(picture(name)))
    assert set(graph) == {"n0", "n1"}
    (said,) = [data["requirement"] for source, _, data in graph.edges(data=True) if source == "n0"]
    assert said == show(name, limit=10_000).replace("\ufffe", "\\u{fffe}").replace("\uffff", "\\u{ffff}")
    tags = [element.tag.rpartition("}")[2] for element in check_xml(graph_svg.render(picture(name))).iter()]
    assert set(tags) <= {"svg", "title", "style", "defs", "marker", "path", "text", "g", "rect"}
    assert tags.count("g") == 4


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=50)
def test_any_name_stays_text_in_xml(name: str) -> None:
    """Whatever it is made of."""
    assert nx.parse_graphml(graph_graphml.render(picture(name))).nodes["n1"]["label"] == "b 1.0"
    check_xml(graph_svg.render(picture(name)))


def test_a_real_conflict_as_graphml() -> None:
    """networkx reads back what was written."""
    packages = (make_pypi("app", requires=("A",)), make_pypi("A", requires=("B>=2",)), make_pypi("B", "1.4"))
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT)
    graph = nx.parse_graphml(graph_graphml.render(report))
    assert {data["label"]: data["broken"] for _, data in graph.nodes(data=True)} == {
        "A 1.0": True,
        "app 1.0": False,
        "B 1.4": False,
    }
    failing = [data for _, _, data in graph.edges(data=True) if data["failing"]]
    assert [(data["requirement"], data["kind"]) for data in failing] == [("B>=2", "requires")]


def test_a_large_picture_shows_the_broken_part_and_counts_the_rest() -> None:
    """Two hundred nodes at most, the failing ones among them."""
    packages = tuple(make_pypi(f"p{n:03}", requires=(f"p{n + 1:03}",)) for n in range(400))
    report = analyse(make_manifest(packages=packages, libraries=()), limits=DEFAULT, full=True)
    text = graph_svg.render(report)
    assert "p400 (missing)" in text
    assert "p399 1.0" in text
    assert "200 of 401 nodes and 198 of 400 lines are drawn" in text
    assert graph_svg.render(report) == text


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
@settings(deadline=None, max_examples=50)
def test_every_node_has_one_place_and_edges_go_right(pairs: list[tuple[int, int]]) -> None:
    """Without a cycle every edge goes from left to right, one column at a time."""
    forward = [(a, b) for a, b in pairs if a < b]
    plan = arrange(8, forward)
    column = {node: index for index, nodes in enumerate(plan.columns) for node in nodes}
    assert sorted(node for nodes in plan.columns for node in nodes) == list(range(len(column)))
    for (source, target), bends in zip(forward, plan.bends, strict=True):
        steps = [column[node] for node in (source, *bends, target)]
        assert steps == list(range(steps[0], steps[-1] + 1))
    assert len(arrange(8, pairs).bends) == len(pairs)
