"""The page of a conflict graph: the conflicts, their chains, and the rest on request."""

from __future__ import annotations

from collections.abc import Iterable

from reprocheck.model.change import SEVERITIES
from reprocheck.model.conflict import Conflict, GraphReport
from reprocheck.render.edge_kinds import WORDS, present
from reprocheck.render.graph_wording import COPIES, because, colon, subject, told
from reprocheck.render.html.diff import MOST_ROWS, choices
from reprocheck.render.html.embedding import Json
from reprocheck.render.html.page import build
from reprocheck.render.safe import show
from reprocheck.render.wording import plural

MOST_NODES = 10_000
"""Nodes in one picture; what belongs to a conflict comes first."""
MOST_EDGES = 50_000
LABEL_LIMIT = 120


def render_graph(report: GraphReport) -> str:
    """Return the report as one HTML page, self-contained; equal reports give equal pages."""
    listed = report.conflicts[:MOST_ROWS]
    labels, asked = _by_label(report), _by_asking(report)
    places = [_places(conflict, labels, asked) for conflict in listed]
    drawn = _drawn(report, places)
    data = _data(report, places, drawn) if drawn else None
    return build(
        "graph.html.j2",
        scripts=("cytoscape.min.js", "page.js", "layers.js", "graph.js") if drawn else ("page.js",),
        styles=("cytoscape.css", "page.css") if drawn else ("page.css",),
        uses=("cytoscape",) if drawn else (),
        title=f"graph: {plural(len(report.conflicts), 'conflict')}",
        report=report,
        verdict=_verdict(report),
        headline=_headline(report),
        conflicts=listed,
        left=len(report.conflicts) - len(listed),
        placed=[bool(found) for found in places],
        edge_kinds=[(kind, WORDS[kind]) for kind in present(report) if kind != "requires"],
        not_drawn=_not_drawn(report, data),
        partial=len(report.nodes) < report.packages,
        data=data,
        subject=subject,
        colon=colon,
        told=told,
        because=because,
        copies=COPIES,
        choices=[
            ("severity", "Severity", choices((c.severity for c in listed), SEVERITIES)),
            ("kind", "Kind", choices((c.kind for c in listed), ())),
            ("state", "State", choices(map(state, listed), ("broken", "remark", "waived"))),
            ("type", "Packages", choices((c.type for c in listed if c.type), ())),
        ],
    )


def state(conflict: Conflict) -> str:
    """Return what a conflict counts as: `waived`, `broken` (it alone decides exit code 1) or `remark`."""
    return "waived" if conflict.waived else "broken" if conflict.broken else "remark"


def _not_drawn(report: GraphReport, data: dict[str, Json] | None) -> str:
    """What the picture leaves out, in words; '' where it holds everything."""
    if data is None:
        return ""
    counts = (("packages", data["nodes"], report.nodes), ("lines", data["edges"], report.edges))
    said = [
        f"{len(shown)} of {len(known)} {name}"
        for name, shown, known in counts
        if isinstance(shown, list) and len(shown) < len(known)
    ]
    return " and ".join(said)


def _verdict(report: GraphReport) -> dict[str, str]:
    if any(state(conflict) == "broken" for conflict in report.conflicts):
        return {"word": "conflicts", "class": "differs", "mark": "✗"}
    if report.conflicts:
        return {"word": "remarks only", "class": "inconclusive", "mark": "◆"}
    if report.unknowns:
        return {"word": "incomplete", "class": "inconclusive", "mark": "?"}
    return {"word": "no conflicts", "class": "identical", "mark": "✓"}


def _headline(report: GraphReport) -> str:
    counted = f"{plural(report.packages, 'package')}, {plural(report.requirements, 'requirement')}"
    if not report.conflicts:
        said = f"no conflicts in {counted}"
    else:
        states = [state(conflict) for conflict in report.conflicts]
        kinds = ", ".join(f"{states.count(kind)} {word}" for kind, word in _STATES if kind in states)
        said = f"{plural(len(report.conflicts), 'conflict')} ({kinds}) in {counted}"
    if report.since:
        said += f"; {plural(report.inherited, 'conflict')} that {show(report.since)} has too"
        said += " is not listed" if report.inherited == 1 else " are not listed"
    return said


