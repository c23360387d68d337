"""The conflict part of the dependency graph as one SVG picture, drawn without any other program.

Every text is escaped; there is no script, no link and nothing that is loaded. Colours follow the reader's
light or dark scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from reprocheck.model.conflict import Edge, GraphReport, Node
from reprocheck.render.edge_kinds import WORDS, present
from reprocheck.render.layers import Arrangement, arrange
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

MOST_NODES = 200
"""Nodes of one picture; a larger one nobody can read."""

LABEL = 36
"""Characters of a label that are shown; the tooltip has more."""

_LINES = {"needs": "dashed", "owns": "dotted"}
_CHARACTER = 7.3  # pixels of one character of the font, at 12 px
_HEIGHT, _ROW, _GAP, _MARGIN, _TOP = 28, 44, 190, 24, 64

_STYLE = """
  svg { background: #ffffff; font: 12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
  text { fill: #1f2328; }
  .head { font-weight: bold; font-size: 15px; }
  .note { fill: #59636e; }
  .node rect { fill: #f6f8fa; stroke: #818b98; }
  .edge { fill: none; stroke: #aeb6c0; }
  .broken rect { fill: #ffebe9; stroke: #c62828; stroke-width: 2; }
  .broken text, .why { fill: #b71c1c; }
  .bad { stroke: #c62828; stroke-width: 2; }
  .needs { stroke-dasharray: 7 4; }
  .owns { stroke-dasharray: 2 3; }
  .halo { fill: #ffffff; opacity: 0.9; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .node rect { fill: #161b22; stroke: #6e7681; }
    .edge { stroke: #4d5661; }
    .broken rect { fill: #3b1416; stroke: #ff7b72; }
    .broken text, .why { fill: #ff9d96; }
    .bad { stroke: #ff7b72; }
    .halo { fill: #0d1117; }
  }
"""


def render(report: GraphReport) -> str:
    """Draw the broken nodes, the chains to them and their neighbours. Ends with a newline."""
    drawn = _chosen(report)
    number = {node.id: index for index, node in enumerate(drawn)}
    edges = [e for e in report.edges if e.source in number and e.target in number and e.source != e.target]
    plan = arrange(len(drawn), [(number[e.source], number[e.target]) for e in edges])
    boxes, width, height = _boxes(drawn, plan)
    ways = [
        tuple(boxes[i] for i in (number[e.source], *bends, number[e.target]))
        for e, bends in zip(edges, plan.bends, strict=True)
    ]
    title = _title(report)
    note = _note(report, nodes=len(drawn), edges=len(edges))
    width = max(width, int(2 * _MARGIN + len(title) * 9.2), int(2 * _MARGIN + len(note) * _CHARACTER))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{_text(title)}</title>',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="context-stroke"/></marker></defs>',
        f'<text class="head" x="{_MARGIN}" y="26">{_text(title)}</text>',
        f'<text class="note" x="{_MARGIN}" y="46">{_text(note)}</text>',
    ]
    # Broken ones last: they lie on top.
    routed = sorted(zip(edges, ways, strict=True), key=lambda pair: pair[0].broken)
    lines += [_edge(edge, way) for edge, way in routed]
    lines += [_node(node, boxes[index]) for index, node in enumerate(drawn)]
    taken: set[tuple[int, int]] = set()
    lines += [_reason(edge, way, taken) for edge, way in routed if edge.broken]
    return "\n".join([*lines, "</svg>"]) + "\n"


Box = tuple[int, int, int]
"""Left, top and width of a node in pixels."""

Way = tuple[Box, ...]
"""The boxes that an edge touches: its source, its bends, its target."""


def _chosen(report: GraphReport) -> list[Node]:
    """Broken nodes first, then the ends of broken edges, then the rest; in the report's order."""
    ends = {name for e in report.edges if e.broken for name in (e.source, e.target)}
    ranked = sorted(report.nodes, key=lambda n: (not n.broken, n.id not in ends))
    kept = {node.id for node in ranked[:MOST_NODES]}
    return [node for node in report.nodes if node.id in kept]


def _boxes(nodes: Sequence[Node], plan: Arrangement) -> tuple[list[Box], int, int]:
    boxes: dict[int, Box] = {}
    tallest = max(map(len, plan.columns), default=0)
    left = _MARGIN
    for column in plan.columns:
        width = max(
            (int(len(_label(nodes[i])) * _CHARACTER) + 20 for i in column if i < len(nodes)), default=0
        )
        top = _TOP + (tallest - len(column)) * _ROW // 2
        for row, index in enumerate(column):
            boxes[index] = (left, top + row * _ROW, width)
        left += width + _GAP
    width, height = max(left - _GAP + _MARGIN, 2 * _MARGIN), _TOP + tallest * _ROW + _MARGIN
    return [boxes[index] for index in range(len(boxes))], width, height


def _node(node: Node, box: Box) -> str:
    left, top, width = box
    css = "node broken" if node.broken else "node"
    return (
        f'<g class="{css}"><title>{_text(f"{node.label} ({node.type})")}</title>'
        f'<rect x="{left}" y="{top}" width="{width}" height="{_HEIGHT}" rx="5"/>'
        f'<text x="{left + 10}" y="{top + 18}">{_text(_label(node))}</text></g>'
    )


def _edge(edge: Edge, way: Way) -> str:
    """A curve from box to box; at a bend it runs straight through the column."""
    parts: list[str] = []
    for source, target in pairwise(way):
        x1, y1, x2, y2 = _ends(source, target)
        bend = max(abs(x2 - x1) // 2, 40)
        parts.append(f"{'L' if parts else 'M'}{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}")
    css = " ".join(("edge", edge.kind, *(("bad",) if edge.broken else ())))
    return f'<path class="{css}" marker-end="url(#tip)" d="{" ".join(parts)}"/>'


def _reason(edge: Edge, way: Way, taken: set[tuple[int, int]]) -> str:
    """The requirement of a failing edge, between the last two columns of its way, below others."""
    x1, y1, x2, y2 = _ends(way[-2], way[-1])
    label = _cut(show(edge.requirement, limit=200), 22)
    width = int(len(label) * _CHARACTER) + 6
    x, row = (x1 + x2) // 2 - width // 2, (y1 + y2) // 2 // 16
    while (x1, row) in taken:
        row += 1
    taken.add((x1, row))
    return (
        f"<g><title>{_text(edge.requirement)}</title>"
        f'<rect class="halo" x="{x}" y="{row * 16 - 8}" width="{width}" height="16"/>'
        f'<text class="why" x="{x + 3}" y="{row * 16 + 4}">{_text(label)}</text></g>'
    )


def _ends(source: Box, target: Box) -> tuple[int, int, int, int]:
    return source[0] + source[2], source[1] + _HEIGHT // 2, target[0], target[1] + _HEIGHT // 2


def _title(report: GraphReport) -> str:
    broken = sum(conflict.broken and not conflict.waived for conflict in report.conflicts)
    counted = f"{plural(report.packages, 'package')}, {plural(report.requirements, 'requirement')}"
    if not report.conflicts:
        return f"no conflicts in {counted}"
    return f"{plural(len(report.conflicts), 'conflict')} ({broken} broken) in {counted}"


def _note(report: GraphReport, *, nodes: int, edges: int) -> str:
    """What the lines mean, and what is not in the picture."""
    said = ["red: broken", *(f"{_LINES[kind]}: {WORDS[kind]}" for kind in present(report) if kind in _LINES)]
    if nodes < len(report.nodes):
        said.append(
            f"{nodes} of {len(report.nodes)} nodes and {edges} of {len(report.edges)} lines are drawn"
        )
    elif edges < len(report.edges):
        said.append(f"{edges} of {len(report.edges)} lines are drawn")
    return "; ".join(said)


def _label(node: Node) -> str:
    return _cut(show(node.label, limit=200), LABEL)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(text: str) -> str:
    # U+FFFE and U+FFFF are no characters of XML, and no category of `show`.
    return escape(show(text, limit=1_000).replace("\ufffe", "\\u{fffe}").replace("\uffff", "\\u{ffff}"))
