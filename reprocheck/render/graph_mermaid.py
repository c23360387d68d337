"""The dependency graph as a Mermaid flowchart, as GitHub and GitLab show it inside Markdown.

Mermaid has no escape character: inside a quoted label everything that could end the label, start Markdown or
HTML, or be read as an entity is written as an entity code (`#34;`). Names never become identifiers.
What is owned or needed at run time says so on its line, since a flowchart has no legend.
Source: mermaid.js.org/syntax/flowchart.html, "Entity codes to escape characters".
"""

from __future__ import annotations

from reprocheck.model.conflict import GraphReport
from reprocheck.render.safe import show

_ARROWS = {"requires": "-->", "needs": "-.->", "owns": "--o"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:+-()=/")


def render(report: GraphReport) -> str:
    """Write the report's nodes and edges as one flowchart; broken ones are red. Ends with a newline."""
    lines = ["flowchart LR"]
    names = {node.id: f"n{number}" for number, node in enumerate(report.nodes)}
    for node in report.nodes:
        lines.append(f"  {names[node.id]}[{_quoted(node.label)}]")
    red = []
    edges = [edge for edge in report.edges if edge.source in names and edge.target in names]
    for number, edge in enumerate(edges):
        words = ["" if edge.kind == "requires" else edge.kind, edge.requirement if edge.broken else ""]
        label = " ".join(filter(None, words))
        arrow = _ARROWS[edge.kind] + (f"|{_quoted(label)}|" if label else "")
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
        if edge.broken:
            red.append(str(number))
    lines.append("  classDef broken stroke:#c62828,color:#c62828,stroke-width:2px")
    broken = [names[node.id] for node in report.nodes if node.broken]
    if broken:
        lines.append(f"  class {','.join(broken)} broken")
    if red:
        lines.append(f"  linkStyle {','.join(red)} stroke:#c62828,color:#c62828")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + "".join(c if c in _PLAIN else f"#{ord(c)};" for c in show(text)) + '"'