_STATES = (("broken", "broken"), ("remark", "only remarked"), ("waived", "waived"))


def _by_label(report: GraphReport) -> dict[str, list[int]]:
    """Indices of nodes by label (`name version`) and by the name in it."""
    found: dict[str, list[int]] = {}
    for index, node in enumerate(report.nodes):
        for name in {node.label, node.label.partition(" ")[0]}:
            found.setdefault(name, []).append(index)
    return found


def _by_asking(report: GraphReport) -> dict[tuple[int, str], list[int]]:
    """Indices of the nodes that a node's requirement leads to."""
    index = {node.id: place for place, node in enumerate(report.nodes)}
    found: dict[tuple[int, str], list[int]] = {}
    for edge in report.edges:
        if edge.source in index and edge.target in index:
            found.setdefault((index[edge.source], edge.requirement), []).append(index[edge.target])
    return found


def _places(
    conflict: Conflict, labels: dict[str, list[int]], asked: dict[tuple[int, str], list[int]]
) -> list[int]:
    """Nodes that a conflict is about: its package, who asks for what, and the chains down to them."""
    askers = [(conflict.package, conflict.requirement)]
    askers += [(cause.parent, cause.requirement) for cause in (*conflict.causes, *conflict.minimal)]
    steps = [step for cause in conflict.causes for step in cause.chain]
    places = {place for name in steps for place in labels.get(name, ())}
    for name, requirement in askers:
        for place in labels.get(name, ()):
            places |= {place, *asked.get((place, requirement), ())}
    return sorted(places)


def _drawn(report: GraphReport, places: list[list[int]]) -> list[int]:
    """Indices of the nodes in the picture, ascending: those of conflicts first when there are too many."""
    if len(report.nodes) <= MOST_NODES:
        return list(range(len(report.nodes)))
    first = sorted(_part(report, places))
    chosen = first[:MOST_NODES]
    kept = set(chosen)
    rest = (index for index in range(len(report.nodes)) if index not in kept)
    chosen += [index for index, _ in zip(rest, range(MOST_NODES - len(chosen)), strict=False)]
    return sorted(chosen)


def _part(report: GraphReport, places: Iterable[Iterable[int]]) -> set[int]:
    """Nodes that the picture opens on: broken ones, ends of broken edges, the chains of conflicts."""
    index = {node.id: place for place, node in enumerate(report.nodes)}
    part = {place for place, node in enumerate(report.nodes) if node.broken}
    part |= {
        index[e] for edge in report.edges if edge.broken for e in (edge.source, edge.target) if e in index
    }
    return part.union(*places)


def _data(report: GraphReport, places: list[list[int]], drawn: list[int]) -> dict[str, Json]:
    """Give nodes as (label, type, broken), edges as (from, to, requirement, broken, kind)."""
    place = {report.nodes[index].id: new for new, index in enumerate(drawn)}
    new = {index: number for number, index in enumerate(drawn)}
    edges: list[Json] = []
    for edge in sorted(report.edges, key=lambda e: not e.broken):
        if edge.source in place and edge.target in place and len(edges) < MOST_EDGES:
            ends: list[Json] = [place[edge.source], place[edge.target]]
            edges.append([*ends, show(edge.requirement, limit=LABEL_LIMIT), int(edge.broken), edge.kind])
    nodes = [report.nodes[index] for index in drawn]
    return {
        "nodes": [
            [show(node.label, limit=LABEL_LIMIT), show(node.type, limit=40), int(node.broken)]
            for node in nodes
        ],
        "edges": edges,
        "part": [new[index] for index in sorted(_part(report, places)) if index in new],
        "conflicts": [[new[index] for index in found if index in new] for found in places],
    }
