"""Reports as one self-contained page each: no network, no storage, readable without JavaScript.

What a page runs and how it looks is inlined and named by its hash in the page's Content-Security-Policy;
what a report says goes in as escaped text, or as JSON that no parser of HTML can leave.
"""

from __future__ import annotations

from reprocheck.render.html.diff import render_diff
from reprocheck.render.html.fleet import render_fleet
from reprocheck.render.html.graph import render_graph

__all__ = ["render_diff", "render_fleet", "render_graph"]
