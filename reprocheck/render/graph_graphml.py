"""The dependency graph in GraphML, for yEd, Gephi, Cytoscape and networkx.

Text is escaped; what XML 1.0 cannot hold at all (control characters, surrogates) is written as its code.
Source: graphml.graphdrawing.org/specification.html; XML 1.0, production 2 (Char).
"""

from __future__ import annotations

from html import escape

from reprocheck.model.conflict import GraphReport
from reprocheck.render.safe import show

LONGEST = 10_000
"""Characters of one text."""

_KEYS = (
    ("label", "node", "string"),
    ("type", "node", "string"),
    ("broken", "node", "boolean"),
    ("id", "node", "string"),
    ("requirement", "edge", "string"),
    ("kind", "edge", "string"),
    ("failing", "edge", "boolean"),
)


def render(report: GraphReport) -> str:
    """Write the report's nodes and edges as one directed graph. Ends with a newline."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    lines += [
        f'  <key id="{name}" for="{owner}" attr.name="{name}" attr.type="{type_}"/>'
        for name, owner, type_ in _KEYS
    ]
    lines.append('  <graph id="reprocheck" edgedefault="directed">')
    names = {node.id: f"n{number}" for number, node in enumerate(report.nodes)}
    for node in report.nodes:
        lines.append(f'    <node id="{names[node.id]}">')
        lines += _data(label=node.label, type=node.type, broken=node.broken, id=node.id)
        lines.append("    </node>")
    known = (e for e in report.edges if e.source in names and e.target in names)
    for number, edge in enumerate(known):
        lines.append(f'    <edge id="e{number}" source="{names[edge.source]}" target="{names[edge.target]}">')
        lines += _data(requirement=edge.requirement, kind=edge.kind, failing=edge.broken)
        lines.append("    </edge>")
    lines += ["  </graph>", "</graphml>"]
    return "\n".join(lines) + "\n"


def _data(**values: str | bool) -> list[str]:
    return [f'      <data key="{name}">{_text(value)}</data>' for name, value in values.items()]


def _text(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # U+FFFE and U+FFFF are no characters of XML, and no category of `show`.
    return escape(show(value, limit=LONGEST).replace("\ufffe", "\\u{fffe}").replace("\uffff", "\\u{ffff}"))
