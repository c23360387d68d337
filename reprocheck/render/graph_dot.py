"""The dependency graph in DOT, the language of Graphviz.

Only quoted strings are written, so no name can become syntax. Inside them Graphviz reads the backslash as the
start of an escape (`\\N`, `\\G`, `\\l`), so every backslash is doubled; HTML labels are never used.
Lines show the kind of an edge; where there is another one than `requires`, the picture says what they mean.
Source: graphviz.org/doc/info/lang.html and escString.
"""

from __future__ import annotations

from reprocheck.model.conflict import GraphReport
from reprocheck.render.edge_kinds import WORDS, present
from reprocheck.render.safe import show

_STYLES = {"requires": ("solid", ""), "needs": ("dashed", "style=dashed"), "owns": ("dotted", "style=dotted")}
_RED = 'color="#c62828", fontcolor="#c62828"'


def render(report: GraphReport) -> str:
    """Write the report's nodes and edges as one directed graph; broken ones are red. Ends with a newline."""
    lines = [
        "digraph reprocheck {",
        "  rankdir=LR;",
        '  node [shape=box, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    kinds = present(report)
    if kinds not in ((), ("requires",)):
        legend = "; ".join(f"{_STYLES[kind][0]}: {WORDS[kind]}" for kind in kinds)
        lines.append(f'  label={_quoted(legend)}; labelloc=b; fontname="sans-serif"; fontsize=10;')
    names = {node.id: f"n{number}" for number, node in enumerate(report.nodes)}
    for node in report.nodes:
        style = f", {_RED}, penwidth=2" if node.broken else ""
        lines.append(
            f"  {names[node.id]} [label={_quoted(node.label)}, tooltip={_quoted(node.type)}{style}];"
        )
    for edge in report.edges:
        if edge.source in names and edge.target in names:
            red = f"label={_quoted(edge.requirement)}, {_RED}, penwidth=2" if edge.broken else ""
            style = ", ".join(filter(None, (red, _STYLES[edge.kind][1])))
            lines.append(f"  {names[edge.source]} -> {names[edge.target]}{f' [{style}]' if style else ''};")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = show(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
